"""The figures of a run, one a file, see `vosbench.report`: `vosbench plot --only NAME`, and what `publish` draws."""

import sys

from vosbench.report.makers import registry

FIGURES = registry("figure", sys.modules[__name__])
