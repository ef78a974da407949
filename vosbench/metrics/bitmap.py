"""Binary masks as bitmaps, 64 pixels to a machine word, and the three operations that J and F need of them.

Scoring is bound by memory traffic, and a bitmap is an eighth of a byte mask: once packed, intersecting, shifting
and counting cost microseconds per video frame, so the time goes into decoding the PNGs.

A bitmap is uint64 [masks, rows, words], contiguous; bit i of word j is column 64 j + i. Every row ends in spare bits
and every mask in spare rows, all zero: one at least, and as many as the bitmap is ever dilated by. So one shift of
the whole bitmap, as a single string of bits, moves all of its masks: what leaves a row or a mask at one end lands
where no pixel is.
"""

import math
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

WORD = 64
_BUT_LAST = np.uint64(2 ** (WORD - 1) - 1)


def pack(masks: np.ndarray, spare: int) -> np.ndarray:
    """Bitmaps of boolean masks [N, H, W], with at least `spare` zero bits after each row and rows after each mask."""
    count, height, width = masks.shape
    flags = blank(count, height, width, spare)
    flags[:, :height, :width] = masks
    return pack_flags(flags)


def blank(count: int, height: int, width: int, spare: int) -> np.ndarray:
    """Flags of `count` empty masks with room for the spare rows and bits of a bitmap: bool [count, rows, columns]."""
    spare = max(spare, 1)
    return np.zeros((count, height + spare, -(-(width + spare) // WORD) * WORD), bool)


def pack_flags(flags: np.ndarray) -> np.ndarray:
    """The bitmap of flags, bool or uint8, that `blank` made room for."""
    words = np.packbits(flags.reshape(-1), bitorder="little").view("<u8")
    return words.reshape(*flags.shape[:-1], -1)


def label_planes(maps: Sequence[np.ndarray], spare: int) -> list[np.ndarray]:
    """Label maps, uint8 [H,W] each, as the bitmaps [maps, rows, words] of the bits of their labels, lowest bit first.

    A map is large and its objects may be many: so each bit of a label is packed once, not a mask for each object.
    """
    height, width = maps[0].shape
    flags = blank(len(maps), height, width, spare).view(np.uint8)
    planes = []
    for bit in range(max(int(labels.max(initial=0)) for labels in maps).bit_length()):
        for flag, labels in zip(flags, maps, strict=True):
            np.bitwise_and(labels, 1 << bit, out=flag[:height, :width])
        planes.append(pack_flags(flags))
    return planes


def labelled(planes: Sequence[np.ndarray], labels: Sequence[int]) -> np.ndarray:
    """The pixels that have a label, 1 to 255 and one for each of the maps, as a bitmap [maps, rows, words]."""
    masks = np.zeros_like(planes[0])
    for which, (mask, label) in enumerate(zip(masks, labels, strict=True)):
        highest = label.bit_length() - 1
        if highest >= len(planes):
            continue
        mask[:] = planes[highest][which]
        for bit, plane in enumerate(planes):
            if bit != highest:
                mask &= plane[which] if label >> bit & 1 else ~plane[which]
    return masks


def unpack(bitmap: np.ndarray, height: int, width: int) -> np.ndarray:
    """The boolean masks [N, height, width] of a bitmap."""
    return np.unpackbits(bitmap[:, :height].view(np.uint8), axis=-1, bitorder="little", count=width).astype(bool)


def counts(bitmap: np.ndarray) -> list[int]:
    """Number of pixels set in each mask of a bitmap. OpenCV adds bytes up several times as fast as NumPy."""
    return [int(cv2.sumElems(ones)[0]) for ones in np.bitwise_count(bitmap)]


def boundary(bitmap: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels that differ from their right, lower or lower-right neighbour (see `metrics.boundary.boundary_map`).

    A pixel is one of those exactly if the 2x2 window to its lower right is neither full nor empty.
    Beyond the last column and row the picture goes on unchanged. `height` and `width` are the picture's, counted
    from the first row and column of the bitmap; the bitmap may end before, if its last rows and columns are empty.
    """
    _, rows, words = bitmap.shape
    right = bitmap >> 1
    right.reshape(-1)[:-1] |= bitmap.reshape(-1)[1:] << (WORD - 1)
    right[..., -1] &= _BUT_LAST  # the first pixel of the next row
    last_word, last_bit = divmod(width - 1, WORD)
    if last_word < words:
        right[..., last_word] |= bitmap[..., last_word] & np.uint64(1 << last_bit)
    some, every = bitmap | right, bitmap & right
    edge = some ^ every
    last_row = edge[:, height - 1].copy() if height <= rows else None
    here, some, every = edge.reshape(-1)[:-words], some.reshape(-1), every.reshape(-1)
    np.bitwise_or(some[:-words], some[words:], out=here)
    here ^= every[:-words] & every[words:]
    edge[:, -1] = 0  # the first row of the next mask
    if last_row is not None:
        edge[:, height - 1] = last_row
    return edge


def dilate(bitmap: np.ndarray, radius: float) -> np.ndarray:
    """Every pixel within Euclidean distance `radius` of a set one: dilation by `skimage.morphology.disk(radius)`.

    A radius between integers gives what OpenCV makes of that disk, which then is off centre (`off_centre_rows`); it
    takes a spare bit and row more. The spare bits and rows of the result hold rubbish.

    The disk of an integer is built from its rim to its centre: `wide` holds the rows of the bitmap widened to the
    disk's width at that height, and `disk` grows by one row up and down at each step, so what joins it first ends up
    furthest away.
    """
    if radius != int(radius):
        return _dilate_off_centre(bitmap, off_centre_rows(radius))
    row = bitmap.shape[-1]
    wide, disk = bitmap.reshape(-1).copy(), bitmap.reshape(-1).copy()
    one, other = np.empty_like(wide), np.empty_like(wide)
    for steps in _widening_steps(int(radius)):
        pairs = np.bitwise_or(disk[:-row], disk[row:], out=one[:-row])
        disk[:-row] = pairs
        disk[row:] |= pairs
        for step in steps:
            _widen(wide, step, one, other)
            wide, other = other, wide
        if steps:
            disk |= wide
    return disk.reshape(bitmap.shape)


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


def _widen(words: np.ndarray, step: int, shifted: np.ndarray, out: np.ndarray) -> None:
    """A string of bits and the same shifted by `step` < 64 columns to either side, into `out`; `shifted` is scratch."""
    np.bitwise_or(words, np.left_shift(words, step, out=shifted), out=out)
    out |= np.right_shift(words, step, out=shifted)
    out[1:] |= np.right_shift(words, WORD - step, out=shifted)[:-1]
    out[:-1] |= np.left_shift(words, WORD - step, out=shifted)[1:]


@cache
def off_centre_rows(radius: float) -> tuple[tuple[int, int, int], ...]:
    """The rows of the disk of a radius between integers, shortest first: row, first and last column from its anchor.

    The pixels of the disk lie at -radius, -radius + 1, ... along both axes, those within `radius` of zero belong to it,
    and the anchor is the one at half of their number. A pixel is reached from where a row and column of the disk, laid
    on it by the anchor, hits a set one. A disk too small for any pixel is taken for the anchor.
    """
    along = np.arange(-radius, radius + 1)
    centre = len(along) // 2
    disk = along[:, None] ** 2 + along**2 <= radius**2
    rows = [(int(i) - centre, np.flatnonzero(disk[i]) - centre) for i in np.flatnonzero(disk.any(axis=1))]
    found = ((row, int(columns[0]), int(columns[-1])) for row, columns in rows)
    return tuple(sorted(found, key=lambda row: row[2] - row[1])) or ((0, 0, 0),)


def _dilate_off_centre(bitmap: np.ndarray, rows: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """Dilation by the rows of a disk. Each row holds those before it, so that one string of bits is widened for all."""
    words, first = bitmap.reshape(-1), rows[0][1]
    wide, disk, last = _shifted(words, first), np.zeros_like(words), first
    for row, left, right in rows:
        while (first, last) != (left, right):
            most = min(last - first + 1, WORD - 1)
            back, on = min(first - left, most), min(right - last, most)
            wide = wide | _shifted(wide, -back) | _shifted(wide, on)
            first, last = first - back, last + on
        step = row * bitmap.shape[-1]
        if step < 0:
            disk[-step:] |= wide[:step]
        else:
            disk[: len(disk) - step] |= wide[step:]
    return disk.reshape(bitmap.shape)


def _shifted(words: np.ndarray, columns: int) -> np.ndarray:
    """A string of bits in which each has become the one so many columns, less than 64, to its right."""
    if columns == 0:
        return words.copy()
    if columns > 0:
        moved = words >> columns
        moved[:-1] |= words[1:] << (WORD - columns)
    else:
        moved = words << -columns
        moved[1:] |= words[:-1] >> (WORD + columns)
    return moved
