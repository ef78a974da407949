"""Surfaces and outlines of generated video: photographs that scikit-image ships, fractal noise, smooth blobs.

The photographs of the splits are disjoint: what a model learnt by heart in training does not help it in `val`.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import skimage
from PIL import Image

# All of these are inside the wheel of scikit-image; nothing is downloaded.
PHOTOS = {
    "train": (
        "astronaut.png",
        "brick.png",
        "cell.png",
        "chelsea.png",
        "clock_motion.png",
        "coins.png",
        "color.png",
        "grass.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "microaneurysms.png",
        "moon.png",
        "page.png",
        "retina.jpg",
        "text.png",
    ),
    "val": ("camera.png", "coffee.png", "gravel.png", "motorcycle_left.png", "rocket.jpg"),
}

# The light and the earth: warm, cool, brown, sand, olive, slate, rust, moss. Gains of red, green and blue.
HUES = np.array(
    [
        (1.08, 1, 0.9),
        (0.92, 1, 1.08),
        (1.15, 0.97, 0.78),
        (1.1, 1.02, 0.85),
        (1, 1.04, 0.8),
        (0.85, 0.97, 1.1),
        (1.12, 0.96, 0.85),
        (0.9, 1.08, 0.85),
    ]
)


@cache
def photographs(split: str) -> tuple[np.ndarray, ...]:
    """The photographs of a split, RGB uint8 [H,W,3], the shorter side at most 320."""
    folder = Path(skimage.__file__).parent / "data"
    photos = []
    for name in PHOTOS[split]:
        with Image.open(folder / name) as picture:
            photos.append(shrink(np.asarray(picture.convert("RGB")), 320))
    return tuple(photos)


def shrink(image: np.ndarray, shorter: int) -> np.ndarray:
    """The image with its shorter side reduced to at most `shorter` pixels, by area averaging."""
    factor = shorter / min(image.shape[:2])
    return image if factor >= 1 else cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def crop(image: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random square part of a photograph (at least a third of its shorter side), scaled to [size,size,C]."""
    side = int(min(image.shape[:2]) * rng.uniform(0.35, 1))
    y, x = rng.integers(image.shape[0] - side + 1), rng.integers(image.shape[1] - side + 1)
    kind = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(image[y : y + side, x : x + side], (size, size), interpolation=kind)


def repaint(image: np.ndarray, rng: np.random.Generator, flip: bool = True) -> np.ndarray:
    """The image, uint8 [H,W,3], flipped (if `flip`), its channels mixed, its contrast and gamma changed."""
    if flip and rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.3:
        image = image[..., rng.permutation(3)]
    levels = np.linspace(0, 1, 256)
    tables = []
    for _ in range(3):
        table = levels ** rng.uniform(0.6, 1.6) * rng.uniform(0.7, 1.2) + rng.uniform(-0.15, 0.15)
        tables.append(1 - table if rng.random() < 0.05 else table)
    table = np.clip(np.stack(tables, 1) * 255, 0, 255).astype(np.uint8)
    return cv2.LUT(np.ascontiguousarray(image), table[None])


def fractal(size: int, rng: np.random.Generator) -> np.ndarray:
    """Coloured noise of several octaves, uint8 [size,size,3]."""
    total = np.zeros((size, size, 3), np.float32)
    roughness = rng.uniform(0.4, 0.9)
    cells, weight = int(rng.integers(2, 5)), 1.0
    while cells < size:
        grid = rng.standard_normal((cells, cells, 3)).astype(np.float32)
        total += weight * cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        cells, weight = cells * 2, weight * roughness
    mixed = total @ rng.uniform(-1, 1, (3, 3)).astype(np.float32)
    colour = rng.uniform(40, 215, 3) + mixed * rng.uniform(15, 50)
    return np.clip(colour, 0, 255).astype(np.uint8)


def texture(photos: tuple[np.ndarray, ...], size: int, rng: np.random.Generator) -> np.ndarray:
    """A surface, uint8 [size,size,3]: mostly a part of a photograph, sometimes noise."""
    if rng.random() < 0.2:
        return fractal(size, rng)
    return repaint(crop(photos[rng.integers(len(photos))], size, rng), rng)


def blob(size: int, rng: np.random.Generator) -> np.ndarray:
    """A smooth outline as coverage, uint8 [size,size] (0 outside, 255 inside): one body, at times with limbs."""
    centre = size / 2
    canvas = np.zeros((size, size), np.uint8)
    angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    orders = np.arange(1, 7)
    amplitude = rng.uniform(0, 0.5, 6) / orders
    phase = rng.uniform(0, 2 * np.pi, 6)
    radius = 1 + (amplitude * np.cos(np.outer(angles, orders) + phase)).sum(1)
    outline = np.stack([radius * np.cos(angles), radius * np.sin(angles) * rng.uniform(0.4, 1)], 1)
    reach = 0.46 * size * (rng.uniform(0.5, 0.75) if (limbed := rng.random() < 0.4) else 1.0)
    outline *= reach / np.abs(outline).max()
    cv2.fillPoly(canvas, [np.round((outline + centre) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    for _ in range(int(rng.integers(1, 5)) if limbed else 0):
        angle, width = rng.uniform(0, 2 * np.pi), rng.uniform(0.04, 0.1) * size
        along = np.array([np.cos(angle), np.sin(angle)])
        bend = np.array([-along[1], along[0]]) * rng.uniform(-0.2, 0.2) * size
        points = np.stack(
            [centre + along * reach * 0.3, centre + along * 0.3 * size + bend, centre + along * 0.44 * size]
        )
        cv2.polylines(canvas, [np.round(points * 16).astype(np.int32)], False, 255, int(width), cv2.LINE_AA, 4)
    return canvas


def surface(photo: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A part of a photograph in colours that a camera might have given it, uint8 [size,size,3]; grey ones get a hue."""
    image = crop(photo, size, rng)
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
    grey = np.ptp(photo.reshape(-1, 3)[::97].astype(int), axis=1).mean() < 4
    gains = rng.uniform(0.8, 1.1) * HUES[rng.integers(len(HUES))] ** (1.0 if grey else 0.35)
    levels = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.75, 1.3)
    table = np.clip(levels * gains * 255, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table[None])


def shaded(rgb: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """A surface, uint8 [S,S,3], in an outline, uint8 [S,S], lit from above on the left like a body; RGBA."""
    size = len(outline)
    height = cv2.GaussianBlur(outline, (0, 0), size * 0.07).astype(np.float32) / 255
    slope = (height - np.roll(height, (size // 24, size // 24), (0, 1))) * 0.9
    light = 0.72 + 0.3 * height + np.clip(slope, -0.3, 0.3)
    return np.dstack([np.clip(rgb * light[..., None], 0, 255).astype(np.uint8), outline])
