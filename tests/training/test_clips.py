"""The stream of training clips: the same for the same number, in range, and from the photographs it is given."""

import cv2
import numpy as np
import pytest
import torch

from vosbench.errors import VosbenchError
from vosbench.training.clips import ClipStream


@pytest.fixture(scope="module")
def stream() -> ClipStream:
    return ClipStream(size=64, clips=100, seed=3)


def test_a_clip_is_determined_by_seed_and_number(stream):
    again, other = ClipStream(size=64, clips=100, seed=3), ClipStream(size=64, clips=100, seed=4)
    for index in (7, 0):  # in another order than the first time
        rgb, labels = again[index]
        assert torch.equal(rgb, stream[index][0])
        assert torch.equal(labels, stream[index][1])
        assert not torch.equal(rgb, other[index][0])
    assert not torch.equal(stream[0][0], stream[1][0])


def test_shapes_and_ranges(stream):
    assert len(stream) == 100
    seen = set()
    for index in range(12):
        rgb, labels = stream[index]
        assert (rgb.shape, rgb.dtype) == ((3, 3, 64, 64), torch.uint8)
        assert (labels.shape, labels.dtype) == ((3, 64, 64), torch.uint8)
        assert labels.max() <= 2
        assert labels[0].any(), "a clip without an object in its first frame"
        assert rgb.float().std() > 5
        assert not torch.equal(rgb[0], rgb[1])
        seen.update(labels.unique().tolist())
    assert seen == {0, 1, 2}


def test_an_object_is_large_enough_to_be_followed(stream):
    for index in range(12):
        counts = np.bincount(stream[index][1][0].flatten())
        assert (counts[1:] > 0.002 * 64 * 64).all()


def test_gaps_grow_over_the_first_half():
    stream = ClipStream(size=64, clips=1000, seed=0, max_gap=12)
    assert [stream._reach(i) for i in (0, 250, 500, 999)] == [2, 7, 12, 12]


def test_a_folder_of_photographs_joins_in(tmp_path, stream):
    with pytest.raises(VosbenchError, match=r"no \.jpg in") as caught:
        ClipStream(64, 10, 0, photos=tmp_path)[0]
    assert caught.value.hint
    photo = np.zeros((300, 400, 3), np.uint8)
    photo[..., 1] = 255
    assert cv2.imwrite(str(tmp_path / "green.jpg"), photo)
    with_it = ClipStream(64, 100, 3, photos=tmp_path)
    assert any(not torch.equal(with_it[i][0], stream[i][0]) for i in range(12))
