"""Tables, figures and comparisons, as functions of the records of runs. Free of torch.

A table is a Python file with a function `table(records)` that returns a `report.table.Table`, whose columns stand
beside it; a figure one with a function `figure(records)` that returns a matplotlib figure. The first line of the file
is what `vosbench list tables` or `list figures` says. The function gets the records of one run, in the order of the
run; declared as `table(*runs)` it gets those of each of several runs. It raises as `context.context` does, and
`NotApplicableError` where the records lack what it shows. `PUBLISHED` lists the files that `vosbench publish` writes,
NAME.md, NAME.csv and NAME.tex or NAME.svg by default, none for an empty list. `vosbench plot` calls its file after the
module, or after the figure's label if it has one.

A file in `report/tables/` or `report/plots/` is found by its name, another one by its path, and that of an installed
package by an entry point in the group `vosbench.tables` or `vosbench.figures` that names the module or the function.

What such a function mostly needs: `context.context` (the conditions that records share, and their refusal if they
share none), `context.by_strategy`, `measures` (J, F, speed and memory over records), `table` (columns and rows) and
`drawing/` (how figures look, and names beside points and curves).
"""
