"""Boundary accuracy F: how well the outlines of two masks match within a tolerance.

Source: Perazzi et al., CVPR 2016, after Martin et al., TPAMI 2004; the rules are those of the public DAVIS
evaluators, to the bit.
"""

import math

import numpy as np

from vosbench.metrics import bitmap

THRESHOLD = 0.008  # of the picture's diagonal


def tolerance(height: int, width: int, threshold: float = THRESHOLD) -> float:
    """The tolerance in pixels, not rounded: `threshold` times the diagonal; from 1 on, `threshold` as an integer."""
    return float(int(threshold) if threshold >= 1 else threshold * np.linalg.norm((height, width)))


def boundary_radius(height: int, width: int, threshold: float = THRESHOLD) -> int:
    """`tolerance` rounded up, as DAVIS takes it.

    >>> boundary_radius(480, 854), boundary_radius(1080, 1920)
    (8, 18)
    """
    return math.ceil(tolerance(height, width, threshold))


def boundary_map(mask: np.ndarray) -> np.ndarray:
    """The boundary pixels, bool [H,W], of a boolean mask [H,W].

    A pixel is one if it differs from its right, lower or lower-right neighbour; in the last row only the right
    neighbour counts, in the last column only the lower one, and the last pixel never is one.
    """
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    return (mask != padded[:-1, 1:]) | (mask != padded[1:, :-1]) | (mask != padded[1:, 1:])


def boundary_f(prediction: np.ndarray, truth: np.ndarray, radius: int | None = None) -> float:
    """F, the harmonic mean of boundary precision and recall, of two boolean masks [H,W].

    A boundary pixel is matched if the other boundary has a pixel within Euclidean distance `radius` in pixels
    (None: `boundary_radius` of the picture). F is 1 if both boundaries are empty, and 0 if one of them is.

    >>> square = np.pad(np.ones((4, 4), bool), 4)
    >>> boundary_f(np.roll(square, 1, axis=0), square, radius=1)
    1.0
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction is {prediction.shape}, truth {truth.shape}")
    reach = boundary_radius(*truth.shape) if radius is None else radius
    edges = bitmap.pack(np.stack([boundary_map(prediction), boundary_map(truth)]), spare=reach)
    return boundary_f_of_edges(edges, reach)


def boundary_f_of_edges(edges: np.ndarray, radius: float) -> float:
    """F from the boundaries of prediction and truth, a bitmap of two with the spare bits that `dilate` needs."""
    predicted, true = bitmap.counts(edges)
    if not predicted or not true:
        return float(predicted == true)
    near = bitmap.dilate(edges, radius)
    matched_predicted, matched_true = bitmap.counts(edges & near[::-1])
    precision, recall = matched_predicted / predicted, matched_true / true
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
