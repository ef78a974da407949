"""J and F of every object of one frame at once, from two label maps."""

from collections.abc import Iterable
from typing import NamedTuple

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

    Equal to `jaccard` and `boundary_f` of the two masks; a pair of which neither mask has a pixel is left out.
    Only the box that holds a label is looked at, and of each pair only its own.
    """
    box = _labelled_box(prediction, truth)
    if box is None:
        return {}
    predicted, true = _Bitmaps(prediction[box], radius), _Bitmaps(truth[box], radius)
    scores = {}
    for pair in pairs:
        masks = np.stack([predicted[pair[0]], true[pair[1]]])
        if masks.any():
            scores[pair] = mask_scores(masks, predicted.width, radius)
    return scores


def mask_scores(masks: np.ndarray, width: int, radius: int) -> PairScore:
    """The scores of a predicted and a true mask: a bitmap [2, rows, words] with `radius` spare bits a row."""
    predicted, true = bitmap.count(masks[0]), bitmap.count(masks[1])
    j = jaccard_of_counts(bitmap.count(masks[0] & masks[1]), predicted, true)
    edges = bitmap.boundary(masks, width)
    top, bottom = _extent(np.bitwise_or.reduce(edges, axis=(0, 2)))
    left, right = _extent(np.bitwise_or.reduce(edges, axis=(0, 1)))
    right += -(-radius // bitmap.WORD)  # keeps the spare bits
    f = boundary_f_of_edges(np.ascontiguousarray(edges[:, top:bottom, left:right]), radius)
    return PairScore(j, f, bool(true))


class _Bitmaps(dict[int, np.ndarray]):
    """The bitmap of each id of a label map, packed when first asked for."""

    def __init__(self, labels: np.ndarray, spare: int) -> None:
        super().__init__()
        self._labels = labels
        height, self.width = labels.shape
        self._flags = np.zeros((height, -(-(self.width + spare) // bitmap.WORD) * bitmap.WORD), bool)

    def __missing__(self, label: int) -> np.ndarray:
        np.equal(self._labels, label, out=self._flags[:, : self.width])
        self[label] = bitmap.pack_flags(self._flags)
        return self[label]


def _labelled_box(prediction: np.ndarray, truth: np.ndarray) -> tuple[slice, slice] | None:
    """A box that holds every label of both maps, and one pixel more, where boundaries lie."""
    bits = np.packbits(prediction, axis=1) | np.packbits(truth, axis=1)
    if not bits.any():
        return None
    top, bottom = _extent(np.bitwise_or.reduce(bits, axis=1))
    left, right = _extent(np.bitwise_or.reduce(bits, axis=0))
    return slice(max(top - 1, 0), bottom + 1), slice(max(8 * left - 1, 0), 8 * right + 1)


def _extent(line: np.ndarray) -> tuple[int, int]:
    """Start and stop of the part of a line that is not zero; an empty part if all of it is."""
    places = np.flatnonzero(line)
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
