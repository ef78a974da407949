"""J and F of every object of one frame at once, from two label maps."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np

from vosbench.metrics import bitmap
from vosbench.metrics.boundary import boundary_f_of_edges
from vosbench.metrics.region import jaccard_of_counts

Pair = tuple[int, int]


class PairScore(NamedTuple):
    """J and F of a predicted and a true mask, and whether the true one has a pixel."""

    j: float
    f: float
    visible: bool


EMPTY_IN_BOTH = PairScore(1.0, 1.0, False)


def frame_scores(
    prediction: np.ndarray, truth: np.ndarray, pairs: Iterable[Pair], radius: int
) -> dict[Pair, PairScore]:
    """The scores of pairs (id in the prediction, id in the truth) of two label maps, uint8 [H,W].

    Ids are 1 to 255. The scores equal `jaccard` and `boundary_f` of the two masks; a pair of which neither mask has
    a pixel is left out. `labelled_box` of the maps is as good as the maps.
    """
    height, width = truth.shape
    planes = bitmap.label_planes((prediction, truth), radius)
    scores = {}
    for pair in pairs if planes else ():
        score = mask_scores(bitmap.labelled(planes, pair), height, width, radius)
        if score is not None:
            scores[pair] = score
    return scores


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


def labelled_box(prediction: np.ndarray, truth: np.ndarray) -> tuple[slice, slice] | None:
    """The box that holds every label of both maps, and one pixel more, where boundaries lie; None if all is empty."""
    left, top, columns, rows = cv2.boundingRect(prediction | truth)
    if not rows:
        return None
    return slice(max(top - 1, 0), top + rows + 1), slice(max(left - 1, 0), left + columns + 1)
