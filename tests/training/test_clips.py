"""Generated clips: the same for the same random numbers, in range, and from the photographs they are given."""

import cv2
import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.training.clips import GeneratedClips


def draw(clips: GeneratedClips, number: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    return clips.draw(0, np.random.Generator(np.random.Philox(key=[seed, number])), number / 100)


@pytest.fixture(scope="module")
def clips() -> GeneratedClips:
    return GeneratedClips(size=64)


def test_a_clip_is_determined_by_its_random_numbers(clips):
    again = GeneratedClips(size=64)
    for number in (7, 0):  # in another order than the first time
        rgb, labels = draw(again, number)
        assert np.array_equal(rgb, draw(clips, number)[0])
        assert np.array_equal(labels, draw(clips, number)[1])
        assert not np.array_equal(rgb, draw(clips, number, seed=4)[0])
    assert not np.array_equal(draw(clips, 0)[0], draw(clips, 1)[0])


def test_shapes_and_ranges(clips):
    assert len(clips) == 1000
    seen = set()
    for number in range(12):
        rgb, labels = draw(clips, number)
        assert (rgb.shape, rgb.dtype) == ((3, 64, 64, 3), np.uint8)
        assert (labels.shape, labels.dtype) == ((3, 64, 64), np.uint8)
        assert labels[0].any(), "a clip without an object in its first frame"
        assert (np.bincount(labels[0].flatten())[1:] > 0.002 * 64 * 64).all(), "too small to be followed"
        assert rgb.std() > 5
        assert not np.array_equal(rgb[0], rgb[1])
        seen.update(np.unique(labels).tolist())
    assert seen == {0, 1, 2}


def test_one_object_where_one_is_asked_for():
    clips = GeneratedClips(size=64, objects=1)
    assert {int(draw(clips, number)[1].max()) for number in range(6)} == {1}


def test_gaps_grow_over_the_first_half(clips):
    assert [clips._reach(done) for done in (0, 0.25, 0.5, 0.999)] == [2, 7, 12, 12]


def test_a_folder_of_photographs_joins_in(tmp_path, clips):
    with pytest.raises(VosbenchError, match=r"no \.jpg in") as caught:
        draw(GeneratedClips(64, photos=tmp_path), 0)
    assert caught.value.hint
    photo = np.zeros((300, 400, 3), np.uint8)
    photo[..., 1] = 255
    assert cv2.imwrite(str(tmp_path / "green.jpg"), photo)
    with_it = GeneratedClips(64, photos=tmp_path)
    assert any(not np.array_equal(draw(with_it, i)[0], draw(clips, i)[0]) for i in range(12))
