"""A row for each sequence and strategy: J, F and J&F, frames per second, frames in memory, bytes."""

from vosbench.bench.record import RunRecord
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
        for sequence, label, group in _groups(records)
    ]
    return Table(of_protocol(COLUMNS, records), rows, common.caption, common, within=("sequence",))


def _groups(records: Records) -> list[tuple[str, str, list[RunRecord]]]:
    """Sequence, strategy and their record, by sequence."""
    groups = by_strategy(records)
    found = [(record.sequence, label, [record]) for label, group in groups.items() for record in group]
    return sorted(found, key=lambda entry: entry[0])
