"""From masks to the per-frame scores of each object, one frame at a time under a protocol.

Three steps, so that the frames of a long video may be spread over processes: `plan` says which frames and
objects count, `score_frames` scores them or any part (`split_plan`), `traces` puts the parts together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from vosbench.base.allocation import keep_freed_memory
from vosbench.errors import SmoothedMaskError, VosbenchError
from vosbench.images import check_size
from vosbench.metrics.boundary import tolerance
from vosbench.metrics.frame import FrameScores, frame_scores, labelled_box
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.reading import read_pair, read_truth
from vosbench.metrics.rules.base import ScoringPlan
from vosbench.metrics.statistics import ObjectScore, ObjectTrace, object_score
from vosbench.video import GroundTruth, MasksInMemory, MaskSource


def score_sequence(
    truth: GroundTruth, predictions: Mapping[str, MaskSource], protocol: Protocol
) -> tuple[ObjectTrace, ...]:
    """Score the predicted masks of one sequence, by frame name; one trace per object, by id.

    Loads one pair of masks at a time. Raises VosbenchError, naming the file, for a mask that is missing, broken or
    of another size than the ground truth, or holds an id that it must not.
    """
    planned = plan(truth, protocol)
    return traces(planned, score_frames(*split_plan(planned, predictions, len(planned.frames))[0]))


def plan(truth: GroundTruth, protocol: Protocol) -> ScoringPlan:
    """The frames and objects of a sequence that count.

    Raises VosbenchError if none do, or ground truth is missing, or its first mask looks smoothed.
    """
    annotated = tuple(name for name in truth.frame_names if name in truth.masks)
    if protocol.dense and len(annotated) < len(truth.frame_names):
        missing = next(name for name in truth.frame_names if name not in truth.masks)
        hint = f"the protocol {protocol.name} scores every frame: complete the annotations or choose another protocol"
        raise VosbenchError(f"sequence {truth.sequence} has no ground truth for frame {missing}", hint)
    (first, last), rule = protocol.unscored, protocol.objects
    frames = rule.wanted(annotated, truth, protocol)
    if not frames:
        hint = f"the protocol {protocol.name} needs at least {1 + sum(protocol.unscored)} with ground truth"
        raise VosbenchError(f"sequence {truth.sequence} has no frame to score", hint)
    refuse_smoothed(truth.masks[annotated[0]])
    opening = annotated[:1] if rule.first_frame_decides else annotated[:first] + annotated[len(annotated) - last :]
    masks = [read_truth(truth.masks[name].load(), protocol) for name in opening]
    return ScoringPlan(truth, annotated[0], frames, rule.known(truth, masks, protocol), protocol)


Sources = Mapping[str, tuple[MaskSource, MaskSource]]  # frame name -> predicted and true masks


def score_frames(planned: ScoringPlan, sources: Sources) -> list[FrameScores]:
    """The scores of the planned frames; errors as in `score_sequence`."""
    keep_freed_memory()
    return [_score_frame(name, *sources[name], planned) for name in planned.frames]


def split_plan(
    planned: ScoringPlan, predictions: Mapping[str, MaskSource], frames: int
) -> list[tuple[ScoringPlan, Sources]]:
    """Parts of at most so many frames, for `score_frames`; each holds its own frames only, so it is quick to send.

    Raises VosbenchError if `predictions` lacks a frame, or an object that has its own masks.
    """
    _refuse_lacking(planned, predictions)
    true, bare = planned.truth.masks, GroundTruth(planned.sequence, (), {})
    parts = (planned.frames[start : start + frames] for start in range(0, len(planned.frames), frames))
    return [
        (replace(planned, truth=bare, frames=names), {name: (predictions[name], true[name]) for name in names})
        for names in parts
    ]


def _refuse_lacking(planned: ScoringPlan, predictions: Mapping[str, MaskSource]) -> None:
    """Raise VosbenchError if predictions lack a frame, or where each object has its own masks, one of these."""
    lacking = [f"frame {name}" for name in planned.frames if name not in predictions]
    for object_id, names in planned.protocol.objects.own_frames(planned).items() if not lacking else ():
        for name in names:
            there = predictions[name].own_masks()
            if there is not None and object_id not in there:
                lacking.append(f"object {object_id} in frame {name}")
    if lacking:
        hint = "every scored frame needs a mask, and of each object where objects have their own"
        raise VosbenchError(f"the predictions of {planned.sequence} lack {lacking[0]}", hint)


def traces(planned: ScoringPlan, scored: Sequence[FrameScores]) -> tuple[ObjectTrace, ...]:
    """The traces of a sequence's objects, by id, from all its scored frames, given in order.

    Raises VosbenchError for what only shows over a whole sequence: ids that the truth never has, hidden objects, true
    masks that look smoothed: of these it looks at those that show an object first.
    """
    known: set[int] = set()
    for frame in scored:
        if not known.issuperset(frame.true_ids):
            refuse_smoothed(planned.truth.masks[frame.frame])
            known.update(frame.true_ids)
    return tuple(trace for trace in planned.protocol.objects.traces(planned, scored) if trace.frames)


def refuse_smoothed(true: MaskSource) -> None:
    """Raise SmoothedMaskError if true masks look smoothed; what else is wrong with them, whoever loads them says."""
    try:
        true.check()
    except VosbenchError as error:
        if isinstance(error, SmoothedMaskError):
            raise


def missing_traces(truth: GroundTruth, protocol: Protocol) -> tuple[ObjectTrace, ...]:
    """The traces of a sequence without predicted masks, where that is no error: all scores are 0."""
    planned = plan(truth, protocol)
    nothing = {name: empty_like(truth.masks[name]) for name in planned.frames}
    return tuple(
        replace(t, j=0 * t.j, f=0 * t.f, extra={name: 0 * series for name, series in t.extra.items()}, predicted=False)
        for t in score_sequence(truth, nothing, protocol)
    )


def empty_like(true: MaskSource) -> MaskSource:
    """An empty prediction of the size of true masks. Raises VosbenchError if these cannot be read."""
    return MasksInMemory.of(np.zeros(true.load().size, np.uint8))


def object_scores(scored: Iterable[ObjectTrace], protocol: Protocol) -> tuple[ObjectScore, ...]:
    """The statistics of each trace by the rules of the protocol."""
    return tuple(
        replace(object_score(trace, protocol.official_decay), own=protocol.figures.of_object(trace, protocol))
        for trace in scored
    )


def _score_frame(frame: str, predicted: MaskSource, true: MaskSource, planned: ScoringPlan) -> FrameScores:
    protocol, where = planned.protocol, f"mask {predicted.where}"
    prediction, truth = predicted.load(), true.load()
    check_size(prediction.size, truth.size, predicted.where, "ground truth")
    reach = tolerance(*truth.size, protocol.boundary_threshold)
    box = labelled_box(prediction, truth)
    if box is None:
        return FrameScores(frame, {})
    prediction, truth = read_pair(prediction.crop(box), truth.crop(box), protocol)
    pairs = protocol.objects.pairs(prediction, truth, planned, where)
    return FrameScores(frame, frame_scores(prediction, truth, pairs, reach, protocol.measure))
