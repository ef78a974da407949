"""The ids that the data set's meta file lists, in every scored frame (MOSE v2)."""

from collections.abc import Iterable, Sequence

from vosbench.images import VOID
from vosbench.metrics.frame import FrameScores, Pair
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.base import ObjectRule, ScoringPlan
from vosbench.video import GroundTruth, ObjectMasks


class Listed(ObjectRule):
    """Other ids are ignored, 255 too. Without a meta file the objects are those of all true masks, without 255."""

    def known(self, truth: GroundTruth, unscored: Sequence[ObjectMasks], protocol: Protocol) -> tuple[int, ...]:
        if truth.listed is not None:
            return tuple(sorted(truth.listed))
        return tuple(i for i in super().known(truth, unscored, protocol) if i != VOID)

    def pairs(self, prediction: ObjectMasks, truth: ObjectMasks, planned: ScoringPlan, where: str) -> Iterable[Pair]:  # noqa: ARG002
        ids = {*prediction.present(), *truth.present()}.difference({VOID} - {*planned.object_ids})
        return ((i, i) for i in ids)

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        return planned.object_ids if planned.truth.listed is not None else super().objects(planned, scored)
