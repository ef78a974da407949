"""As `Seen`, where each object has frames of its own: those of its folder, without the first and the last (SA-V)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.rules.base import ScoringPlan
from vosbench.metrics.rules.seen import Seen
from vosbench.video import GroundTruth, MaskSource

if TYPE_CHECKING:
    from vosbench.metrics.protocols import Protocol


class OwnFrames(Seen):
    """Where the truth is label maps, it is `Seen`. With masks of its own, an object must be visible in a scored one."""

    def wanted(self, annotated: tuple[str, ...], truth: GroundTruth, protocol: "Protocol") -> tuple[str, ...]:
        own = scored_frames(truth, protocol)
        if not own:
            return super().wanted(annotated, truth, protocol)
        scored = {name for names in own.values() for name in names}
        return tuple(name for name in annotated if name in scored)

    def refuse_lacking(self, planned: ScoringPlan, predictions: Mapping[str, MaskSource]) -> None:
        super().refuse_lacking(planned, predictions)
        there = {name: predictions[name].own_masks() for name in planned.frames}
        for object_id, names in scored_frames(planned.truth, planned.protocol).items():
            for name in names:
                masks = there[name]
                if masks is not None and object_id not in masks:
                    raise VosbenchError(
                        f"the predictions of {planned.sequence} lack object {object_id} in frame {name}",
                        "every scored frame needs a mask of each object, in the folder of the object",
                    )

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        own = scored_frames(planned.truth, planned.protocol)
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
        own = scored_frames(planned.truth, planned.protocol)
        counted = [frame for frame in scored if frame.frame in own[object_id]] if own else scored
        return super().frames_of(object_id, planned, counted)


def scored_frames(truth: GroundTruth, protocol: "Protocol") -> dict[int, frozenset[str]]:
    """Object id -> the frames that are scored of its own; {} where the truth is label maps."""
    own: dict[int, list[str]] = {}
    for name in truth.frame_names:
        for object_id in (truth.masks[name].own_masks() or ()) if name in truth.masks else ():
            own.setdefault(object_id, []).append(name)
    first, last = protocol.unscored
    return {i: frozenset(names[first : len(names) - last]) for i, names in own.items()}
