"""Which of two is better: the difference in J&F, object by object."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.report.compare.pairing import Entrant, same_data, same_objects
from vosbench.report.compare.significance import MIN_SEQUENCES, holm, interval, rank_biserial, signed_rank
from vosbench.report.measures import pooled_jf


@dataclass(frozen=True)
class Difference:
    """`entrant` minus `baseline` in J&F, 0 to 1, of each object: `values`, float64 [N], in the order of `objects`.

    `weights`, float64 [N], are those that objects have in the J&F of the protocol, 1 where all weigh alike; where its
    J&F is no such mean, `of_protocol` is false. `low` and `high` are the 95% interval of the mean, see
    `significance.interval`; `p` is that of the clustered signed-rank test, corrected by Holm for all differences that
    were asked for together; `effect` is the rank-biserial correlation. Differences below 1e-12, which rounding leaves,
    are 0. Of fewer than five sequences interval, `p` and `effect` are NaN.
    """

    baseline: Entrant
    entrant: Entrant
    objects: tuple[tuple[str, int], ...]
    values: np.ndarray
    weights: np.ndarray
    of_protocol: bool
    low: float
    high: float
    p: float
    effect: float

    @property
    def mean(self) -> float:
        """The difference of the two J&F; NaN where one of the two failed on a sequence."""
        return float(np.mean(self.weights * self.values)) if len(self.values) else np.nan

    @property
    def mark(self) -> str:
        """`*`, `**`, `***` for p below 0.05, 0.01, 0.001; `=` where no object differs at all."""
        if len(self.values) and not self.values.any():
            return "="
        return "*" * sum(self.p < bound for bound in (0.05, 0.01, 0.001))


def differences(compared: Sequence[tuple[Entrant, Entrant]]) -> tuple[Difference, ...]:
    """Of all pairs of baseline and entrant. Raises as `same_data` and `same_objects`, and for a pair without scores."""
    found = [_difference(baseline, entrant) for baseline, entrant in compared]
    corrected = holm(np.array([difference.p for difference in found]))
    return tuple(replace(difference, p=float(p)) for difference, p in zip(found, corrected, strict=True))


def _difference(baseline: Entrant, entrant: Entrant) -> Difference:
    same_data(baseline, entrant)
    if any(record.failure for record in (*baseline.records, *entrant.records)):
        return Difference(baseline, entrant, (), np.array([]), np.array([]), True, np.nan, np.nan, np.nan, np.nan)
    before, after = baseline.objects(), entrant.objects()
    if not before:
        raise VosbenchError(f"{baseline.name} has no scores", "compare runs on data with ground truth")
    same_objects(baseline, entrant)
    objects = tuple(sorted(before))
    values = np.array([after[key] - before[key] for key in objects])
    values[np.abs(values) < 1e-12] = 0
    sequences = np.array([sequence for sequence, _ in objects])
    members = baseline.members(objects)
    weights = (members * (len(objects) / members.sum(1, keepdims=True))).mean(0)
    low, high = interval(values, sequences, members)
    p, effect = signed_rank(values, sequences, weights), rank_biserial(values, weights)
    if len(np.unique(sequences)) < MIN_SEQUENCES:
        p = effect = np.nan  # as the interval
    change = pooled_jf(entrant.records) - pooled_jf(baseline.records)
    as_told = bool(abs(change - np.mean(weights * values)) < 1e-9)
    return Difference(baseline, entrant, objects, values, weights, as_told, low, high, p, effect)
