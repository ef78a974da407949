"""Which objects a sequence has, and which of its scored frames count for each: the rules of `Protocol.objects`."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import EMPTY_IN_BOTH, Pair, PairScore
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.reading import id_hint
from vosbench.metrics.statistics import ObjectTrace

NOTHING = 255  # in a pair with a proposal: no mask; void is ignored there, and proposals are few, so no pixel has it


@dataclass(frozen=True)
class Plan:
    """What is scored of a sequence.

    first_frame: the name of the first annotated frame.
    frames: the names of the frames to score.
    object_ids: the objects known beforehand: all of them under "first-frame" and "proposals", else those of
        annotated frames that are not scored.
    """

    sequence: str
    first_frame: str
    frames: tuple[str, ...]
    object_ids: tuple[int, ...]
    protocol: Protocol


@dataclass(frozen=True)
class FrameScores:
    """The scores of one frame by pair (predicted id, true id); a pair that is missing is empty in both maps."""

    frame: str
    scores: Mapping[Pair, PairScore]

    @property
    def true_ids(self) -> set[int]:
        """The ids that the true mask holds, of those that were paired."""
        return {true for (_, true), score in self.scores.items() if score.visible}


def traces(planned: Plan, scored: Sequence[FrameScores]) -> tuple[ObjectTrace, ...]:
    """The traces of a sequence's objects, by id, from all its scored frames, given in order.

    Raises VosbenchError for what only shows over a whole sequence: ids that the truth never has, hidden objects.
    """
    match planned.protocol.objects:
        case "first-frame":
            found = [_trace(planned, object_id, scored) for object_id in planned.object_ids]
        case "proposals":
            found = _matched(planned, scored)
        case "seen":
            found = _from_first_sight(planned, scored)
        case "onward" | "span":
            found = _after_first_mask(planned, scored)
    return tuple(trace for trace in found if trace.frames)


def _trace(planned: Plan, object_id: int, scored: Sequence[FrameScores]) -> ObjectTrace:
    rows = [frame.scores.get((object_id, object_id), EMPTY_IN_BOTH) for frame in scored]
    return _object_trace(planned, object_id, scored, rows)


def _object_trace(
    planned: Plan, object_id: int, scored: Iterable[FrameScores], rows: Iterable[PairScore]
) -> ObjectTrace:
    j, f, visible = np.array(list(rows), float).reshape(-1, 3).T
    names = tuple(frame.frame for frame in scored)
    return ObjectTrace(planned.sequence, object_id, names, j, f, visible.astype(bool))


def _from_first_sight(planned: Plan, scored: Sequence[FrameScores]) -> list[ObjectTrace]:
    shown = _shown(scored)
    hidden = set(planned.object_ids) - shown
    if planned.protocol.hidden_is_error and (hidden or not shown):
        who = f"object {min(hidden)}" if hidden else "every object"
        raise VosbenchError(
            f"sequence {planned.sequence}: the ground truth of {who} is empty in all scored frames",
            f"the protocol {planned.protocol.name} cannot score it: correct the annotations, or choose another",
        )

    def first_sight(object_id: int) -> int:
        return next(i for i, frame in enumerate(scored) if (object_id, object_id) in frame.scores)

    return [_trace(planned, object_id, scored[first_sight(object_id) :]) for object_id in sorted(shown)]


def _after_first_mask(planned: Plan, scored: Sequence[FrameScores]) -> list[ObjectTrace]:
    known = set(planned.object_ids) | _shown(scored)
    if planned.protocol.extra_ids == "error":
        _refuse_unknown_ids(planned.sequence, known, scored)
    found = []
    for object_id in sorted(known):
        places = [i for i, frame in enumerate(scored) if object_id in frame.true_ids]
        if object_id in planned.object_ids:
            places.insert(0, -1)  # the first annotated frame
        start = planned.first_frame if places[0] < 0 else scored[places[0]].frame
        end = places[-1] if planned.protocol.objects == "span" else len(scored)
        frames = scored[places[0] + 1 : max(end, 0)]
        found.append(_trace(planned, object_id, _every(planned.protocol.step, start, frames)))
    return found


def _every(step: int, start: str, frames: Sequence[FrameScores]) -> Sequence[FrameScores]:
    """The frames whose numbers are `step` apart, counted from the frame `start`."""
    if step == 1:
        return frames
    try:
        return [frame for frame in frames if (int(frame.frame) - int(start)) % step == 0]
    except ValueError:
        raise VosbenchError(
            f"frame names {start} to {frames[-1].frame} are not all numbers",
            f"the protocol scores every {step}th frame by number; choose another protocol",
        ) from None


def _refuse_unknown_ids(sequence: str, known: set[int], scored: Sequence[FrameScores]) -> None:
    for frame in scored:
        extra = sorted({predicted for predicted, _ in frame.scores} - known)
        if extra:
            raise VosbenchError(
                f"the predicted mask of frame {frame.frame} of {sequence} holds the id {extra[0]}, which the ground "
                "truth never has",
                id_hint(extra),
            )


def _shown(scored: Iterable[FrameScores]) -> set[int]:
    """The ids that the true masks of scored frames hold."""
    return set().union(*(frame.true_ids for frame in scored))


def _matched(planned: Plan, scored: Sequence[FrameScores]) -> list[ObjectTrace]:
    """The traces of the objects, each with the proposal that an optimal assignment gives it."""
    from scipy.optimize import linear_sum_assignment  # here: it would make every worker start later

    present = {predicted for frame in scored for predicted, _ in frame.scores} - {NOTHING}
    proposals = range(1, max(present | set(planned.object_ids)) + 1)  # at least as many as objects
    series = {pair: _pair_series(pair, scored) for pair in itertools.product(proposals, planned.object_ids)}
    worth = [[sum(s.j + s.f for s in series[p, o]) for o in planned.object_ids] for p in proposals]
    rows, columns = linear_sum_assignment(worth, maximize=True)
    matches = sorted((planned.object_ids[column], proposals[row]) for row, column in zip(rows, columns, strict=True))
    return [_object_trace(planned, o, scored, series[p, o]) for o, p in matches]


def _pair_series(pair: Pair, scored: Iterable[FrameScores]) -> list[PairScore]:
    """The scores of a proposal and an object over the frames; either may be absent in some."""
    series = []
    for frame in scored:
        predicted, true = ({key[side] for key in frame.scores} for side in (0, 1))
        here = pair[0] if pair[0] in predicted else NOTHING, pair[1] if pair[1] in true else NOTHING
        series.append(frame.scores.get(here, EMPTY_IN_BOTH))
    return series
