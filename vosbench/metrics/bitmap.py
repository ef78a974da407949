"""Binary masks as bitmaps, 64 pixels to a machine word, and the three operations that J and F need of them.

Scoring is bound by memory traffic, and a bitmap is an eighth of a byte mask: once packed, intersecting, shifting
and counting cost microseconds per video frame, so the time goes into decoding the PNGs.

A bitmap is uint64 [masks, rows, words], contiguous; bit i of word j is column 64 j + i. Every row ends in spare bits
and every mask in spare rows, all zero: one at least, and as many as the bitmap is ever dilated by. So one shift of
the whole bitmap, as a single string of bits, moves all of its masks: what leaves a row or a mask at one end lands
where no pixel is.
"""

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
    for bit in range(max(1, *(int(labels.max(initial=0)) for labels in maps)).bit_length()):
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


def counts(bitmap: np.ndarray) -> list[int]:
    """Number of pixels set in each mask of a bitmap. OpenCV adds bytes up several times as fast as NumPy."""
    return [int(cv2.sumElems(ones)[0]) for ones in np.bitwise_count(bitmap)]


def boundary(bitmap: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels that differ from their right, lower or lower-right neighbour.

    A pixel is one of those exactly if the 2x2 window to its lower right is neither full nor empty. Beyond the last
    column and row the picture goes on unchanged: in the last row only the right neighbour counts, in the last column
    only the lower one. `height` and `width` are the picture's, counted from the first row and column of the bitmap; the
    bitmap may end before, if its last rows and columns are empty.
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

    A radius between integers gives what OpenCV makes of that disk, which then is off centre (`_disk`); it takes a spare
    bit and row more. The spare bits and rows of the result hold rubbish. One string of bits is widened for all rows of
    the disk, of which each holds the shorter ones.
    """
    words, (start, rows) = bitmap.reshape(-1), _disk(radius)
    wide = words << start
    if start:
        wide[1:] |= words[:-1] >> (WORD - start)
    disk, other, scratch = np.zeros_like(words), np.empty_like(words), np.empty_like(words)
    for row, steps in rows:
        for back, on in steps:
            _widen(wide, back, on, scratch, other)
            wide, other = other, wide
        step = row * bitmap.shape[-1]
        if step < 0:
            disk[-step:] |= wide[:step]
        else:
            disk[: len(disk) - step] |= wide[step:]
    return disk.reshape(bitmap.shape)


@cache
def _disk(radius: float) -> tuple[int, list[tuple[int, list[tuple[int, int]]]]]:
    """The rows of a disk, shortest first, each with the steps that widen the one before it to this one, to either side;
    and how many columns before the anchor the first begins: one where it lies beside it, as of a disk hardly wider.

    The pixels of the disk lie at -radius, -radius + 1, ... along both axes, those within `radius` of zero belong to it,
    and the anchor is the one at half of their number. A pixel is reached from where a row and column of the disk, laid
    on it by the anchor, hits a set one. A disk too small for any pixel is taken for the anchor.

    A segment joined by its copies shifted by a step stays without gaps if the step is at most as long as what of it
    lies at the anchor and to that side of it, even where the other side has left the picture.
    """
    along = np.arange(-radius, radius + 1)
    centre = len(along) // 2
    disk = along[:, None] ** 2 + along**2 <= radius**2
    spans = [(int(i) - centre, np.flatnonzero(disk[i]) - centre) for i in np.flatnonzero(disk.any(axis=1))]
    ends = [(row, int(columns[0]), int(columns[-1])) for row, columns in spans] or [(0, 0, 0)]
    ends.sort(key=lambda row: row[2] - row[1])
    first = last = min(ends[0][2], 0)
    start, rows = -last, []
    for row, left, right in ends:
        steps = []
        while (first, last) != (left, right):
            back = min(first - left, min(last, 0) - first + 1, WORD - 1)
            on = min(right - last, max(last, 0) + 1, WORD - 1)
            steps.append((back, on))
            first, last = first - back, last + on
        rows.append((row, steps))
    return start, rows


def _widen(words: np.ndarray, back: int, on: int, scratch: np.ndarray, out: np.ndarray) -> None:
    """A string of bits in which each takes in those `back` and `on` columns, less than 64, before and after it."""
    np.bitwise_or(words, np.left_shift(words, back, out=scratch), out=out)
    out |= np.right_shift(words, on, out=scratch)
    if back:
        out[1:] |= np.right_shift(words, WORD - back, out=scratch)[:-1]
    if on:
        out[:-1] |= np.left_shift(words, WORD - on, out=scratch)[1:]
