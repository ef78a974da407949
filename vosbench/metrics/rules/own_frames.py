"""As `Seen`, where each object has frames of its own: those of its folder, without the first and the last (SA-V)."""

from collections.abc import Sequence

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.base import ScoringPlan, own_masks
from vosbench.metrics.rules.seen import Seen
from vosbench.video import GroundTruth


class OwnFrames(Seen):
    """Where the truth is label maps, it is `Seen`. With masks of its own, an object must be visible in a scored one."""

    def wanted(self, annotated: tuple[str, ...], truth: GroundTruth, protocol: Protocol) -> tuple[str, ...]:
        own = _scored(annotated, truth, protocol)
        if not own:
            return super().wanted(annotated, truth, protocol)
        scored = frozenset[str]().union(*own.values())
        return tuple(name for name in annotated if name in scored)

    def own_frames(self, planned: ScoringPlan) -> dict[int, frozenset[str]]:
        truth = planned.truth
        return _scored([name for name in truth.frame_names if name in truth.masks], truth, planned.protocol)

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        own = self.own_frames(planned)
        if not own:
            return super().objects(planned, scored)
        visible = {i for frame in scored for i in frame.true_ids if frame.frame in own[i]}
        hidden = [i for i in sorted(own) if i not in visible]
        if hidden:
            raise VosbenchError(
                f"sequence {planned.sequence}: the ground truth of object {hidden[0]} is empty in all scored frames",
                f"the protocol {planned.protocol.name} cannot score it: correct the annotations, or choose another",
            )
        return sorted(own)

    def frames_of(self, object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[FrameScores]:
        own = self.own_frames(planned)
        counted = [frame for frame in scored if frame.frame in own[object_id]] if own else scored
        return super().frames_of(object_id, planned, counted)


def _scored(annotated: Sequence[str], truth: GroundTruth, protocol: Protocol) -> dict[int, frozenset[str]]:
    first, last = protocol.unscored
    own = own_masks(annotated, truth)
    return {object_id: frozenset(names[first : len(names) - last]) for object_id, names in own.items()}
