"""Pictures as a page carries them: frames as WebP, label maps as runs of equal pixels, which a script colours."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from vosbench.base.varints import pack
from vosbench.report.pictures.overlay import resized

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
    return resized(pixels, shown_size(*pixels.shape[:2]))


def webp(rgb: np.ndarray, quality: int = QUALITY) -> bytes:
    """A frame, uint8 [H,W,3], as a WebP file."""
    file = BytesIO()
    Image.fromarray(rgb).save(file, "WEBP", quality=quality, method=3)
    return file.getvalue()


def label_runs(labels: np.ndarray) -> str:
    """A label map, uint8 [H,W], in base64: length and label of each run of equal pixels by rows, as `base.varints`."""
    flat = labels.ravel()
    ends = np.append(np.flatnonzero(flat[1:] != flat[:-1]) + 1, flat.size)
    return b64encode(pack(np.stack([np.diff(ends, prepend=0), flat[ends - 1]], 1).ravel())).decode()
