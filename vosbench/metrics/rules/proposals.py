"""The objects of the first frame, each matched with the predicted id that is best for it (unsupervised DAVIS)."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vosbench.metrics.frame import FrameScores, Pair
from vosbench.metrics.measure import PairScore
from vosbench.metrics.reading import refuse_extra_ids
from vosbench.metrics.rules.base import ScoringPlan, object_trace
from vosbench.metrics.rules.first_frame import FirstFrame
from vosbench.metrics.statistics import ObjectTrace
from vosbench.video import ObjectMasks

NOTHING = 255  # in a pair: no mask; void is ignored where proposals are scored, and these are few: no pixel has it


@dataclass(frozen=True)
class Proposals(FirstFrame):
    """Predicted ids mean nothing: over a whole sequence each object gets one of them (Hungarian assignment).

    most: the highest id that may be predicted.
    """

    most: int = 20
    keeps_ids = False

    def pairs(self, prediction: ObjectMasks, truth: ObjectMasks, planned: ScoringPlan, where: str) -> Iterable[Pair]:
        refuse_extra_ids(prediction, self.most, where)
        objects = set(truth.present()) & set(planned.object_ids)
        return itertools.product({NOTHING, *prediction.present()}, {NOTHING, *objects})

    def traces(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Iterable[ObjectTrace]:
        from scipy.optimize import linear_sum_assignment  # here: it would make every worker start later

        objects = planned.object_ids
        present = {predicted for frame in scored for predicted, _ in frame.scores} - {NOTHING}
        proposals = range(1, max(present | set(objects)) + 1)  # at least as many as objects
        empty = planned.protocol.measure.empty
        series = {pair: _series(pair, scored, empty) for pair in itertools.product(proposals, objects)}
        worth = [[sum(s.j + s.f for s in series[p, o]) for o in objects] for p in proposals]
        rows, columns = linear_sum_assignment(worth, maximize=True)
        matches = sorted((objects[column], proposals[row]) for row, column in zip(rows, columns, strict=True))
        return [object_trace(planned, o, scored, series[p, o]) for o, p in matches]


def _series(pair: Pair, scored: Iterable[FrameScores], empty: PairScore) -> list[PairScore]:
    """The scores of a proposal and an object over the frames; either may be absent in some."""
    series = []
    for frame in scored:
        predicted, true = ({key[side] for key in frame.scores} for side in (0, 1))
        here = pair[0] if pair[0] in predicted else NOTHING, pair[1] if pair[1] in true else NOTHING
        series.append(frame.scores.get(here, empty))
    return series
