"""A table of simulated strategies and the attention that they keep."""

from collections.abc import Mapping, Sequence

from vosbench.memory.grammar import title
from vosbench.metrics.statistics import mean
from vosbench.report.measures import FRAMES_IN_MEMORY, FRAMES_IN_MEMORY_PEAK, STRATEGY
from vosbench.report.table import Column, Table, percent
from vosbench.simulation.outcome import Outcome

COLUMNS = (
    *STRATEGY,
    percent("retained", "attention\nkept %"),
    Column("hit_age", "age of hits\n(frames)", 1),
    FRAMES_IN_MEMORY,
    FRAMES_IN_MEMORY_PEAK,
    percent("churn", "evicted a write\n(% of a frame)"),
)


def table(outcomes: Sequence[Outcome], caption: str, kinds: Mapping[str, str]) -> Table:
    """One row per setting: attention kept (0 to 1), age of hits, frames in memory, share of a frame evicted a write.

    Means go over all reads, frames or writes of all sequences, and are NaN where there were none. `kinds` are those of
    the strategies by label, or spec where they have none.
    """
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(title(outcome.spec), []).append(outcome)
    rows = []
    for spec, group in groups.items():
        frames = [tokens / o.tokens_per_frame for o in group for tokens in o.tokens]
        rows.append(
            {
                "strategy": spec,
                "kind": kinds[spec],
                "retained": mean(share for o in group for share in o.retained),
                "hit_age": mean(age for o in group for age in o.hit_age),
                "frames_in_memory": mean(frames),
                "frames_in_memory_peak": max(frames),
                "churn": mean(tokens / o.tokens_per_frame for o in group for tokens in o.evicted),
            }
        )
    return Table(COLUMNS, rows, caption)
