"""Which frames of a video make a clip, and how far apart they may be at a given time of the training."""

from collections.abc import Sequence

import numpy as np

FRAMES = 3
Gaps = tuple[tuple[float, int], ...]  # (share of the training from which it holds, longest distance in frames)


def longest_gap(gaps: Sequence[tuple[float, int]], done: float) -> int:
    """The longest distance between two successive frames of a clip when the share `done` (0 to 1) is behind."""
    return next(distance for start, distance in reversed(gaps) if done >= start)


def ordered_frames(count: int, longest: int, rng: np.random.Generator) -> list[int]:
    """Three ascending indices of `count` >= 3 frames; steps are uniform in 1 to `longest`, or half the video."""
    steps = rng.integers(1, min(longest, (count - 1) // (FRAMES - 1)) + 1, FRAMES - 1)
    start = rng.integers(count - steps.sum())
    return [int(i) for i in start + np.concatenate([[0], np.cumsum(steps)])]


def pick_objects(labels: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Keep at most `most` of the objects in the first frame, as ids 1, 2, …: labels uint8 [T,S,S] -> the same."""
    present = np.flatnonzero(np.bincount(labels[0].ravel(), minlength=256))
    present = present[present > 0]
    table = np.zeros(256, np.uint8)
    chosen = rng.permutation(present)[:most]
    table[chosen] = np.arange(1, len(chosen) + 1)
    return table[labels]
