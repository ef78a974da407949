"""Image/mask pairs: clips of one object, and every kind of faulty folder."""

import shutil

import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.training.augment import StaticAugmentation
from vosbench.training.static import StaticClips, read_object


@pytest.fixture
def folder(pairs, tmp_path):
    return shutil.copytree(pairs, tmp_path / "pairs")


def open_folder(root):
    return StaticClips(root, 32, StaticAugmentation(hue=0, grey=0))


def test_clips(pairs):
    clips = open_folder(pairs)
    assert len(clips) == 3
    for item in range(3):
        rgb, labels = clips.draw(item, np.random.default_rng(item), 0.5)
        assert (rgb.shape, labels.shape) == ((3, 32, 32, 3), (3, 32, 32))
        assert set(np.unique(labels)) == {0, 1}
        assert labels[0].any()
        assert rgb[labels == 1][:, 1].mean() > 150 > rgb[labels == 0][:, 1].mean()
        assert not np.array_equal(labels[0], labels[1])


def test_masks_of_255_of_1_and_soft_ones(tmp_path, write_pair, square):
    soft = square()
    soft[9], soft[30] = 60, 200
    for name, mask in (("a", square()), ("b", square(1)), ("c", soft)):
        write_pair(tmp_path, name, mask)
    a, b, c = (read_object(tmp_path / "masks" / f"{name}.png") for name in "abc")
    assert np.array_equal(a, square(1))
    assert np.array_equal(b, square(1))
    assert c.sum() == square(1).sum() + 56


def test_empty_masks_are_left_out_with_one_warning(folder, write_pair, square):
    for name in ("d", "e"):
        write_pair(folder, name, square(0))
    with pytest.warns(UserWarning, match="2 empty masks are left out: d, e") as caught:
        clips = open_folder(folder)
    assert len(caught) == 1
    assert len(clips) == 3


def test_nothing_but_empty_masks(tmp_path, write_pair, square):
    write_pair(tmp_path, "a", square(0))
    with pytest.raises(VosbenchError, match=r"none of the 1 masks in .* holds an object") as caught:
        open_folder(tmp_path)
    assert caught.value.hint


def faults():
    def no_masks(root, write_pair):  # noqa: ARG001
        shutil.rmtree(root / "masks")

    def no_folder(root, write_pair):  # noqa: ARG001
        shutil.rmtree(root)

    def lone_image(root, write_pair):  # noqa: ARG001
        (root / "masks/bb.png").unlink()

    def lone_mask(root, write_pair):  # noqa: ARG001
        (root / "images/bb.png").unlink()

    def other_size(root, write_pair):
        write_pair(root, "d", np.full((20, 56), 255, np.uint8))

    def broken(root, write_pair):  # noqa: ARG001
        (root / "masks/a.png").write_bytes(b"no picture")

    def colour(root, write_pair):  # noqa: ARG001
        shutil.copy(root / "images/a.png", root / "masks/a.png")

    return {
        no_masks: "holds no image/mask pairs",
        no_folder: "holds no image/mask pairs",
        lone_image: "1 names have no mask: bb",
        lone_mask: "1 names have no image: bb",
        other_size: r"d\.png is 56x20 pixels, its image 56x40",
        broken: r"a\.png is not a readable PNG",
        colour: r"a\.png is a RGB image",
    }


@pytest.mark.parametrize(("spoil", "expected"), faults().items(), ids=lambda x: getattr(x, "__name__", ""))
def test_faulty_folders(folder, write_pair, spoil, expected):
    spoil(folder, write_pair)
    with pytest.raises(VosbenchError, match=expected) as caught:
        open_folder(folder)
    assert caught.value.hint
