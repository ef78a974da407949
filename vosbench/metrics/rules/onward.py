"""The ids of the true masks, each from the frame after its first to the end (YouTube-VOS)."""

from collections.abc import Sequence
from dataclasses import dataclass

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.reading import id_hint
from vosbench.metrics.rules.base import ObjectRule, ScoringPlan


@dataclass(frozen=True)
class Onward(ObjectRule):
    """extra_is_error: whether a predicted id that the ground truth never has is an error."""

    extra_is_error: bool = False
    counts_from_second = True

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        known = super().objects(planned, scored)
        for frame in scored if self.extra_is_error else ():
            if extra := sorted({predicted for predicted, _ in frame.scores}.difference(known)):
                raise VosbenchError(
                    f"the predicted mask of frame {frame.frame} of {planned.sequence} holds the id {extra[0]}, which "
                    "the ground truth never has",
                    id_hint(extra),
                )
        return known

    def frames_of(self, object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[FrameScores]:
        return scored[places(object_id, planned, scored)[0] + 1 :]


def places(object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> list[int]:
    """The indices of the scored frames that show an object; -1 is the first annotated frame."""
    beforehand = [-1] if object_id in planned.object_ids else []
    return beforehand + [i for i, frame in enumerate(scored) if object_id in frame.true_ids]
