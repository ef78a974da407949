"""Augmentation: image and labels stay together, what is shared is shared, and colours change as they are said to."""

import colorsys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from vosbench.training.augment import (
    MEAN_COLOUR,
    Augmentation,
    Colour,
    StaticAugmentation,
    augment_clip,
    warp_image,
    warp_labels,
)

STILL = Augmentation(
    area=(1, 1),
    aspect=(1, 1),
    flip=0,
    brightness=0,
    contrast=0,
    saturation=0,
    grey=0,
    frame_rotation=0,
    frame_shear=0,
    frame_brightness=0,
    frame_contrast=0,
    frame_saturation=0,
)


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A green disc, label 3, on red: RGB uint8 [80,100,3], labels uint8 [80,100]."""
    y, x = np.mgrid[:80, :100]
    labels = (3 * ((y - 40) ** 2 + (x - 45) ** 2 < 24**2)).astype(np.uint8)
    return np.where(labels[..., None] == 3, (0, 220, 0), (220, 0, 0)).astype(np.uint8), labels


def run(scene, how, seed=0, size=64):
    return augment_clip([scene[0]] * 3, [scene[1]] * 3, how, size, np.random.default_rng(seed))


def test_without_changes_a_square_is_only_resized():
    rng = np.random.default_rng(0)
    image, labels = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8), rng.integers(0, 4, (32, 32)).astype(np.uint8)
    for how in (STILL, replace(STILL, crop="shorter-side")):
        rgb, warped = augment_clip([image] * 3, [labels] * 3, how, 32, rng)
        assert (rgb == image).all()
        assert (warped == labels).all()
    doubled = augment_clip([image], [labels], STILL, 64, rng)[1][0]
    assert np.array_equal(doubled, labels.repeat(2, 0).repeat(2, 1))
    halved = augment_clip([image], [labels], STILL, 16, rng)[0][0]  # averaged, not picked
    assert np.abs(halved - image.reshape(16, 2, 16, 2, 3).mean((1, 3))).max() <= 1


def test_flip(scene):
    rgb, labels = augment_clip(
        [scene[0][:, :80]], [scene[1][:, :80]], replace(STILL, flip=1), 80, np.random.default_rng()
    )
    assert np.array_equal(labels[0], scene[1][:, 79::-1])
    assert np.array_equal(rgb[0], scene[0][:, 79::-1])


@pytest.mark.parametrize("how", [Augmentation(hue=0, grey=0), StaticAugmentation(hue=0, grey=0)])
def test_image_and_labels_stay_together(scene, how):
    for seed in range(12):
        rgb, labels = run(scene, how, seed)
        assert (rgb.shape, rgb.dtype, labels.shape, labels.dtype) == ((3, 64, 64, 3), np.uint8, (3, 64, 64), np.uint8)
        assert set(np.unique(labels)) <= {0, 3}
        green = rgb[..., 1].astype(int) - rgb[..., 0] > 60
        assert (green == (labels == 3)).mean() > 0.985  # but along the edge


def test_frames_share_what_is_shared(scene):
    shared = Augmentation(frame_rotation=0, frame_shear=0, frame_brightness=0, frame_contrast=0, frame_saturation=0)
    rgb, labels = run(scene, shared, 3)
    assert all(np.array_equal(rgb[0], frame) for frame in rgb)
    assert all(np.array_equal(labels[0], frame) for frame in labels)
    assert not np.array_equal(run(scene, shared, 4)[0], rgb)
    _, labels = run(scene, Augmentation(), 3)
    assert not np.array_equal(labels[0], labels[1])
    rgb, _ = run(scene, replace(shared, frame_brightness=0.2), 3)
    assert len({frame.tobytes() for frame in rgb}) == 3


def test_the_same_random_numbers_make_the_same_clip(scene):
    for a, b in zip(run(scene, StaticAugmentation(), 5), run(scene, StaticAugmentation(), 5), strict=True):
        assert np.array_equal(a, b)


def test_the_part_has_the_area_that_is_asked_for():
    labels = np.ones((100, 150), np.uint8)
    stripes = np.zeros((100, 150, 3), np.uint8)
    stripes[:, ::10] = 255
    how = replace(STILL, area=(0.25, 0.25))
    rgb, warped = augment_clip([stripes], [labels], how, 200, np.random.default_rng(1))
    assert warped.all()
    side = np.sqrt(0.25 * 100 * 150)
    columns = np.flatnonzero(np.diff((rgb[0, 100, :, 0] > 127).astype(int)) == 1)
    assert np.diff(columns).mean() == pytest.approx(10 * 200 / side, rel=0.02)


def test_beyond_the_image_is_the_mean_colour_and_background():
    image, labels = np.zeros((10, 10, 3), np.uint8), np.ones((10, 10), np.uint8)
    half = np.array([[1.0, 0, 5], [0, 1, 0], [0, 0, 1]])  # five pixels to the right
    rgb, warped = warp_image(image, half, 10), warp_labels(labels, half, 10)
    assert (rgb[:, :4] == MEAN_COLOUR).all()
    assert (warped[:, :5] == 0).all()
    assert (warped[:, 5:] == 1).all()


def test_colour_equals_loops():
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    change = Colour(1.2, 0.7, 1.4, 0.1, False)

    def grey(r: float, g: float, b: float) -> float:
        return 0.299 * r + 0.587 * g + 0.114 * b

    pixels = [[min(1.2 * float(v), 255) for v in pixel] for row in image for pixel in row]
    mean = sum(grey(*pixel) for pixel in pixels) / len(pixels)
    expected = []
    for pixel in pixels:
        p = [min(max(mean + 0.7 * (v - mean), 0), 255) for v in pixel]
        p = [min(max(grey(*p) + 1.4 * (v - grey(*p)), 0), 255) for v in p]
        h, s, v = colorsys.rgb_to_hsv(*(v / 255 for v in p))
        expected.append([255 * v for v in colorsys.hsv_to_rgb((h + 0.1) % 1, s, v)])
    assert np.abs(change.apply(image).reshape(-1, 3) - np.array(expected)).max() <= 1


def test_grey():
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    found = Colour(1, 1, 1, 0.3, True).apply(image).astype(int)
    assert np.abs(found - cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None].astype(int)).max() <= 1
    assert np.array_equal(Colour(1, 1, 1, 0, False).apply(image), image)
