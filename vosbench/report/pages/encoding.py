"""Pictures as a page carries them: frames as WebP, label maps as runs of equal pixels, which a script colours."""

import base64
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from vosbench.base.varints import pack

WIDTH = 480  # of frames and masks, in pixels; smaller ones stay as they are
QUALITY = 55  # of WebP: 13 KB a frame


def shown_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) in which a picture is shown.

    >>> shown_size(480, 854), shown_size(48, 64)
    ((270, 480), (48, 64))
    """
    return (height, width) if width <= WIDTH else (max(1, round(height * WIDTH / width)), WIDTH)


def shrink(pixels: np.ndarray) -> np.ndarray:
    """A frame, uint8 [H,W,3], or a label map, uint8 [H,W], in the size in which it is shown; labels stay labels."""
    height, width = shown_size(*pixels.shape[:2])
    if (height, width) == pixels.shape[:2]:
        return pixels
    how = cv2.INTER_AREA if pixels.ndim == 3 else cv2.INTER_NEAREST
    return cv2.resize(pixels, (width, height), interpolation=how)


def webp(rgb: np.ndarray, quality: int = QUALITY) -> bytes:
    """A frame, uint8 [H,W,3], as a WebP file."""
    file = BytesIO()
    Image.fromarray(rgb).save(file, "WEBP", quality=quality, method=3)
    return file.getvalue()


def label_runs(labels: np.ndarray) -> str:
    """A label map, uint8 [H,W], in base64: of every run of equal pixels, row by row, its length and its label, as
    `base.varints`.
    """
    flat = labels.ravel()
    ends = np.append(np.flatnonzero(flat[1:] != flat[:-1]) + 1, flat.size)
    return text(pack(np.stack([np.diff(ends, prepend=0), flat[ends - 1]], 1).ravel()))


def text(data: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(data).decode("ascii")
