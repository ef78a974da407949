"""Whether a label map was smoothed, by resizing, turning or blurring it, or by JPEG: it then has ids that are none."""

from collections.abc import Iterable

import cv2
import numpy as np

# Pixels that make a run of one id a region -> the share of edges that may be smooth. Masks by people have at most 0.07
# and 0.11, where seven people stand close together, resized ones mostly above 0.7.
# A ring of four pixels is an object: bands that wide only come from enlarging an object of id 2 more than sixfold.
_SMOOTHED_AT_MOST = {3: 0.2, 4: 0.35}
_FEW_EDGES = 8


def is_smoothed(labels: np.ndarray, present: np.ndarray) -> bool:
    """Whether a label map, uint8 [H,W], of the ids `present`, however many, looks like a picture that was smoothed."""
    if labels.max(initial=0) < 2:
        return False  # there is nothing between 0 and 1
    runs = [_runs(labels), _runs(cv2.transpose(labels))]
    shares = ((_share_of_smooth_edges(runs, solid), most) for solid, most in _SMOOTHED_AT_MOST.items())
    return any(share > most for share, most in shares) or _is_shading(labels, present)


Runs = tuple[np.ndarray, np.ndarray, np.ndarray]  # of one value in a row: the values, the lengths in pixels, the rows


def _runs(labels: np.ndarray) -> Runs:
    begins = np.ones(labels.shape, bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    values = np.ascontiguousarray(labels).ravel()[starts].astype(np.int16)
    return values, np.diff(starts, append=labels.size), starts // labels.shape[1]


def _share_of_smooth_edges(runs: Iterable[Runs], solid: int) -> float:
    """The share of a mask's edges along which values lie between those of the two sides, as interpolation leaves them.

    An edge is where, in a row or column, two runs of at least `solid` pixels follow each other, whose values differ by
    two or more. It is smooth if the shorter runs between them, at least one, lead from the one value to the other by
    steps in one direction. 0 if few are.
    """
    smooth = edges = 0
    for values, lengths, rows in runs:
        rising = np.cumsum(np.sign(np.diff(values, prepend=0)))  # steps up less steps down so far
        regions = np.flatnonzero(lengths >= solid)
        one, other = regions[:-1], regions[1:]
        wide = (rows[one] == rows[other]) & (np.abs(values[one] - values[other]) >= 2)
        between = other - one > 1
        edges += int((wide & ~between).sum())
        smooth += int((wide & between & (np.abs(rising[other] - rising[one]) == other - one)).sum())
    return smooth / (smooth + edges) if smooth >= _FEW_EDGES else 0.0


def _is_shading(labels: np.ndarray, present: np.ndarray) -> bool:
    """Whether most ids, of many, never fill a window of 2x2 pixels and yet cover a tenth of the picture."""
    if len(present) < 8:
        return False
    corner = labels[1:, 1:]
    filled = (corner == labels[:-1, :-1]) & (corner == labels[1:, :-1]) & (corner == labels[:-1, 1:])
    thin = np.setdiff1d(present, corner[filled])
    return len(thin) > len(present) / 2 and bool(np.isin(labels, thin).mean() > 0.1)
