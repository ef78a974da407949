"""A row for each strategy: J, F and J&F with its interval, frames per second, frames in memory, bytes."""

import numpy as np

from vosbench.metrics.statistics import j_and_f, mean
from vosbench.report.compare.significance import interval
from vosbench.report.context import Records, by_strategy, context
from vosbench.report.measures import COSTS, SCORES, STRATEGY, measures, of_protocol, who
from vosbench.report.table import Column, Table, percent

COLUMNS = (
    *STRATEGY,
    Column("failed_sequences", "failed\nsequences"),
    *SCORES,
    percent("jf_low", "J&F\nfrom", leaves=3),
    percent("jf_high", "J&F\nto", leaves=3),
    *COSTS,
)
PUBLISHED = ("strategies.md", "strategies.csv", "strategies.tex")
_COVERS = (
    "The 95% interval of J&F covers which sequences the data set happens to hold; strategies share them, so that "
    "intervals overlap where paired differences (vosbench compare) may still be sure."
)


def table(records: Records) -> Table:
    """In the order of the run. `jf_low` and `jf_high` are the 95% interval of J&F over which sequences were drawn (NaN
    for fewer than five). Controls have no costs. The row of a strategy that failed says on how many sequences.
    """
    common, rows = context(records), []
    for group in by_strategy(records).values():
        row = {**who(group), **measures(group)}
        if "jf" in row:
            row["jf_low"], row["jf_high"] = _interval(group, row["jf"])
        if failed := sum(record.failure is not None for record in group):
            row["failed_sequences"] = failed
        rows.append(row)
    covers = "" if all(np.isnan(row.get("jf_low", np.nan)) for row in rows) else f" {_COVERS}"
    return Table(of_protocol(COLUMNS, records), rows, common.caption + covers, common)


def _interval(records: Records, jf: float) -> tuple[float, float]:
    """The 95% interval of J&F; NaN if one failed, or if the protocol's J&F is no mean over objects."""
    scored = [(r.sequence, j_and_f(o)) for r in records for o in r.objects]
    if not np.isclose(mean(value for _, value in scored), jf, rtol=0, atol=1e-9):
        return np.nan, np.nan
    return interval(np.array([jf for _, jf in scored]), np.array([name for name, _ in scored]))
