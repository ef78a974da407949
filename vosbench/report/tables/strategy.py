"""A row for each strategy: J, F and J&F with its interval, frames per second, frames in memory, bytes."""

import numpy as np

from vosbench.report.compare.significance import interval
from vosbench.report.context import Records, by_strategy, context
from vosbench.report.measures import COSTS, SCORES, STRATEGY, kind_of, measures, scored_objects
from vosbench.report.table import Column, Table, percent

COLUMNS = (
    *STRATEGY,
    Column("failed_sequences", "failed\nsequences"),
    *SCORES,
    percent("jf_low", "J&F\nfrom"),
    percent("jf_high", "J&F\nto"),
    *COSTS,
)
PUBLISHED = ("strategies.md", "strategies.csv", "strategies.tex")
_COVERS = (
    "The 95% interval of J&F covers which sequences the data set happens to hold; strategies share them, so that "
    "intervals overlap where paired differences (vosbench compare) may still be sure."
)


def table(records: Records) -> Table:
    """One row per strategy, in the order of the run: J, F, J&F (0 to 1), speed, frames in memory, peak bytes.

    `jf_low` and `jf_high` are the 95% interval of J&F over which sequences were drawn (NaN for fewer than five).
    Controls have rows too, without costs. The row of a strategy that failed says on how many sequences. Raises
    VosbenchError as `context` does.
    """
    common, rows = context(records), []
    for label, group in by_strategy(records).items():
        low, high = _interval(group)
        row = {"strategy": label, "kind": kind_of(group), **measures(group), "jf_low": low, "jf_high": high}
        if failed := sum(record.failure is not None for record in group):
            row["failed_sequences"] = failed
        rows.append(row)
    covers = "" if all(np.isnan(row["jf_low"]) for row in rows) else f" {_COVERS}"
    return Table(COLUMNS, rows, common.caption + covers, common)


def _interval(records: Records) -> tuple[float, float]:
    """The 95% interval of J&F; NaN if one failed."""
    if not scored_objects(records):
        return np.nan, np.nan
    scored = [(r.sequence, (o.j.mean + o.f.mean) / 2) for r in records if r.scores for o in r.scores.objects]
    return interval(np.array([jf for _, jf in scored]), np.array([name for name, _ in scored]))
