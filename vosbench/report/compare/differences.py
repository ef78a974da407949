"""Which of two is better: the difference in J&F, object by object."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.report.compare.pairing import Entrant, same_data, same_objects
from vosbench.report.compare.significance import holm, interval, rank_biserial, signed_rank


@dataclass(frozen=True)
class Difference:
    """`entrant` minus `baseline` in J&F, 0 to 1, of each object: `values`, float64 [N], in the order of `objects`.

    `low` and `high` are the 95% interval of the mean, see `significance.interval`; `p` is that of the clustered
    signed-rank test, corrected by Holm for all differences that were asked for together; `effect` is the rank-biserial
    correlation. Differences below 1e-12, which rounding leaves, are 0.
    """

    baseline: Entrant
    entrant: Entrant
    objects: tuple[tuple[str, int], ...]
    values: np.ndarray
    low: float
    high: float
    p: float
    effect: float

    @property
    def mean(self) -> float:
        """The difference of the two pooled J&F; NaN where one of the two failed on a sequence."""
        return float(np.mean(self.values)) if len(self.values) else np.nan

    @property
    def mark(self) -> str:
        """`*`, `**`, `***` for p below 0.05, 0.01, 0.001; `=` where no object differs at all."""
        if len(self.values) and not self.values.any():
            return "="
        return "*" * sum(self.p < bound for bound in (0.05, 0.01, 0.001))


def differences(compared: Sequence[tuple[Entrant, Entrant]]) -> tuple[Difference, ...]:
    """The differences of all pairs of baseline and entrant.

    Raises VosbenchError if a pair is not scored, or not on the same objects of the same data by the same protocol.
    """
    found = [_difference(baseline, entrant) for baseline, entrant in compared]
    corrected = holm(np.array([difference.p for difference in found]))
    return tuple(replace(difference, p=float(p)) for difference, p in zip(found, corrected, strict=True))


def _difference(baseline: Entrant, entrant: Entrant) -> Difference:
    same_data(baseline, entrant)
    if any(record.failure for record in (*baseline.records, *entrant.records)):
        return Difference(baseline, entrant, (), np.array([]), np.nan, np.nan, np.nan, np.nan)
    before, after = baseline.objects(), entrant.objects()
    if not before:
        raise VosbenchError(f"{baseline.name} has no scores", "compare runs on data with ground truth")
    same_objects(baseline, entrant)
    objects = tuple(sorted(before))
    values = np.array([after[key] - before[key] for key in objects])
    values[np.abs(values) < 1e-12] = 0
    sequences = np.array([sequence for sequence, _ in objects])
    low, high = interval(values, sequences)
    p = signed_rank(values, sequences)
    return Difference(baseline, entrant, objects, values, low, high, p, rank_biserial(values))
