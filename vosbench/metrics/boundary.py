"""Boundary accuracy F: how well the outlines of two masks match within a tolerance.

Source: Perazzi et al., CVPR 2016, after Martin et al., TPAMI 2004; the rules are those of the public DAVIS
evaluators, to the bit.
"""

import numpy as np

from vosbench.metrics import bitmap

THRESHOLD = 0.008  # of the picture's diagonal


def tolerance(height: int, width: int, threshold: float = THRESHOLD) -> float:
    """The tolerance in pixels: `threshold` times the diagonal; from 1 on, `threshold` as an integer.

    >>> round(tolerance(480, 854), 2)  # which DAVIS rounds up, to 8
    7.84
    """
    return float(int(threshold) if threshold >= 1 else threshold * np.linalg.norm((height, width)))


def boundary_f(edges: np.ndarray, radius: float) -> float:
    """F, the harmonic mean of boundary precision and recall, from the boundaries of prediction and truth, a bitmap of
    two with the spare bits that `dilate` needs.

    A boundary pixel is matched if the other boundary has a pixel within Euclidean distance `radius` in pixels. F is 1
    if both boundaries are empty, and 0 if one of them is.
    """
    predicted, true = bitmap.counts(edges)
    if not predicted or not true:
        return float(predicted == true)
    near = bitmap.dilate(edges, radius)
    matched_predicted, matched_true = bitmap.counts(edges & near[::-1])
    precision, recall = matched_predicted / predicted, matched_true / true
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
