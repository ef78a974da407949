"""Ids 1 to the highest of the first annotated frame, in every scored frame (DAVIS)."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import FrameScores, Pair
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.reading import refuse_extra_ids
from vosbench.metrics.rules.base import ObjectRule, ScoringPlan
from vosbench.video import GroundTruth, ObjectMasks


@dataclass(frozen=True)
class FirstFrame(ObjectRule):
    """Every id up to the highest of the first frame is an object.

    cut_extra: a higher one in a prediction counts as nothing, with a warning; else it is an error.
    """

    cut_extra: bool = False
    first_frame_decides = True

    def known(self, truth: GroundTruth, unscored: Sequence[ObjectMasks], protocol: Protocol) -> tuple[int, ...]:
        highest = unscored[0].highest()
        if not highest:
            hint = f"the protocol {protocol.name} takes its objects from there"
            raise VosbenchError(f"sequence {truth.sequence} has no object in its first annotated frame", hint)
        return tuple(range(1, highest + 1))

    def pairs(self, prediction: ObjectMasks, truth: ObjectMasks, planned: ScoringPlan, where: str) -> Iterable[Pair]:  # noqa: ARG002
        highest = planned.object_ids[-1]
        if not self.cut_extra:
            refuse_extra_ids(prediction, highest, where)
            return ((i, i) for i in planned.object_ids)
        return ((i, i) for i in (*planned.object_ids, *(i for i in prediction.present() if i > highest)))

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        if extra := {i for frame in scored for i, _ in frame.scores}.difference(planned.object_ids):
            warnings.warn(
                f"the predictions of {planned.sequence} hold the id {min(extra)}, but the highest of the first true "
                f"mask is {planned.object_ids[-1]}: higher ones count as nothing",
                stacklevel=2,
            )
        return planned.object_ids
