"""The tables of a run, one a file, see `vosbench.report`: `vosbench table --by NAME`, and what `publish` writes."""

from vosbench.report.makers import registry

TABLES = registry("table", __name__)
