"""Simulated strategies: a table of the attention that they keep, and how well it foretells accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from vosbench.errors import VosbenchError
from vosbench.memory.grammar import title
from vosbench.metrics.statistics import mean
from vosbench.report.measures import FRAMES_IN_MEMORY, FRAMES_IN_MEMORY_PEAK, STRATEGY
from vosbench.report.table import Column, Table, percent
from vosbench.simulation.outcome import Outcome

MIN_STRATEGIES = 3  # for a rank correlation that says anything
COLUMNS = (
    *STRATEGY,
    percent("retained", "attention\nkept %"),
    Column("hit_age", "age of hits\n(frames)", 1),
    FRAMES_IN_MEMORY,
    FRAMES_IN_MEMORY_PEAK,
    percent("churn", "evicted a write\n(% of a frame)"),
)


def by_setting(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes grouped under the label of their strategy, or its spec, in order of first appearance."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(title(outcome.spec), []).append(outcome)
    return groups


def retained(outcomes: Sequence[Outcome]) -> float:
    """Attention kept, 0 to 1: the mean over all reads of all `outcomes`; NaN where nothing was read."""
    return mean(share for outcome in outcomes for share in outcome.retained)


def retained_by_setting(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Attention kept by each strategy, by spec."""
    return {spec: retained(group) for spec, group in by_setting(outcomes).items()}


def table(outcomes: Sequence[Outcome], caption: str) -> Table:
    """One row per setting: attention kept (0 to 1), age of hits, frames in memory, share of a frame evicted a write.

    Means go over all reads, frames or writes of all sequences.
    """
    rows = []
    for spec, group in by_setting(outcomes).items():
        frames = [tokens / o.tokens_per_frame for o in group for tokens in o.tokens]
        rows.append(
            {
                "strategy": spec,
                "retained": retained(group),
                "hit_age": mean(age for o in group for age in o.hit_age),
                "frames_in_memory": mean(frames),
                "frames_in_memory_peak": max(frames),
                "churn": mean(tokens / o.tokens_per_frame for o in group for tokens in o.evicted),
            }
        )
    return Table(COLUMNS, rows, caption)


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlation of attention kept with J&F, over `strategies`."""

    rho: float
    strategies: int


def agreement(kept: Mapping[str, float], jf: Mapping[str, float]) -> Agreement:
    """How well attention kept orders strategies by J&F, both by spec; over those that both know.

    Raises VosbenchError for fewer than 3 of them, or if either figure is the same for all.
    """
    both = [spec for spec in kept if spec in jf and np.isfinite([kept[spec], jf[spec]]).all()]
    if len(both) < MIN_STRATEGIES:
        raise VosbenchError(
            f"{len(both)} strategies have both attention kept and J&F, too few for a rank correlation",
            f"simulate {MIN_STRATEGIES} or more strategies of the run",
        )
    x, y = [kept[spec] for spec in both], [jf[spec] for spec in both]
    if min(x) == max(x) or min(y) == max(y):
        raise VosbenchError(
            "attention kept or J&F is the same for all strategies, so they have no order", "take strategies that differ"
        )
    return Agreement(float(spearmanr(x, y).statistic), len(both))
