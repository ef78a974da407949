"""A row for each sequence and strategy: J, F and J&F, frames per second, frames in memory, bytes."""

from vosbench.report.context import Records, by_strategy, context
from vosbench.report.measures import COSTS, SCORES, STRATEGY, measures, of_protocol, who
from vosbench.report.table import Column, Table

COLUMNS = (Column("sequence"), *STRATEGY, *SCORES, *COSTS)
PUBLISHED = ("sequences.csv",)


def table(records: Records) -> Table:
    common = context(records)
    rows = [
        {"sequence": record.sequence, **who([record]), **measures([record])}
        for group in by_strategy(records).values()
        for record in group
    ]
    rows.sort(key=lambda row: row["sequence"])
    return Table(of_protocol(COLUMNS, records), rows, common.caption, common, within=("sequence",))
