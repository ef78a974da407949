import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from vosbench.datasets.label_pngs import check_labels
from vosbench.errors import VosbenchError
from vosbench.images import PALETTE, present_labels, read_labels, read_size, write_labels
from vosbench.video import ObjectMasks

PATH = Path("mask.png")


def disc(value: int, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    return cv2.circle(np.zeros(size, np.uint8), (40, 30), 20, value, -1)


def test_object_ids_leave_out_background_and_void() -> None:
    masks = ObjectMasks(np.array([[0, 7, 3], [255, 3, 254]], np.uint8))
    assert (masks.object_ids(), masks.present()) == ((3, 7, 254), (3, 7, 254, 255))


def test_labels_that_are_present() -> None:
    rng = np.random.default_rng(3)
    for number in (1, 2, 3, 4, 5, 6, 40, 255):
        for height, width in ((1, 1), (1, 9), (17, 1), (40, 33)):
            labels = rng.choice(rng.integers(0, 256, number), (height, width)).astype(np.uint8)
            low = (labels % 6).astype(np.uint8)
            for part in (labels, low, labels[:, ::2], low.T, low[:1], np.repeat(labels, 7, axis=1)):
                found = present_labels(part)
                assert found.tolist() == np.setdiff1d(part, [0]).tolist()
                assert found.dtype == np.int64
    assert present_labels(np.zeros((0, 4), np.uint8)).tolist() == []


@pytest.mark.parametrize(
    "labels", [disc(0), disc(1), disc(1) + np.roll(disc(3), 9, 0), np.where(disc(1), 2, 255).astype(np.uint8)]
)
def test_sound_labels_pass(labels: np.ndarray) -> None:
    check_labels(labels, PATH, size=(60, 80))


@pytest.mark.parametrize("side", range(1, 8))
@pytest.mark.parametrize("apart", [0, 1, 4])
def test_many_real_objects_pass(side: int, apart: int) -> None:
    """Sixty objects of few pixels each, in ascending order beside each other or apart."""
    labels = np.zeros((6 * (side + apart) + 40, 10 * (side + apart) + 40), np.uint8)
    for number in range(60):
        y, x = (10 + place * (side + apart) for place in divmod(number, 10))
        labels[y : y + side, x : x + side] = number + 1
    check_labels(labels, PATH)
    check_labels(np.where(labels, 4 * labels, 0).astype(np.uint8), PATH)


def test_a_grey_picture_is_no_mask() -> None:
    for picture in (np.arange(960).reshape(24, 40) // 5, np.random.default_rng(0).integers(0, 99, (24, 40))):
        with pytest.raises(VosbenchError, match="is anti-aliased"):
            check_labels(picture.astype(np.uint8), PATH)


def test_slivers_of_small_ids_pass() -> None:
    labels = np.zeros((60, 80), np.uint8)
    labels[10, 1:8] = np.arange(1, 8)
    check_labels(labels, PATH)


def test_a_thin_object_around_others_passes() -> None:
    """An object of two pixels' width lies between the background and one of a higher id, but not everywhere."""
    labels = disc(3)
    labels[(disc(1) > 0) & (cv2.erode(disc(1), np.ones((5, 5))) == 0) & (np.arange(80) < 30)] = 1
    check_labels(labels, PATH)


def test_white_masks_are_for_davis_2016_only() -> None:
    check_labels(disc(255), PATH, binary=True)
    with pytest.raises(VosbenchError, match="0/255 mask") as caught:
        check_labels(disc(255), PATH)
    assert "write the object's id, such as 1, instead of 255" in caught.value.hint


def test_size_of_the_frame_is_asked_for() -> None:
    with pytest.raises(VosbenchError, match="is 80x60 pixels, its frame 160x60"):
        check_labels(disc(1), PATH, size=(60, 160))


def test_size_comes_from_the_header(tmp_path: Path) -> None:
    path = tmp_path / "frame.jpg"
    assert cv2.imwrite(str(path), np.zeros((48, 64, 3), np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 40])
    assert read_size(path) == (48, 64)
    path.write_bytes(whole[:10])
    with pytest.raises(VosbenchError, match="not a readable image"):
        read_size(path)
    with pytest.raises(VosbenchError, match=re.escape(f"{tmp_path / 'none.png'} does not exist")):
        read_size(tmp_path / "none.png")


def test_written_labels_come_back(tmp_path: Path) -> None:
    labels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    write_labels(tmp_path / "all.png", labels)
    np.testing.assert_array_equal(read_labels(tmp_path / "all.png"), labels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (480, 854), (3, 5000)])
@pytest.mark.parametrize("mode", ["P", "L"])
def test_labels_are_what_pillow_reads(tmp_path, shape, mode):
    labels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    path = tmp_path / "00000.png"
    if mode == "P":
        write_labels(path, labels)
    else:
        Image.fromarray(labels).save(path)
    read = read_labels(path)
    assert read.dtype == np.uint8
    assert read.flags.writeable
    np.testing.assert_array_equal(read, labels)
    np.testing.assert_array_equal(read, np.array(Image.open(path)))


def test_one_bit_masks_are_zero_and_one(tmp_path):
    mask = np.eye(9, dtype=bool)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "mask.png"), mask.astype(np.uint8))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_palettes_of_few_colours_keep_their_indices(tmp_path, bits):
    labels = np.random.default_rng(bits).integers(0, 2**bits, (7, 13)).astype(np.uint8)
    picture = Image.fromarray(labels)
    picture.putpalette(PALETTE[: 3 * 2**bits])
    picture.save(tmp_path / "mask.png", bits=bits)
    np.testing.assert_array_equal(read_labels(tmp_path / "mask.png"), labels)


@pytest.mark.parametrize("mode", ["P", "L"])
def test_labels_are_right_if_pillow_takes_memory_of_its_own(tmp_path, monkeypatch, mode):
    """That a picture is decoded into memory it was given is what Pillow does, not what it promises."""
    labels = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.uint8)
    picture = Image.fromarray(labels)
    if mode == "P":
        picture.putpalette(PALETTE)
    picture.save(tmp_path / "mask.png")
    prepare = PngImageFile.load_prepare

    def on_its_own(self):
        self.im = Image.core.new(self.mode, self.size)
        prepare(self)

    monkeypatch.setattr(PngImageFile, "load_prepare", on_its_own)
    np.testing.assert_array_equal(read_labels(tmp_path / "mask.png"), labels)
