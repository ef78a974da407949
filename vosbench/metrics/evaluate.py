"""From label maps to the per-frame scores of each object, one frame at a time under a protocol.

Three steps, so that the frames of a long video may be spread over processes: `plan` says which frames and
objects count, `score_frames` scores any part of the frames, `traces` puts the parts together.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.images import read_labels
from vosbench.metrics.boundary import boundary_radius
from vosbench.metrics.frame import Pair, frame_scores
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.reading import read_pair, read_truth, refuse_extra_ids
from vosbench.metrics.statistics import ObjectScore, ObjectTrace, object_score
from vosbench.types import GroundTruth

EMPTY_IN_BOTH = (1.0, 1.0)


@dataclass(frozen=True)
class Plan:
    """What is scored of a sequence: the frames, by name, and the objects that its first annotated frame decides on.

    `binary` reads every non-zero label as object 1.
    """

    sequence: str
    frames: tuple[str, ...]
    object_ids: tuple[int, ...]
    binary: bool
    protocol: Protocol


@dataclass(frozen=True)
class FrameScores:
    """J and F of one frame by pair (predicted id, true id); a pair that is missing is empty in both maps."""

    frame: str
    scores: Mapping[Pair, tuple[float, float]]


def plan(truth: GroundTruth, protocol: Protocol) -> Plan:
    """The frames and objects of a sequence that count. Raises VosbenchError if none do, or ground truth is missing."""
    annotated = tuple(name for name in truth.frame_names if name in truth.masks)
    if protocol.dense and len(annotated) < len(truth.frame_names):
        missing = next(name for name in truth.frame_names if name not in truth.masks)
        raise VosbenchError(
            f"sequence {truth.sequence} has no ground truth for frame {missing}",
            f"the protocol {protocol.name} scores every frame: complete the annotations or choose another protocol",
        )
    frames = annotated[1:-1] if protocol.skip_ends else annotated
    if not frames:
        raise _nothing_to_score(truth.sequence, protocol)
    binary = protocol.binary or truth.binary
    first = read_truth(read_labels(truth.masks[annotated[0]]), protocol, binary)
    return Plan(truth.sequence, frames, _first_ids(first, truth.sequence, protocol), binary, protocol)


def score_sequence(truth: GroundTruth, predictions: Path, protocol: Protocol) -> tuple[ObjectTrace, ...]:
    """Score the masks `<predictions>/<sequence>/<frame>.png` of one sequence; one trace per object, by id.

    Holds one pair of masks at a time. Raises VosbenchError, naming the file, for a mask that is missing, broken or
    of another size than the ground truth, or holds an id that it must not.
    """
    planned = plan(truth, protocol)
    return traces(planned, score_frames(planned, truth, predictions))


def score_frames(planned: Plan, truth: GroundTruth, predictions: Path, part: slice = slice(None)) -> list[FrameScores]:
    """The scores of a part of the planned frames; files and errors as in `score_sequence`."""
    scored = []
    for name in planned.frames[part]:
        path = predictions / truth.sequence / f"{name}.png"
        prediction, true = read_labels(path), read_labels(truth.masks[name])
        scored.append(_score_frame(name, prediction, true, planned, f"mask {path}"))
    return scored


def score_masks(
    predictions: Iterable[np.ndarray], truths: Iterable[np.ndarray], protocol: Protocol, sequence: str = "video"
) -> tuple[ObjectTrace, ...]:
    """Score label maps, uint8 [H,W], of all the annotated frames of a video in order; one trace per object, by id.

    The protocol leaves out the first and the last itself; frames are named by their place, from "0" on.
    Raises VosbenchError as `score_sequence` does, and ValueError if predictions and truths differ in number.
    """
    frames = enumerate(zip(predictions, truths, strict=True))
    first = next(frames, None)
    if first is None:
        raise _nothing_to_score(sequence, protocol)
    ids = _first_ids(read_truth(first[1][1], protocol, protocol.binary), sequence, protocol)
    planned = Plan(sequence, (), ids, protocol.binary, protocol)
    whole = itertools.chain([first], frames)
    counted = (frame for frame, _ in itertools.pairwise(frames)) if protocol.skip_ends else whole
    scored = [_score_frame(str(index), *pair, planned, f"prediction {index}") for index, pair in counted]
    if not scored:
        raise _nothing_to_score(sequence, protocol)
    return traces(planned, scored)


def traces(planned: Plan, scored: Sequence[FrameScores]) -> tuple[ObjectTrace, ...]:
    """The traces of the planned objects over all the scored frames, which are given in order."""
    frames = tuple(frame.frame for frame in scored)

    def trace(object_id: int) -> ObjectTrace:
        j, f = np.array([frame.scores.get((object_id, object_id), EMPTY_IN_BOTH) for frame in scored]).T
        return ObjectTrace(planned.sequence, object_id, frames, j, f)

    return tuple(trace(object_id) for object_id in planned.object_ids)


def object_scores(scored: Iterable[ObjectTrace], protocol: Protocol) -> tuple[ObjectScore, ...]:
    """The statistics of each trace by the rules of the protocol."""
    return tuple(object_score(trace, protocol.official_decay) for trace in scored)


def _score_frame(frame: str, prediction: np.ndarray, truth: np.ndarray, planned: Plan, where: str) -> FrameScores:
    prediction, truth = read_pair(prediction, truth, planned.protocol, planned.binary, where)
    refuse_extra_ids(prediction, planned.object_ids[-1], where)
    pairs = ((object_id, object_id) for object_id in planned.object_ids)
    return FrameScores(frame, frame_scores(prediction, truth, pairs, boundary_radius(*truth.shape)))


def _first_ids(first_truth: np.ndarray, sequence: str, protocol: Protocol) -> tuple[int, ...]:
    """Ids 1 to the highest of the first annotated frame."""
    highest = int(first_truth.max(initial=0))
    if not highest:
        raise VosbenchError(
            f"sequence {sequence} has no object in its first annotated frame",
            f"the protocol {protocol.name} takes its objects from there",
        )
    return tuple(range(1, highest + 1))


def _nothing_to_score(sequence: str, protocol: Protocol) -> VosbenchError:
    return VosbenchError(
        f"sequence {sequence} has no frame to score",
        f"the protocol {protocol.name} needs at least {3 if protocol.skip_ends else 1} with ground truth",
    )
