"""The ids of the true masks, each from the frame after the mask that was given of it to the end (any folder)."""

from collections.abc import Iterable, Sequence

from vosbench.metrics.frame import FrameScores
from vosbench.metrics.rules.base import ScoringPlan
from vosbench.metrics.rules.onward import Onward


class Given(Onward):
    """None where every true mask shows objects that no mask before it shows, and no other: these are the first masks,
    which were given, and there is nothing to score against.
    """

    def objects(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[int]:
        first_masks = are_first_masks(planned.object_ids, (frame.true_ids for frame in scored))
        return () if first_masks else super().objects(planned, scored)


def are_first_masks(seen: Iterable[int], shown: Iterable[set[int]]) -> bool:
    """Whether masks, of which the ids are given, all show objects, and none that is `seen` or that one before shows."""
    before = set(seen)
    for ids in shown:
        if not ids or ids & before:
            return False
        before |= ids
    return True
