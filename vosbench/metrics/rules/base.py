"""What a rule of objects must say, and what rules share."""

from abc import ABC
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vosbench.metrics.frame import EMPTY_IN_BOTH, FrameScores, Pair, PairScore
from vosbench.metrics.statistics import ObjectTrace
from vosbench.video import ObjectMasks

if TYPE_CHECKING:
    from vosbench.metrics.protocols import Protocol


@dataclass(frozen=True)
class ScoringPlan:
    """What is scored of a sequence.

    first_frame: the name of the first annotated frame.
    frames: the names of the frames to score.
    object_ids: the objects known beforehand (`ObjectRule.known`).
    """

    sequence: str
    first_frame: str
    frames: tuple[str, ...]
    object_ids: tuple[int, ...]
    protocol: "Protocol"


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

    def known(self, sequence: str, unscored: Sequence[ObjectMasks], protocol: "Protocol") -> tuple[int, ...]:  # noqa: ARG002
        """The objects known before a frame is scored, ascending: those of the true masks that are not scored.

        May raise VosbenchError where there must be some.
        """
        return tuple(sorted({i for masks in unscored for i in masks.present()}))

    def pairs(self, prediction: ObjectMasks, truth: ObjectMasks, planned: ScoringPlan, where: str) -> Iterable[Pair]:  # noqa: ARG002
        """The pairs (predicted id, true id) of a frame whose J and F are wanted: each id that is there with itself.

        May raise VosbenchError for ids that must not be predicted; `where` names the prediction.
        """
        return with_themselves({*prediction.present(), *truth.present()})

    def traces(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Iterable[ObjectTrace]:
        """The traces of a sequence's objects from all its scored frames, given in order.

        May raise VosbenchError for what only shows over a whole sequence.
        """
        return (
            object_trace(planned, i, frames, [frame.scores.get((i, i), EMPTY_IN_BOTH) for frame in frames])
            for i in self.objects(planned, scored)
            for frames in [self.frames_of(i, planned, scored)]
        )

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        """The ids of the objects, ascending."""
        return sorted({*planned.object_ids, *shown(scored)})

    def frames_of(self, object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[FrameScores]:  # noqa: ARG002
        """Those of the scored frames that count for an object; one without any is left out."""
        return scored


def with_themselves(ids: Iterable[int]) -> Iterable[Pair]:
    """The pair of each id in the prediction and the same in the truth."""
    return ((object_id, object_id) for object_id in ids)


def shown(scored: Iterable[FrameScores]) -> set[int]:
    """The ids that the true masks of scored frames hold."""
    return set().union(*(frame.true_ids for frame in scored))


def object_trace(
    planned: ScoringPlan, object_id: int, frames: Iterable[FrameScores], rows: Iterable[PairScore]
) -> ObjectTrace:
    """The trace of an object from its scores in the frames that count."""
    j, f, visible = np.array(list(rows), float).reshape(-1, 3).T
    names = tuple(frame.frame for frame in frames)
    return ObjectTrace(planned.sequence, object_id, names, j, f, visible.astype(bool))
