"""From label maps to the per-frame scores of each object, one frame at a time under a protocol.

Three steps, so that the frames of a long video may be spread over processes: `plan` says which frames and
objects count, `score_frames` scores them or any part (`split_plan`), `traces` puts the parts together.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.images import keep_memory, present_labels, read_labels
from vosbench.metrics.boundary import boundary_radius
from vosbench.metrics.frame import Pair, frame_scores, labelled_box
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.reading import read_pair, read_truth, refuse_extra_ids, refuse_other_size
from vosbench.metrics.statistics import ObjectScore, ObjectTrace, object_score
from vosbench.metrics.traces import NOTHING, FrameScores, Plan, traces
from vosbench.video import GroundTruth


def score_sequence(truth: GroundTruth, predictions: Path, protocol: Protocol) -> tuple[ObjectTrace, ...]:
    """Score the masks `<predictions>/<sequence>/<frame>.png` of one sequence; one trace per object, by id.

    Holds one pair of masks at a time. Raises VosbenchError, naming the file, for a mask that is missing, broken or
    of another size than the ground truth, or holds an id that it must not.
    """
    planned = plan(truth, protocol)
    return traces(planned, score_frames(planned, truth, predictions))


def plan(truth: GroundTruth, protocol: Protocol) -> Plan:
    """The frames and objects of a sequence that count. Raises VosbenchError if none do, or ground truth is missing."""
    annotated = tuple(name for name in truth.frame_names if name in truth.masks)
    if protocol.dense and len(annotated) < len(truth.frame_names):
        missing = next(name for name in truth.frame_names if name not in truth.masks)
        raise VosbenchError(
            f"sequence {truth.sequence} has no ground truth for frame {missing}",
            f"the protocol {protocol.name} scores every frame: complete the annotations or choose another protocol",
        )
    first, last = protocol.unscored
    frames = annotated[first : len(annotated) - last]
    if not frames:
        raise _nothing_to_score(truth.sequence, protocol)
    binary = protocol.binary or truth.binary
    opening = annotated[:1] if protocol.first_frame_decides else annotated[:first] + annotated[len(annotated) - last :]
    masks = [read_truth(read_labels(truth.masks[name]), protocol, binary) for name in opening]
    return Plan(truth.sequence, annotated[0], frames, _known_ids(masks, truth.sequence, protocol), binary, protocol)


def score_frames(planned: Plan, truth: GroundTruth, predictions: Path) -> list[FrameScores]:
    """The scores of the planned frames; files and errors as in `score_sequence`."""
    keep_memory()
    scored = []
    for name in planned.frames:
        path = predictions / truth.sequence / f"{name}.png"
        prediction, true = read_labels(path), read_labels(truth.masks[name])
        scored.append(_score_frame(name, prediction, true, planned, f"mask {path}"))
    return scored


def split_plan(planned: Plan, truth: GroundTruth, frames: int) -> list[tuple[Plan, GroundTruth]]:
    """Parts of at most so many frames, for `score_frames`; each holds its own frames only, so it is quick to send."""
    parts = []
    for start in range(0, len(planned.frames), frames):
        names = planned.frames[start : start + frames]
        masks = {name: truth.masks[name] for name in names}
        parts.append((replace(planned, frames=names), replace(truth, frame_names=names, masks=masks)))
    return parts


def score_masks(
    predictions: Iterable[np.ndarray], truths: Iterable[np.ndarray], protocol: Protocol, sequence: str = "video"
) -> tuple[ObjectTrace, ...]:
    """Score label maps, uint8 [H,W], of all the annotated frames of a video in order; one trace per object, by id.

    The protocol leaves out the first and the last itself; frames are named by their place, from "0" on.
    Raises VosbenchError as `score_sequence` does, and ValueError if predictions and truths differ in number.
    """
    first, last = protocol.unscored
    binary = protocol.binary
    opening: list[np.ndarray] = []
    waiting: deque[tuple[int, np.ndarray, np.ndarray]] = deque()
    planned = Plan(sequence, "0", (), (), binary, protocol)
    scored = []
    for index, (prediction, truth) in enumerate(zip(predictions, truths, strict=True)):
        if index == 0 and (first or protocol.first_frame_decides):
            opening = [read_truth(truth, protocol, binary)]
            planned = replace(planned, object_ids=_known_ids(opening, sequence, protocol))
        if index >= first:
            waiting.append((index, prediction, truth))
        if len(waiting) > last:
            place, predicted, true = waiting.popleft()
            scored.append(_score_frame(str(place), predicted, true, planned, f"prediction {place}"))
    if not scored:
        raise _nothing_to_score(sequence, protocol)
    if not protocol.first_frame_decides:
        opening += [read_truth(truth, protocol, binary) for *_, truth in waiting]
        planned = replace(planned, object_ids=_known_ids(opening, sequence, protocol))
    return traces(planned, scored)


def object_scores(scored: Iterable[ObjectTrace], protocol: Protocol) -> tuple[ObjectScore, ...]:
    """The statistics of each trace by the rules of the protocol."""
    return tuple(object_score(trace, protocol.official_decay) for trace in scored)


def _known_ids(unscored_truths: Sequence[np.ndarray], sequence: str, protocol: Protocol) -> tuple[int, ...]:
    """See `Plan.object_ids`."""
    if not protocol.first_frame_decides:
        return tuple(sorted({i for truth in unscored_truths for i in present_labels(truth).tolist()}))
    highest = int(unscored_truths[0].max(initial=0))
    if not highest:
        raise VosbenchError(
            f"sequence {sequence} has no object in its first annotated frame",
            f"the protocol {protocol.name} takes its objects from there",
        )
    return tuple(range(1, highest + 1))


def _score_frame(frame: str, prediction: np.ndarray, truth: np.ndarray, planned: Plan, where: str) -> FrameScores:
    protocol = planned.protocol
    refuse_other_size(prediction, truth, where)
    height, width = truth.shape
    radius = boundary_radius(height, width, protocol.boundary_threshold)
    box = labelled_box(prediction, truth)
    if box is None:
        return FrameScores(frame, {})
    prediction, truth = read_pair(prediction[box], truth[box], protocol, planned.binary)
    if protocol.objects == "first-frame":
        refuse_extra_ids(prediction, planned.object_ids[-1], where)
        return FrameScores(frame, frame_scores(prediction, truth, _with_themselves(planned.object_ids), radius))
    predicted, true = (set(present_labels(labels).tolist()) for labels in (prediction, truth))
    if protocol.objects == "proposals":
        refuse_extra_ids(prediction, protocol.most_proposals, where)
        pairs: Iterable[Pair] = itertools.product({NOTHING, *predicted}, {NOTHING, *(true & set(planned.object_ids))})
    else:
        pairs = _with_themselves(predicted | true)
    return FrameScores(frame, frame_scores(prediction, truth, pairs, radius))


def _with_themselves(ids: Iterable[int]) -> Iterable[Pair]:
    return ((object_id, object_id) for object_id in ids)


def _nothing_to_score(sequence: str, protocol: Protocol) -> VosbenchError:
    return VosbenchError(
        f"sequence {sequence} has no frame to score",
        f"the protocol {protocol.name} needs at least {1 + sum(protocol.unscored)} with ground truth",
    )
