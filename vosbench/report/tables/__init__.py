"""The tables of a run, one a file, see `vosbench.report`: `vosbench table --by NAME`, and what `publish` writes."""

import sys

from vosbench.report.makers import registry

TABLES = registry("table", sys.modules[__name__])
