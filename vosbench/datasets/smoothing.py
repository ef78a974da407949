"""Whether a label map was smoothed, by resizing, turning or blurring it, or by JPEG: it then has ids that are none.

Smoothing takes ids for shades. Along the whole outline of an object it leaves strips of the ids that lie between those
of the two sides, in their order. A sound mask may have a thin object between two others somewhere, but not on all sides
of everything. Only where objects lie in each other like rings, with ids in order, do sound masks look the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from vosbench.images import VOID

Smoothness = Literal["sound", "doubtful", "smoothed"]
# Chosen on 2,200 masks of OSVOS, DAVIS, PUMaVOS, VOC and YouTube-VOS, whole and shrunk by nearest neighbour to 1/2, 1/4
# and 1/8, with other ids too, of which none is told, and on smoothed ones of some of them.
_STRIPS_BELOW = (3, 4)  # pixels: a run of one id as long as that is a region
_WIDE_STRIPS_BELOW = (8, 16, 32)  # of an object of id 2 that was enlarged eightfold, or blurred over 21 pixels
_BY_CHANCE, _OF_MANY_IDS, _WIDE_BY_CHANCE = 24, 8, 64  # smooth edges: fewer tell nothing
_DOUBTFUL = 6  # smooth edges of small objects, where hardly any is sharp: in real masks 85 % are smooth at most
_MANY = 4  # ids of strips that are no objects
_FROM_EACH_SIDE = 4  # edges that tell how many of a side are smooth


def smoothness(labels: np.ndarray, present: np.ndarray) -> Smoothness:
    """What a label map, uint8 [H,W], of the ids `present` looks like, however many they are."""
    if labels.max(initial=0) < 2:
        return "sound"  # there is nothing between 0 and 1
    runs = [_runs(labels), _runs(cv2.transpose(labels))]
    small = False
    for solid in (*_STRIPS_BELOW, *_WIDE_STRIPS_BELOW):
        edges = _edges(runs, solid)
        if edges.tell(labels, solid):
            thin = not edges.are_of_objects(labels, 2 * solid)
            like_rings = edges.share > 0.8 and edges.complete and (thin or not edges.all_around)
            return "doubtful" if like_rings else "smoothed"
        if solid == max(_STRIPS_BELOW):
            small = edges.smooth >= _DOUBTFUL and edges.share > 0.9
            if edges.sharp > _WIDE_BY_CHANCE:
                break  # wide strips leave hardly an edge sharp
    if _is_shading(labels, present) or _is_scattered(labels, present):
        return "smoothed"
    return "doubtful" if small else "sound"


Runs = tuple[np.ndarray, np.ndarray, np.ndarray]  # of one value in a row: the values, the lengths in pixels, the rows


def _runs(labels: np.ndarray) -> Runs:
    begins = np.ones(labels.shape, bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    values = np.ascontiguousarray(labels).ravel()[starts].astype(np.int16)
    return values, np.diff(starts, append=labels.size), starts // labels.shape[1]


@dataclass(frozen=True)
class _Edges:
    """The edges of a mask, where two regions follow each other whose ids differ by two or more.

    One is smooth if the shorter runs between its regions, at least one, lead from the one id to the other by steps in
    one direction, as interpolation leaves them. `sides` are how many are smooth and how many are sharp, for the four
    directions in which ids rise. `strips` are how many runs between regions are of each id, [256]. `complete`: these
    are of every id in between, nearly everywhere.
    """

    sides: Sequence[tuple[int, int]]
    strips: np.ndarray
    complete: bool

    @property
    def smooth(self) -> int:
        return sum(smooth for smooth, _ in self.sides)

    @property
    def sharp(self) -> int:
        return sum(sharp for _, sharp in self.sides)

    @property
    def share(self) -> float:
        return self.smooth / (self.smooth + self.sharp)

    @property
    def least_share(self) -> float:
        """Of the sides that have some edges, the share of smooth ones on that which has the fewest."""
        told = [smooth / (smooth + sharp) for smooth, sharp in self.sides if smooth + sharp >= _FROM_EACH_SIDE]
        return min(told, default=0)

    @property
    def all_around(self) -> bool:
        return all(sum(side) >= _FROM_EACH_SIDE for side in self.sides)

    def tell(self, labels: np.ndarray, solid: int) -> bool:
        """Whether they are more, and from more sides, than sound masks have."""
        if solid in _WIDE_STRIPS_BELOW:
            return self.smooth >= _WIDE_BY_CHANCE and self.share > 0.9 and self.least_share > 0.6
        if self.smooth < _OF_MANY_IDS:
            return False
        if self.are_of_objects(labels, solid):
            return self.smooth >= _BY_CHANCE and self.least_share > 0.3
        if np.count_nonzero(self.strips) >= _MANY and self.share > 0.5:
            return True
        return self.smooth >= _BY_CHANCE and self.least_share > 0.15

    def are_of_objects(self, labels: np.ndarray, side: int) -> bool:
        """Whether a tenth of the strips are of ids that have an area of their own, a square of that side, somewhere."""
        window, ids = np.ones((side, side), np.uint8), np.flatnonzero(self.strips)
        own = [i for i in ids if cv2.erode((labels == i).view(np.uint8), window, borderValue=0).any()]
        return bool(self.strips[own].sum() > 0.1 * self.strips.sum())


def _edges(runs: Sequence[Runs], solid: int) -> _Edges:
    """The edges between regions, runs of at least `solid` pixels, in rows and columns."""
    sides, between, wanted = [], 0, 0
    strips = np.zeros(256, np.int64)
    for values, lengths, rows in runs:
        rising = np.cumsum(np.sign(np.diff(values, prepend=0)))  # steps up less steps down so far
        regions = np.flatnonzero(lengths >= solid)
        one, other = regions[:-1], regions[1:]
        wide = (rows[one] == rows[other]) & (np.abs(values[one] - values[other]) >= 2)
        one, other = one[wide], other[wide]
        sharp = other - one == 1
        smooth = ~sharp & (np.abs(rising[other] - rising[one]) == other - one)
        up = values[other] > values[one]
        sides += [(int((smooth & side).sum()), int((sharp & side).sum())) for side in (up, ~up)]
        one, other = one[smooth], other[smooth]
        inside = np.zeros(len(values) + 1, np.int8)
        inside[one + 1] = 1
        inside[other] -= 1
        strips += np.bincount(values[np.cumsum(inside[:-1], dtype=np.int8) > 0], minlength=256)
        between += int((other - one - 1).sum())
        wanted += int((np.abs(values[other] - values[one]) - 1).sum())
    return _Edges(sides, strips, between >= 0.95 * wanted)


def _is_shading(labels: np.ndarray, present: np.ndarray) -> bool:
    """Whether most ids, of many, never fill a window of 2x2 pixels, and cover a tenth of the picture in no order."""
    if len(present) < 8:
        return False
    corner = labels[1:, 1:]
    filled = (corner == labels[:-1, :-1]) & (corner == labels[1:, :-1]) & (corner == labels[:-1, 1:])
    thin = np.setdiff1d(present, corner[filled])
    if len(thin) <= len(present) / 2 or np.isin(labels, thin).mean() <= 0.1:
        return False
    steps = np.concatenate([np.abs(np.diff(labels.astype(np.int16), axis=axis)).ravel() for axis in (0, 1)])
    return bool((steps[steps > 0] > 1).mean() > 0.02)


def _is_scattered(labels: np.ndarray, present: np.ndarray) -> bool:
    """Whether of seven ids or more two fifths, and seven at least, lie about in pieces that never fill a window of 3x3
    pixels, as JPEG leaves them near edges. Real masks, whole and shrunk to an eighth, have five at most.
    """
    ids = np.setdiff1d(present, (0, VOID))
    many, window = max(7, 0.4 * len(ids)), np.ones((3, 3), np.uint8)
    if len(ids) < many:
        return False
    flat = cv2.erode(labels, window) == cv2.dilate(labels, window)
    thin = np.setdiff1d(ids, labels[flat])
    if len(thin) < many:
        return False
    pieces = (cv2.connectedComponents((labels == i).view(np.uint8), connectivity=8)[0] - 1 for i in thin)
    return sum(number > 1 for number in pieces) >= many
