"""J and F of every object of one frame at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from vosbench.metrics import bitmap
from vosbench.metrics.boundary import boundary_f_of_edges
from vosbench.metrics.region import jaccard_of_counts
from vosbench.video import ObjectMasks

Pair = tuple[int, int]


class PairScore(NamedTuple):
    """J and F of a predicted and a true mask, and whether the true one has a pixel."""

    j: float
    f: float
    visible: bool


EMPTY_IN_BOTH = PairScore(1.0, 1.0, False)


@dataclass(frozen=True)
class FrameScores:
    """The scores of one frame by pair (predicted id, true id); a pair that is missing is empty in both."""

    frame: str
    scores: Mapping[Pair, PairScore]

    @property
    def true_ids(self) -> set[int]:
        """The ids that the true mask holds, of those that were paired."""
        return {true for (_, true), score in self.scores.items() if score.visible}


def frame_scores(
    prediction: ObjectMasks, truth: ObjectMasks, pairs: Iterable[Pair], radius: int
) -> dict[Pair, PairScore]:
    """The scores of pairs (id in the prediction, id in the truth) of the masks of a frame.

    Ids are 1 to 255. The scores equal `jaccard` and `boundary_f` of the two masks; a pair of which neither mask has
    a pixel is left out. `labelled_box` of the masks is as good as the masks.
    """
    height, width = truth.size
    bitmap_of = _bitmaps(prediction, truth, radius)
    if bitmap_of is None:
        return {}
    scores = {}
    for pair in pairs:
        score = mask_scores(bitmap_of(pair), height, width, radius)
        if score is not None:
            scores[pair] = score
    return scores


def _bitmaps(prediction: ObjectMasks, truth: ObjectMasks, radius: int) -> Callable[[Pair], np.ndarray] | None:
    """What gives the masks of a pair as a bitmap of two; None if both label maps are empty."""
    if prediction.labels is None or truth.labels is None:
        return lambda pair: bitmap.pack(np.concatenate([prediction.planes(pair[:1]), truth.planes(pair[1:])]), radius)
    planes = bitmap.label_planes((prediction.labels, truth.labels), radius)
    return partial(bitmap.labelled, planes) if planes else None


def mask_scores(masks: np.ndarray, height: int, width: int, radius: int) -> PairScore | None:
    """The scores of a predicted and a true mask [height, width], a bitmap of two; None if both are empty.

    Only the box that holds a pixel of either is looked at.
    """
    left, top, columns, rows = cv2.boundingRect((masks[0] | masks[1]).view(np.uint8))
    if not rows:
        return None
    spare = max(radius, 1)
    bottom, right = top + rows + spare, -(-(8 * (left + columns) + spare) // bitmap.WORD)  # a word is eight bytes
    top, left = max(top - 1, 0), max(8 * left - 1, 0) // bitmap.WORD  # boundaries lie up to one pixel outside
    masks = np.ascontiguousarray(masks[:, top:bottom, left:right])
    predicted, true = bitmap.counts(masks)
    (both,) = bitmap.counts(masks[:1] & masks[1:])
    edges = bitmap.boundary(masks, height - top, width - left * bitmap.WORD)
    return PairScore(jaccard_of_counts(both, predicted, true), boundary_f_of_edges(edges, radius), true > 0)


def labelled_box(prediction: ObjectMasks, truth: ObjectMasks) -> tuple[slice, slice] | None:
    """The box that holds every mask of both, and one pixel more, where boundaries lie; None if all is empty."""
    left, top, columns, rows = cv2.boundingRect(prediction.covered() | truth.covered())
    if not rows:
        return None
    return slice(max(top - 1, 0), top + rows + 1), slice(max(left - 1, 0), left + columns + 1)
