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
    a pixel is left out. Only the box that holds a label is looked at, and of each pair only its own.
    """
    box = _labelled_box(prediction, truth)
    if box is None:
        return {}
    height, width = prediction[box].shape
    labels = np.zeros((2, height, bitmap.padded(width, radius)), np.uint8)  # one piece of memory, quick to compare
    labels[0, :, :width], labels[1, :, :width] = prediction[box], truth[box]
    flags = np.empty(labels.shape, bool)
    scores = {}
    for pair in pairs:
        np.equal(labels, np.array(pair, np.uint8).reshape(2, 1, 1), out=flags)
        masks = bitmap.pack_flags(flags)
        if masks.any():
            scores[pair] = mask_scores(masks, width, radius)
    return scores


def mask_scores(masks: np.ndarray, width: int, radius: int) -> PairScore:
    """The scores of a predicted and a true mask, not both empty: bitmaps [2, rows, words] with `radius` spare bits."""
    either = masks[0] | masks[1]
    left, top, columns, rows = cv2.boundingRect(either.view(np.uint8))  # in bytes, eight to a word
    left, right, bottom = left // 8, -(-(left + columns) // 8), top + rows
    top, left = max(top - 1, 0), max(left - 1, 0)  # boundaries lie up to one pixel outside
    spare = -(-radius // bitmap.WORD)
    masks = np.ascontiguousarray(masks[:, top : bottom + 1, left : right + spare])
    predicted, true = bitmap.counts(masks)
    (both,) = bitmap.counts(masks[:1] & masks[1:])
    edges = bitmap.boundary(masks, width - left * bitmap.WORD)
    return PairScore(jaccard_of_counts(both, predicted, true), boundary_f_of_edges(edges, radius), true > 0)


def _labelled_box(prediction: np.ndarray, truth: np.ndarray) -> tuple[slice, slice] | None:
    """A box that holds every label of both maps, and one pixel more, where boundaries lie."""
    left, top, columns, rows = cv2.boundingRect(prediction | truth)
    if not columns:
        return None
    return slice(max(top - 1, 0), top + rows + 1), slice(max(left - 1, 0), left + columns + 1)
