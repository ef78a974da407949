"""Temporal stability T: how much the outline of a predicted mask jitters from frame to frame. Lower is better.

Source: Perazzi et al., CVPR 2016, section 4. Each point of the outline is described by its shape context (Belongie et
al., TPAMI 2002), dynamic time warping matches the outlines of consecutive frames point by point in order, and T is the
mean cost of a match: motion and slow deformation are matched away, oscillation is not. No ground truth is needed but
to know when the object is out of sight, which would pass for jitter.

As in the public DAVIS evaluators: 12 directions, those of the picture, and 5 rings, the innermost within 1/8 of the
mean distance and the outermost up to twice it, equally wide on a logarithmic scale; every point counts itself; a match
costs half the chi-squared distance of the normalised histograms; only the longest outline counts; of matches that share
a point, the cheapest. Otherwise than there, for it is published as a compiled module whose rules are not told: the
outline is the chain of border pixels, resampled evenly and not simplified first (3 pixels is its parameter too), and
the match starts at the cheapest pair under the best rotation. So T compares methods with one another, not with
published figures. Frames in which the object is occluded are left out; the benchmark leaves out whole sequences.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from vosbench.metrics.protocols import Protocol
from vosbench.metrics.reading import read_prediction
from vosbench.metrics.statistics import ObjectTrace
from vosbench.video import MaskSource

DIRECTIONS = 12
RINGS = np.geomspace(1 / 8, 2, 5)  # outer edges, in mean distances between the points
SPACING = 3.0  # pixels between points of an outline, at most


@dataclass(frozen=True)
class ObjectStability:
    """Mean T of an object over `pairs` pairs of consecutive scored frames; NaN if there are none."""

    sequence: str
    object_id: int
    t: float
    pairs: int


def object_stability(trace: ObjectTrace, predictions: Mapping[str, MaskSource], protocol: Protocol) -> ObjectStability:
    """T of the predicted masks, by frame name, of an object, by the id of its trace.

    It is taken of consecutive scored frames in both of which the ground truth shows the object and the prediction has
    a pixel of it. Raises VosbenchError for a mask that cannot be read.
    """
    costs, before = [], None
    for frame, visible in zip(trace.frames, trace.visible, strict=True):
        here = None
        if visible:
            masks = read_prediction(predictions[frame].load(), protocol)
            here = descriptors(masks.planes((trace.object_id,))[0])
        if before is not None and here is not None:
            costs.append(instability(before, here))
        before = here
    return ObjectStability(
        trace.sequence, trace.object_id, float(np.mean(costs)) if costs else float("nan"), len(costs)
    )


def instability(first: np.ndarray, second: np.ndarray) -> float:
    """T of a mask and the one in the next frame, by their descriptors: 0 to 1."""
    costs = match_costs(first, second)
    return float(costs[tuple(one_to_one(warp(costs), costs).T)].mean())


def descriptors(mask: np.ndarray) -> np.ndarray | None:
    """The shape contexts of the outline of a boolean mask [H,W]; None if it is empty."""
    points = outline(mask)
    return shape_contexts(points) if len(points) else None


def outline(mask: np.ndarray) -> np.ndarray:
    """Points along the longest outer border of a boolean mask [H,W], evenly at most `SPACING` pixels apart.

    float64 [N,2], x and y from the corner of their bounding box; N is 0 for an empty mask.
    """
    borders, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not borders:
        return np.empty((0, 2))
    border = max(borders, key=lambda chain: cv2.arcLength(chain, True))[:, 0].astype(float)
    border -= border.min(axis=0)  # so that equal shapes have equal points, wherever they are
    closed = np.vstack([border, border[:1]])
    place = np.append(0, np.cumsum(np.hypot(*np.diff(closed, axis=0).T)))
    wanted = np.linspace(0, place[-1], max(int(np.ceil(place[-1] / SPACING)), 1), endpoint=False)
    points = np.stack([np.interp(wanted, place, axis) for axis in closed.T], axis=1)
    return np.round(points, 6)  # what is straight stays so: directions along the axes are where bins meet


def shape_contexts(points: np.ndarray) -> np.ndarray:
    """The normalised log-polar histogram of all points around each of points [N,2]: float64 [N, rings x directions]."""
    count = len(points)
    x, y = (points[None] - points[:, None]).transpose(2, 0, 1)
    distance = np.hypot(x, y)
    scale = distance.mean() or 1.0
    ring = sum((distance >= edge * scale).view(np.uint8) for edge in RINGS)
    turn = np.floor(np.arctan2(y, x) * (DIRECTIONS / (2 * np.pi))).astype(np.int32) % DIRECTIONS
    near = ring < len(RINGS)
    bins = len(RINGS) * DIRECTIONS
    place = np.arange(count, dtype=np.int32)[:, None] * bins + ring * np.int32(DIRECTIONS) + turn
    found = np.bincount(place[near], minlength=count * bins).reshape(count, bins)
    return found / found.sum(axis=1, keepdims=True)


def match_costs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Half the chi-squared distance, 0 to 1, of normalised histograms [N,bins] and [M,bins]: float64 [N,M].

    Of histograms that add up to 1 it is 1 - 2 * sum(a * b / (a + b)), and a * b / (a + b) is 1 / (1 / a + 1 / b), which
    takes care of empty bins.
    """
    with np.errstate(divide="ignore"):
        inverse = [1 / np.ascontiguousarray(histograms.T) for histograms in (first, second)]
    shared, term = np.zeros((2, len(first), len(second)))
    for a, b in zip(*inverse, strict=True):
        shared += np.reciprocal(np.add.outer(a, b, out=term), out=term)
    return np.maximum(1 - 2 * shared, 0)


def warp(costs: np.ndarray) -> np.ndarray:
    """The cheapest way to match two closed outlines in order, int64 [pairs,2], by the costs [N,M] of their points.

    Every point is in at least one pair. The outlines are rotated against each other so that matching them evenly costs
    least, and the match starts at the cheapest pair under that rotation.
    """
    n, m = costs.shape
    even = (np.arange(n) * m // n + np.arange(m)[:, None]) % m  # [rotation, point of the first] -> point of the second
    rotation = costs[np.arange(n), even].sum(axis=1).argmin()
    start = costs[np.arange(n), even[rotation]].argmin()
    shift = np.array([start, even[rotation, start]])
    return (_warp_open(np.roll(costs, -shift, axis=(0, 1))) + shift) % (n, m)


def _warp_open(costs: np.ndarray) -> np.ndarray:
    """Dynamic time warping from the first pair of points to the last."""
    total = np.empty_like(costs)
    before = np.append(0, np.full(costs.shape[1] - 1, np.inf))  # what it costs to reach a point of this row from above
    for here, row in zip(total, costs, strict=True):
        along = np.cumsum(row)  # from a cell of the row to another costs the difference of these
        here[:] = along + np.minimum.accumulate(before - along + row)
        before = np.minimum(here, np.append(np.inf, here[:-1]))
    i, j = costs.shape[0] - 1, costs.shape[1] - 1
    path = [(i, j)]
    while i or j:
        steps = [(i - a, j - b) for a, b in ((1, 1), (1, 0), (0, 1)) if i >= a and j >= b]
        i, j = min(steps, key=total.__getitem__)
        path.append((i, j))
    return np.array(path[::-1])


def one_to_one(pairs: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Of the pairs [K,2] that share a point of the first outline the cheapest, and then so for the second."""
    for side in (0, 1):
        pairs = pairs[np.argsort(costs[tuple(pairs.T)], kind="stable")]
        pairs = pairs[np.unique(pairs[:, side], return_index=True)[1]]
    return pairs
