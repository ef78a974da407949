"""The ids of the true masks of scored frames, each from its first sight in truth or prediction on (vos-benchmark)."""

from collections.abc import Sequence

from vosbench.metrics.frame import FrameScores
from vosbench.metrics.rules.base import ObjectRule, ScoringPlan, shown


class Seen(ObjectRule):
    """An object that the true masks show in no scored frame is none."""

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:  # noqa: ARG002
        return sorted(shown(scored))

    def frames_of(self, object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[FrameScores]:  # noqa: ARG002
        return scored[next(i for i, frame in enumerate(scored) if (object_id, object_id) in frame.scores) :]
