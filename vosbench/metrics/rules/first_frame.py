"""Ids 1 to the highest of the first annotated frame, in every scored frame (DAVIS)."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import FrameScores, Pair
from vosbench.metrics.reading import refuse_extra_ids
from vosbench.metrics.rules.base import ObjectRule, ScoringPlan, with_themselves
from vosbench.video import ObjectMasks

if TYPE_CHECKING:
    from vosbench.metrics.protocols import Protocol


class FirstFrame(ObjectRule):
    """Every id up to the highest of the first frame is an object; a higher one in a prediction is an error."""

    first_frame_decides = True

    def known(self, sequence: str, unscored: Sequence[ObjectMasks], protocol: "Protocol") -> tuple[int, ...]:
        highest = unscored[0].highest()
        if not highest:
            raise VosbenchError(
                f"sequence {sequence} has no object in its first annotated frame",
                f"the protocol {protocol.name} takes its objects from there",
            )
        return tuple(range(1, highest + 1))

    def pairs(
        self,
        prediction: ObjectMasks,
        truth: ObjectMasks,  # noqa: ARG002
        planned: ScoringPlan,
        where: str,
    ) -> Iterable[Pair]:
        refuse_extra_ids(prediction, planned.object_ids[-1], where)
        return with_themselves(planned.object_ids)

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:  # noqa: ARG002
        return planned.object_ids
