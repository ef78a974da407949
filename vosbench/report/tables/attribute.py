"""Of several runs that differ in one strength of generated clips: a row for each strength and strategy."""

from vosbench.report.context import Records, by_strategy
from vosbench.report.measures import COSTS, SCORES, STRATEGY, accuracy_of, measures, of_protocol, who
from vosbench.report.sweep import sweep
from vosbench.report.table import Column, Table


def table(*runs: Records) -> Table:
    """With the figures of the table `strategy`. Raises as `sweep` does."""
    found = sweep(runs)
    decimals = max(len(f"{run.strength:g}".partition(".")[2]) for run in found.runs)
    columns = (Column(found.attribute, decimals=decimals), *STRATEGY, Column("objects"), *SCORES, *COSTS)
    columns = of_protocol(columns, [record for run in found.runs for record in run.records])
    rows = [
        {found.attribute: run.strength, **who(group), "objects": run.context.objects, **measures(group)}
        for run in found.runs
        for group in by_strategy(run.records).values()
    ]
    caption = f"{accuracy_of(runs[0])} against {found.attribute}. {found.data}; {found.system}."
    conditions = {"attribute": found.attribute, "runs": [run.context for run in found.runs]}
    return Table(columns, rows, caption, conditions, within=(found.attribute,))
