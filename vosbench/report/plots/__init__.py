"""The figures of a run, one a file: `vosbench plot --only NAME`, and what `vosbench publish` draws.

A figure is a Python file with a function `figure(records)` that returns a matplotlib figure; the first line of the
file is what `vosbench list figures` says. The function gets the records of one run, in the order of the run; declared
as `figure(*runs)` it gets those of each of several runs. It raises `NotApplicableError` where the records lack what it
shows. The file that is written is called after the module, or after the figure's label if it has one. `PUBLISHED`
lists the files that `vosbench publish` writes: NAME.svg by default, none for an empty list.

A file in this folder is found by its name, another one by its path, and that of an installed package by an entry
point in the group `vosbench.figures` that names the module or the function. `report/drawing/` has what the figures
share: how they look, and how names are placed beside points and curves.
"""

import sys

from vosbench.report.makers import registry

FIGURES = registry("figure", sys.modules[__name__])
