"""The ids of the true masks, each from the frame after the mask that was given of it to the end (any folder)."""

from collections.abc import Sequence

from vosbench.metrics.frame import FrameScores
from vosbench.metrics.rules.base import ScoringPlan
from vosbench.metrics.rules.onward import Onward


class Given(Onward):
    """None where every true mask shows objects that no mask before it shows, and no other: these are the first masks,
    which were given, and there is nothing to score against.
    """

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        seen = set(planned.object_ids)
        for frame in scored:
            if not frame.true_ids or frame.true_ids & seen:
                return super().objects(planned, scored)
            seen |= frame.true_ids
        return ()
