"""The ids of the true masks of scored frames, each from its first sight in truth or prediction on (vos-benchmark)."""

from collections.abc import Sequence
from dataclasses import dataclass

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.rules.base import ObjectRule, ScoringPlan, shown


@dataclass(frozen=True)
class Seen(ObjectRule):
    """hidden_is_error: whether an object that the true masks show in no scored frame is an error (SA-V)."""

    hidden_is_error: bool = False

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        found = shown(scored)
        hidden = set(planned.object_ids) - found
        if self.hidden_is_error and (hidden or not found):
            who = f"object {min(hidden)}" if hidden else "every object"
            raise VosbenchError(
                f"sequence {planned.sequence}: the ground truth of {who} is empty in all scored frames",
                f"the protocol {planned.protocol.name} cannot score it: correct the annotations, or choose another",
            )
        return sorted(found)

    def frames_of(self, object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[FrameScores]:  # noqa: ARG002
        return scored[next(i for i, frame in enumerate(scored) if (object_id, object_id) in frame.scores) :]
