"""Label PNGs keep their ids, whatever the mode, the size and the way Pillow hands the pixels over."""

import numpy as np
import pytest
from PIL import Image

from vosbench.images import read_labels, write_labels


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
