"""A row for each sequence and strategy: J, F and J&F, frames per second, frames in memory, bytes."""

from vosbench.report.context import Records, by_strategy, context
from vosbench.report.measures import COSTS, SCORES, STRATEGY, kind_of, measures, of_protocol
from vosbench.report.table import Column, Table

COLUMNS = (Column("sequence"), *STRATEGY, *SCORES, *COSTS)
PUBLISHED = ("sequences.csv",)


def table(records: Records) -> Table:
    """One row per sequence and strategy. Raises VosbenchError as `context` does."""
    common = context(records)
    rows = [
        {"sequence": sequence, "strategy": label, "kind": kind_of(group), **measures(group)}
        for sequence in sorted({record.sequence for record in records})
        for label, group in by_strategy(record for record in records if record.sequence == sequence).items()
    ]
    return Table(of_protocol(COLUMNS, records), rows, common.caption, common)
