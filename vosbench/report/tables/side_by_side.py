"""A row for each sequence, a column for each strategy: J&F."""

from vosbench.report.context import Records, by_strategy, context
from vosbench.report.makers import NotApplicableError
from vosbench.report.measures import accuracy_of, name_and_kind, pooled_jf, who
from vosbench.report.table import Column, Row, Table, percent

PUBLISHED = ()


def table(records: Records) -> Table:
    """One row per sequence, and a last one over all of them."""
    common, groups = context(records), by_strategy(records)
    if not any(record.scores for record in records):
        raise NotApplicableError("no record has scores", "score the run against a data set that has ground truth")
    names = sorted({record.sequence for group in groups.values() for record in group if record.scores})
    rows: list[Row] = [
        {"sequence": name or "all"}
        | {label: pooled_jf([r for r in group if not name or r.sequence == name]) for label, group in groups.items()}
        for name in (*names, "")
    ]
    columns = (Column("sequence"), *(percent(label, name_and_kind(who(group))) for label, group in groups.items()))
    return Table(columns, rows, f"{accuracy_of(records)}. {common.caption}", common)
