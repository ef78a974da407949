"""Random changes of a clip: some the same for its three frames, some of each frame by itself.

All geometry of a frame is composed into one matrix and resampled once, bicubic for the image (after averaging where
it shrinks) and nearest for the labels. What comes into view from beyond the image is the mean colour of ImageNet,
and background.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from vosbench.datasets.generated.motion import similarity, translation

MEAN_COLOUR = (124, 116, 104)


@dataclass(frozen=True)
class Augmentation:
    """How much is changed. The defaults are those of the main training, with the constants of the published STCN.

    crop: "resized" takes a part of the frames, the same in all three, of a random `area` (share of the frame) and
    `aspect` (width / height); "shorter-side" resizes the shorter side to the training size and takes a random
    square of each frame by itself. `scale` is a factor, `flip` and `grey` are chances. Brightness, contrast and
    saturation are the most by which a factor differs from 1, `hue` the most by which the hue turns (1 is the whole
    circle). The fields `frame_…` are drawn anew for each frame; rotation and shear are degrees either way.
    """

    crop: Literal["resized", "shorter-side"] = "resized"
    area: tuple[float, float] = (0.36, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    scale: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.5
    brightness: float = 0.1
    contrast: float = 0.03
    saturation: float = 0.03
    hue: float = 0.0
    grey: float = 0.05
    frame_rotation: float = 15.0
    frame_scale: tuple[float, float] = (1.0, 1.0)
    frame_shear: float = 10.0
    frame_brightness: float = 0.01
    frame_contrast: float = 0.01
    frame_saturation: float = 0.01


@dataclass(frozen=True)
class StaticAugmentation(Augmentation):
    """The same with the defaults of the training on static images."""

    crop: Literal["resized", "shorter-side"] = "shorter-side"
    scale: tuple[float, float] = (0.8, 1.5)
    contrast: float = 0.05
    saturation: float = 0.05
    hue: float = 0.05
    frame_rotation: float = 20.0
    frame_scale: tuple[float, float] = (0.9, 1.1)
    frame_brightness: float = 0.1
    frame_contrast: float = 0.05
    frame_saturation: float = 0.05


def augment_clip(
    images: Sequence[np.ndarray], labels: Sequence[np.ndarray], how: Augmentation, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """RGB uint8 [H,W,3] and labels uint8 [H,W] of T frames of one size -> uint8 [T,S,S,3] and [T,S,S]."""
    height, width = labels[0].shape
    shared = _shared_geometry(how, height, width, size, rng)
    colour = Colour.draw(rng, (how.brightness, how.contrast, how.saturation), how.hue, how.grey)
    frames = []
    for image, label in zip(images, labels, strict=True):
        matrix = _frame_geometry(how, shared, height, width, size, rng)
        own = Colour.draw(rng, (how.frame_brightness, how.frame_contrast, how.frame_saturation))
        frames.append((own.apply(colour.apply(warp_image(image, matrix, size))), warp_labels(label, matrix, size)))
    rgb, warped = zip(*frames, strict=True)
    return np.stack(rgb), np.stack(warped)


def _shared_geometry(
    how: Augmentation, height: int, width: int, size: int, rng: np.random.Generator
) -> np.ndarray:  # [3,3]
    centre = translation(width / 2, height / 2)
    flip = np.diag([-1.0 if rng.random() < how.flip else 1.0, 1, 1])
    factor = rng.uniform(*how.scale)
    matrix = centre @ flip @ np.diag([factor, factor, 1]) @ np.linalg.inv(centre)
    if how.crop == "resized":
        left, top, w, h = _part(how, height, width, rng)
        matrix = np.diag([size / w, size / h, 1]) @ translation(-left, -top) @ matrix
    return matrix


def _part(how: Augmentation, height: int, width: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Left, top, width and height of a random part of the frame; its largest square where ten draws do not fit."""
    for _ in range(10):
        area = rng.uniform(*how.area) * height * width
        aspect = np.exp(rng.uniform(*np.log(how.aspect)))
        w, h = np.sqrt(area * aspect), np.sqrt(area / aspect)
        if w <= width and h <= height:
            return rng.uniform(0, width - w), rng.uniform(0, height - h), w, h
    side = min(height, width)
    return (width - side) / 2, (height - side) / 2, side, side


def _frame_geometry(
    how: Augmentation, shared: np.ndarray, height: int, width: int, size: int, rng: np.random.Generator
) -> np.ndarray:  # [3,3]
    angle = np.radians(rng.uniform(-how.frame_rotation, how.frame_rotation))
    shear = np.tan(np.radians(rng.uniform(-how.frame_shear, how.frame_shear)))
    factor = rng.uniform(*how.frame_scale)
    own = similarity(0, 0, angle, factor) @ np.array([[1, shear, 0], [0, 1, 0], [0, 0, 1]])
    if how.crop == "resized":
        middle = translation(size / 2, size / 2)
        return middle @ own @ np.linalg.inv(middle) @ shared
    middle = translation(width / 2, height / 2)
    zoom = size / min(height, width)
    left, top = (rng.uniform(0, max(0.0, side * zoom - size)) for side in (width, height))
    return translation(-left, -top) @ np.diag([zoom, zoom, 1]) @ middle @ own @ np.linalg.inv(middle) @ shared


def _between_pixels(matrix: np.ndarray) -> np.ndarray:
    """For OpenCV, which counts from the centre of the first pixel; here coordinates begin at its corner."""
    return (translation(-0.5, -0.5) @ matrix @ translation(0.5, 0.5))[:2]


def warp_image(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """RGB uint8 [H,W,3] under `matrix` [3,3], from coordinates in the image to those in the result [S,S,3]."""
    height, width = image.shape[:2]
    factor = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if factor < 1:  # a bicubic kernel does not average: shrink by area first
        w, h = max(1, round(width * factor)), max(1, round(height * factor))
        image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([width / w, height / h, 1])
    inner = _between_pixels(matrix)
    return cv2.warpAffine(image, inner, (size, size), flags=cv2.INTER_CUBIC, borderValue=MEAN_COLOUR)


def warp_labels(labels: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Labels uint8 [H,W] under `matrix`, as `warp_image`, nearest; [S,S]."""
    return cv2.warpAffine(labels, _between_pixels(matrix), (size, size), flags=cv2.INTER_NEAREST)


@dataclass(frozen=True)
class Colour:
    """One change of colour: factors of brightness, contrast and saturation, a turn of the hue, or grey."""

    brightness: float
    contrast: float
    saturation: float
    hue: float
    grey: bool

    @classmethod
    def draw(cls, rng: np.random.Generator, most: Sequence[float], hue: float = 0, grey: float = 0) -> "Colour":
        """Brightness, contrast and saturation differ from 1 by their `most`, the hue by `hue`; `grey` is a chance."""
        brightness, contrast, saturation = (rng.uniform(1 - bound, 1 + bound) for bound in most)
        return cls(brightness, contrast, saturation, rng.uniform(-hue, hue), bool(rng.random() < grey))

    def apply(self, image: np.ndarray) -> np.ndarray:
        """RGB uint8 [H,W,3] -> the same, changed."""
        pixels = np.clip(image.astype(np.float32) * self.brightness, 0, 255)
        mean = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).mean()
        pixels = np.clip(mean + (pixels - mean) * self.contrast, 0, 255).astype(np.float32)
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
        pixels = np.clip(grey + (pixels - grey) * (0 if self.grey else self.saturation), 0, 255).astype(np.float32)
        if self.hue and not self.grey:
            hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
            hsv[..., 0] = (hsv[..., 0] + 360 * self.hue) % 360
            pixels = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        return np.rint(pixels).astype(np.uint8)
