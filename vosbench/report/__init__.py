"""Tables, figures and comparisons, as functions of the records of runs. Free of torch.

How to add a table: write a file with a function `table(records)` that returns a `report.table.Table`, and put it into
`report/tables/`, whose `__init__.py` says the rest. How to add a figure: write a file with a function
`figure(records)` that returns a matplotlib figure, and put it into `report/plots/`, whose `__init__.py` says the rest.
Both are then found by `vosbench table`, `vosbench plot`, `vosbench list` and `vosbench publish`. A file of yours
anywhere else is given by its path.

`records` are in the order of the run. What such a function mostly needs: `context.context` (the conditions that they
share, and their refusal if they share none), `context.by_strategy`, `measures` (J, F, speed and memory over records),
`table` (columns and rows) and `drawing/` (how figures look).
"""
