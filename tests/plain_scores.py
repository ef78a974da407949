"""J, F and the masks to try them on: plain loops over pixels that share no code with what they check."""

import math

import numpy as np
from hypothesis import strategies as st


def slow_jaccard(prediction, truth):
    both = sum(bool(p and t) for p, t in zip(prediction.flat, truth.flat, strict=True))
    either = sum(bool(p or t) for p, t in zip(prediction.flat, truth.flat, strict=True))
    return both / either if either else 1.0


def slow_boundary(mask):
    """Set of (row, column); the three rules of the last row, the last column and the last pixel spelled out."""
    height, width = mask.shape
    points = set()
    for y in range(height):
        for x in range(width):
            neighbours = []
            if x + 1 < width:
                neighbours.append(mask[y, x + 1])
            if y + 1 < height:
                neighbours.append(mask[y + 1, x])
            if x + 1 < width and y + 1 < height:
                neighbours.append(mask[y + 1, x + 1])
            if any(n != mask[y, x] for n in neighbours):
                points.add((y, x))
    return points


def slow_boundary_f(prediction, truth, radius=None):
    height, width = truth.shape
    r = math.ceil(0.008 * math.sqrt(height * height + width * width)) if radius is None else radius
    predicted, true = slow_boundary(prediction), slow_boundary(truth)
    if not predicted and not true:
        return 1.0
    if not predicted or not true:
        return 0.0

    def matched(points, others):
        near = [(dy, dx) for dy in range(-r, r + 1) for dx in range(-r, r + 1) if dy * dy + dx * dx <= r * r]
        return sum(any((y + dy, x + dx) in others for dy, dx in near) for y, x in points)

    precision, recall = matched(predicted, true) / len(predicted), matched(true, predicted) / len(true)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@st.composite
def label_maps(draw, height, width, highest, void=False):
    """A map of random rectangles: they overlap, touch borders, fill the picture, or leave it empty."""
    labels = np.zeros((height, width), np.uint8)
    ids = st.sampled_from([*range(highest + 1), 255] if void else range(highest + 1))
    for _ in range(draw(st.integers(0, 6))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        bottom, right = draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width))
        labels[top:bottom, left:right] = draw(ids)
    if draw(st.booleans()):
        noise = np.random.default_rng(draw(st.integers(0, 99)))
        labels[noise.random(labels.shape) < 0.02] = draw(ids)
    return labels
