"""The tables of a run, one a file: `vosbench table --by NAME`, and what `vosbench publish` writes.

A table is a Python file with a function `table(records) -> Table`. Its columns stand beside it; the first line of the
file is what `vosbench list tables` says. The function gets the records of one run, in the order of the run; declared
as `table(*runs)` it gets those of each of several runs. It raises `NotApplicableError` where the records lack what it
shows. `PUBLISHED` lists the files that `vosbench publish` writes, formats by suffix: NAME.md, NAME.csv and NAME.tex by
default, none for an empty list.

A file in this folder is found by its name, another one by its path, and that of an installed package by an entry
point in the group `vosbench.tables` that names the module or the function.
"""

import sys

from vosbench.report.makers import registry

TABLES = registry("table", sys.modules[__name__])
