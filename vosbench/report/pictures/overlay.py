"""Masks drawn on a frame: objects in the palette's colours, their contours, and what is wrong outlined.

Strips, videos and reports draw masks with this module, so that they look the same everywhere.
"""

import math

import cv2
import numpy as np

from vosbench.images import PALETTE, VOID, check_size
from vosbench.metrics.boundary import tolerance

_PALETTE = np.frombuffer(PALETTE, np.uint8).reshape(256, 3)
# RGB by id. The palette is dark, mostly below 192: brighter by a third, each of its first 63 colours stays different.
COLOURS = np.minimum(_PALETTE * (4 / 3), 255).astype(np.uint8)
CONTOURS = np.minimum(_PALETTE * 2.0, 255).astype(np.uint8)
OPACITY = 0.5  # of an object's colour over the frame
ERROR, CASING = (255, 255, 255), (0, 0, 0)  # RGB of the outline of an error, and of the lines on both sides of it


def overlay(
    rgb: np.ndarray, labels: np.ndarray, truth: np.ndarray | None = None, *, width: int | None = None
) -> np.ndarray:
    """The frame with a mask over it, uint8 RGB [H,W,3]: each object tinted, with a brighter contour.

    rgb is uint8 [H,W,3]; labels a label map, uint8 [H,W], in which 0 and 255 (void) leave the frame as it is; with a
    `truth` of the same kind, `errors` are outlined in white between black lines. Lines are `width` pixels wide (None:
    `line_width`). Arrays stay as they are. Raises VosbenchError for a map that has not the size of the frame.
    """
    for what, given in (("to draw", labels), ("of the truth", truth)):
        if given is not None:
            check_size(given.shape, rgb.shape[:2], what)
    objects, width = np.where(labels == VOID, 0, labels), width or line_width(*labels.shape)
    inside = objects > 0
    drawn = rgb.copy()
    drawn[inside] = np.rint((1 - OPACITY) * rgb[inside] + OPACITY * COLOURS[objects[inside]]).astype(np.uint8)
    contour = inside & _rim(objects, width)
    drawn[contour] = CONTOURS[objects[contour]]
    if truth is not None:
        outline(drawn, errors(labels, truth), width)
    return drawn


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture, uint8 [H,W,3], or a label map, uint8 [H,W], whose ids stay, at another size (height, width)."""
    if pixels.shape[:2] == size:
        return pixels
    smooth = cv2.INTER_AREA if pixels.shape[0] > size[0] else cv2.INTER_CUBIC
    return cv2.resize(pixels, size[::-1], interpolation=smooth if pixels.ndim == 3 else cv2.INTER_NEAREST_EXACT)


def line_width(height: int, width: int) -> int:
    """The width of a contour in pixels, which grows with the picture: 2 at 480p.

    >>> line_width(480, 854), line_width(96, 128), line_width(1080, 1920)
    (2, 1, 4)
    """
    return max(1, round(min(height, width) / 240))


def errors(labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where a mask is wrong beyond its edges, bool [H,W]: it differs from the truth, which is not void there, in a
    region that is wider than the tolerance of F (`metrics.boundary`). Both are label maps, uint8 [H,W].
    """
    wrong = (labels != truth) & (truth != VOID) & (labels != VOID)
    disk = _disk(2 * (math.ceil(tolerance(*labels.shape)) // 2) + 3)
    return cv2.morphologyEx(wrong.view(np.uint8), cv2.MORPH_OPEN, disk) > 0


def outline(rgb: np.ndarray, region: np.ndarray, width: int | None = None) -> None:
    """Outline a region, bool [H,W], in a picture, uint8 [H,W,3]: white between black lines, `width` pixels each."""
    width = width or line_width(*region.shape)
    grown = [region]
    for _ in range(3):
        grown.append(cv2.dilate(grown[-1].view(np.uint8), _disk(2 * width + 1)) > 0)
    rgb[grown[3] & ~grown[0]] = CASING
    rgb[grown[2] & ~grown[1]] = ERROR


def _rim(labels: np.ndarray, width: int) -> np.ndarray:
    """The pixels that have another label within `width` pixels, bool [H,W]; the edge of the picture is none."""
    disk = _disk(2 * width + 1)
    return cv2.dilate(labels, disk) != cv2.erode(labels, disk)


def _disk(diameter: int) -> np.ndarray:
    """Of an odd diameter in pixels; the smallest is a cross."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
