"""What generated video is made of: photographs that are there without a download, noise, and outlines."""

from pathlib import Path

import numpy as np
import pytest
import skimage

from vosbench.datasets.generated.textures import (
    PHOTOS,
    blob,
    fractal,
    photographs,
    repaint,
    shaded,
    shrink,
    surface,
    texture,
)


def test_splits_share_no_photograph_and_all_are_installed() -> None:
    names = [name for split in PHOTOS.values() for name in split]
    assert len(set(names)) == len(names)
    assert all((Path(skimage.__file__).parent / "data" / name).is_file() for name in names)
    for photo in photographs("val"):
        assert photo.dtype == np.uint8
        assert photo.ndim == photo.shape[2] == 3
        assert min(photo.shape[:2]) <= 320


@pytest.mark.parametrize("seed", range(8))
def test_surfaces_and_outlines(seed: int) -> None:
    photos = photographs("val")

    def draw() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        return texture(photos, 50, rng), fractal(50, rng), blob(50, rng)

    surface, noise, outline = draw()
    assert surface.shape == noise.shape == (50, 50, 3)
    assert surface.dtype == noise.dtype == outline.dtype == np.uint8
    assert noise.std() > 3
    assert outline.shape == (50, 50)
    assert (outline == 255).mean() > 0.05
    assert (outline == 0).mean() > 0.1
    assert not outline[[0, -1]].any() or not outline[:, [0, -1]].any()  # a layer's square cuts nothing off
    assert all(np.array_equal(one, two) for one, two in zip((surface, noise, outline), draw(), strict=True))


def test_repainting_keeps_what_is_where() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 10:] = 255
    for seed in range(10):
        painted = repaint(image, np.random.default_rng(seed), flip=False).astype(int)
        assert painted[:, :10].std((0, 1)).max() == painted[:, 10:].std((0, 1)).max() == 0
        assert np.abs(painted[0, 0] - painted[0, -1]).max() > 50


def test_shrinking_keeps_proportions_and_never_enlarges() -> None:
    image = np.full((40, 80, 3), 7, np.uint8)
    assert shrink(image, 20).shape == (20, 40, 3)
    assert shrink(image, 20).max() == shrink(image, 20).min() == 7
    assert shrink(image, 40) is image
    assert shrink(image, 50) is image


def test_surfaces_keep_a_photograph_s_colours_and_grey_ones_get_a_hue() -> None:
    for photo in photographs("val"):
        for seed in range(4):
            painted = surface(photo, 40, np.random.default_rng(seed))
            assert painted.shape == (40, 40, 3)
            assert np.array_equal(painted, surface(photo, 40, np.random.default_rng(seed)))
            assert np.abs(painted.mean((0, 1)) - painted.mean()).max() < 100
            assert painted.std() > 3
    grey = np.repeat(np.random.default_rng(0).integers(60, 200, (50, 50, 1), np.uint8), 3, axis=2)
    assert np.ptp(surface(grey, 20, np.random.default_rng(1)).mean((0, 1))) > 5


def test_a_body_is_lit_from_above_on_the_left() -> None:
    outline = np.zeros((96, 96), np.uint8)
    outline[20:76, 20:76] = 255
    body = shaded(np.full((96, 96, 3), 120, np.uint8), outline)
    assert body.shape == (96, 96, 4)
    assert np.array_equal(body[..., 3], outline)
    assert body[28, 28, 0] > body[67, 67, 0] + 15
