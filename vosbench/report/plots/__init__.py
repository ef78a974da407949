"""The figures of a run, one a file, see `vosbench.report`: `vosbench plot --only NAME`, and what `publish` draws."""

from vosbench.report.makers import registry

FIGURES = registry("figure", __name__)
