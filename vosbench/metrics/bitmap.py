"""Binary masks as bitmaps, 64 pixels to a machine word, and the three operations that J and F need of them.

Scoring is bound by memory traffic, and a bitmap is an eighth of a byte mask: once packed, intersecting, shifting
and counting cost microseconds per video frame, so the time goes into decoding the PNGs.

A bitmap is uint64 [..., rows, words]; bit i of word j is column 64 j + i. Every row ends in at least as many zero
bits as a bitmap is ever dilated by. Rows may then be shifted as one long string of bits: what leaves a row at one
end lands in those spare bits, where no pixel is.
"""

import math
from functools import cache

import numpy as np

WORD = 64


def pack(masks: np.ndarray, spare: int) -> np.ndarray:
    """Bitmaps of boolean masks [..., H, W], with at least `spare` zero bits after each row."""
    width = masks.shape[-1]
    flags = np.zeros((*masks.shape[:-1], padded(width, spare)), bool)
    flags[..., :width] = masks
    return pack_flags(flags)


def padded(width: int, spare: int) -> int:
    """The columns of a bitmap of `width` pixels with at least `spare` zero bits after each row."""
    return -(-(width + spare) // WORD) * WORD


def pack_flags(flags: np.ndarray) -> np.ndarray:
    """Bitmaps of boolean masks [..., H, W] whose width is a multiple of 64 and includes the spare columns."""
    words = np.packbits(flags.reshape(-1), bitorder="little").view("<u8")
    return words.reshape(*flags.shape[:-1], -1)


def unpack(bitmap: np.ndarray, width: int) -> np.ndarray:
    """The boolean masks [..., H, width] of bitmaps."""
    return np.unpackbits(bitmap.view(np.uint8), axis=-1, bitorder="little", count=width).astype(bool)


def counts(bitmaps: np.ndarray) -> list[int]:
    """Number of pixels set in each of bitmaps [N, rows, words]."""
    return np.bitwise_count(bitmaps).reshape(len(bitmaps), -1).sum(axis=1).tolist()


def boundary(bitmap: np.ndarray, width: int) -> np.ndarray:
    """Pixels that differ from their right, lower or lower-right neighbour (see `metrics.boundary.boundary_map`).

    A pixel is one of those exactly if the 2x2 window to its lower right is neither full nor empty.
    Beyond the last column and row the picture goes on unchanged. `width` is the picture's, counted from the first
    column of the bitmap; it may lie outside of a bitmap whose own last columns are empty.
    """
    right = bitmap >> 1
    right[..., :-1] |= bitmap[..., 1:] << (WORD - 1)
    last_word, last_bit = divmod(width - 1, WORD)
    if last_word < bitmap.shape[-1]:
        right[..., last_word] |= bitmap[..., last_word] & np.uint64(1 << last_bit)
    some = bitmap | right
    every = bitmap & right
    edge = some ^ every
    edge[..., :-1, :] = (some[..., :-1, :] | some[..., 1:, :]) ^ (every[..., :-1, :] & every[..., 1:, :])
    return edge


def dilate(bitmap: np.ndarray, radius: int) -> np.ndarray:
    """Every pixel within Euclidean distance `radius` of a set one: dilation by `skimage.morphology.disk(radius)`.

    The spare bits of the result hold rubbish. The disk is built from its rim to its centre: `wide` holds the rows
    of the bitmap widened to the disk's width at that height, and `disk` grows by one row up and down at each step,
    so what joins it first ends up furthest away.
    """
    wide, disk = bitmap.copy(), bitmap.copy()
    for steps in _widening_steps(radius):
        inner = disk.copy()
        disk[..., 1:, :] |= inner[..., :-1, :]
        disk[..., :-1, :] |= inner[..., 1:, :]
        for step in steps:
            _widen(wide, step)
        if steps:
            disk |= wide
    return disk


@cache
def _widening_steps(radius: int) -> tuple[tuple[int, ...], ...]:
    """For each row of the upper half of a disk, rim excluded: the steps that widen the row above it to this one.

    A segment of half-width w joined by its copies shifted by a step stays without gaps if the step is at most w + 1,
    even where one half of the segment has left the picture.
    """
    rows, half_width = [], 0
    for height in reversed(range(radius)):
        target = math.isqrt(radius * radius - height * height)
        steps = []
        while half_width < target:
            steps.append(min(target - half_width, half_width + 1, WORD - 1))
            half_width += steps[-1]
        rows.append(tuple(steps))
    return tuple(rows)


def _widen(bitmap: np.ndarray, step: int) -> None:
    """Add, in place, the bitmap shifted by `step` < 64 columns to either side."""
    words = bitmap.reshape(-1)
    before, shifted = words.copy(), np.empty_like(words)
    words |= np.left_shift(before, step, out=shifted)
    words |= np.right_shift(before, step, out=shifted)
    words[1:] |= np.right_shift(before, WORD - step, out=shifted)[:-1]
    words[:-1] |= np.left_shift(before, WORD - step, out=shifted)[1:]
