"""What a rule of objects must say, and what rules share."""

from abc import ABC
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import FrameScores, Pair
from vosbench.metrics.measure import PairScore
from vosbench.metrics.statistics import ObjectTrace
from vosbench.video import GroundTruth, ObjectMasks

if TYPE_CHECKING:
    from vosbench.metrics.protocols import Protocol


@dataclass(frozen=True)
class ScoringPlan:
    """What is scored of a sequence.

    first_frame: the name of the first annotated frame.
    frames: the names of the frames to score.
    object_ids: the objects known beforehand (`ObjectRule.known`).
    truth: the ground truth; where a part of the frames is scored, nothing but its name.
    """

    truth: GroundTruth
    first_frame: str
    frames: tuple[str, ...]
    object_ids: tuple[int, ...]
    protocol: "Protocol"

    @property
    def sequence(self) -> str:
        """The name of the sequence."""
        return self.truth.sequence


@dataclass(frozen=True)
class ObjectRule(ABC):  # noqa: B024 - every method has a default
    """Which objects a sequence has, and which of its scored frames count for each.

    A rule is a frozen dataclass of its parameters. As it stands here it takes the ids of all true masks, each of which
    counts in every scored frame; a rule of one's own says what is otherwise. All of it goes by the ids of the masks
    as the protocol reads them.

    first_frame_decides: the first annotated frame tells all objects, so `known` gets its masks alone.
    counts_from_second: no object counts in the first annotated frame.
    keeps_ids: a predicted id is that of an object.
    """

    first_frame_decides: ClassVar[bool] = False
    counts_from_second: ClassVar[bool] = False
    keeps_ids: ClassVar[bool] = True

    def wanted(self, annotated: tuple[str, ...], truth: GroundTruth, protocol: "Protocol") -> tuple[str, ...]:  # noqa: ARG002
        """Those of the annotated frames that are scored: here, all that the protocol does not leave out at the ends."""
        first, last = protocol.unscored
        return annotated[first : len(annotated) - last]

    def known(self, truth: GroundTruth, unscored: Sequence[ObjectMasks], protocol: "Protocol") -> tuple[int, ...]:  # noqa: ARG002
        """The objects known before a frame is scored, ascending: those of the true masks that are not scored.

        May raise VosbenchError where there must be some.
        """
        return tuple(sorted({i for masks in unscored for i in masks.present()}))

    def own_frames(self, planned: ScoringPlan) -> dict[int, frozenset[str]]:
        """Object id -> those of the scored frames in which it has a true mask of its own; {} if truth is label maps."""
        return {i: frozenset(names) for i, names in own_masks(planned.frames, planned.truth).items()}

    def pairs(self, prediction: ObjectMasks, truth: ObjectMasks, planned: ScoringPlan, where: str) -> Iterable[Pair]:  # noqa: ARG002
        """The pairs (predicted id, true id) of a frame whose J and F are wanted: each id that is there with itself.

        May raise VosbenchError for ids that must not be predicted; `where` names the prediction.
        """
        return ((i, i) for i in {*prediction.present(), *truth.present()})

    def doubt(self, truth: GroundTruth) -> VosbenchError | None:  # noqa: ARG002
        """What in a meta file may give a false score, though it gives one; None if nothing does.

        May raise VosbenchError for what gives none.
        """
        return None

    def traces(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Iterable[ObjectTrace]:
        """The traces of a sequence's objects from all its scored frames, given in order.

        May raise VosbenchError for what only shows over a whole sequence.
        """
        empty = planned.protocol.measure.empty
        return (
            object_trace(planned, i, frames, [frame.scores.get((i, i), empty) for frame in frames])
            for i in self.objects(planned, scored)
            for frames in [self.frames_of(i, planned, scored)]
        )

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        """The ids of the objects, ascending."""
        return sorted({*planned.object_ids, *shown(scored)})

    def frames_of(self, object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[FrameScores]:  # noqa: ARG002
        """Those of the scored frames that count for an object; one without any is left out."""
        return scored


def own_masks(frames: Iterable[str], truth: GroundTruth) -> dict[int, list[str]]:
    """Object id -> those of the annotated `frames` with a true mask of its own; {} if the truth is label maps."""
    own: dict[int, list[str]] = {}
    for name in frames:
        for object_id in truth.masks[name].own_masks() or ():
            own.setdefault(object_id, []).append(name)
    return own


def shown(scored: Iterable[FrameScores]) -> set[int]:
    """The ids that the true masks of scored frames hold."""
    return set().union(*(frame.true_ids for frame in scored))


def object_trace(
    planned: ScoringPlan, object_id: int, frames: Iterable[FrameScores], rows: Iterable[PairScore]
) -> ObjectTrace:
    """The trace of an object from its scores in the frames that count."""
    found, extra = list(rows), planned.protocol.measure.extra
    j, f, *more = np.array([(row.j, row.f, *row.extra) for row in found], float).reshape(-1, 2 + len(extra)).T
    pixels = np.array([(row.predicted, row.true, row.both) for row in found], np.int64).reshape(-1, 3)
    names, others = tuple(frame.frame for frame in frames), dict(zip(extra, more, strict=True))
    unseen = None if planned.truth.unseen is None else object_id in planned.truth.unseen
    return ObjectTrace(planned.sequence, object_id, names, j, f, pixels, others, unseen)
