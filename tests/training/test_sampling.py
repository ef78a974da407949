"""Which frames make a clip, and which objects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosbench.training.config import TrainConfig
from vosbench.training.sampling import longest_gap, ordered_frames, pick_objects


@pytest.mark.parametrize(
    ("done", "gap"),
    [
        (0, 5),
        (0.0999, 5),
        (0.1, 10),
        (0.1999, 10),
        (0.2, 15),
        (0.3, 20),
        (0.3999, 20),
        (0.4, 25),
        (0.8999, 25),
        (0.9, 5),
        (1, 5),
    ],
)
def test_the_papers_gaps_at_their_corners(done, gap):
    assert longest_gap(TrainConfig().gaps, done) == gap


@given(st.integers(3, 60), st.integers(1, 30), st.integers(0, 2**31))
def test_frames_are_ordered_and_no_farther_apart_than_allowed(count, longest, seed):
    first, second, third = ordered_frames(count, longest, np.random.default_rng(seed))
    assert 0 <= first < second < third < count
    assert max(second - first, third - second) <= longest


def test_every_clip_that_is_allowed_can_be_drawn():
    rng = np.random.default_rng(0)
    drawn = {tuple(ordered_frames(7, 2, rng)) for _ in range(600)}
    assert drawn == {(a, a + i, a + i + j) for i in (1, 2) for j in (1, 2) for a in range(7 - i - j)}


def test_at_most_so_many_objects_of_the_first_frame():
    labels = np.array([[[0, 3, 7, 9]], [[3, 7, 9, 4]], [[0, 0, 3, 4]]], np.uint8)
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        picked = pick_objects(labels, 2, rng)
        pairs = dict(zip(labels.flat, picked.flat, strict=True))
        assert all(picked[labels == i].tolist() == [pairs[i]] * (labels == i).sum() for i in pairs)
        assert sorted(pairs.values()) == [0, 0, 0, 1, 2]
        assert pairs[0] == pairs[4] == 0  # 4 is not in the first frame
        seen.add(tuple(sorted(i for i, new in pairs.items() if new)))
    assert seen == {(3, 7), (3, 9), (7, 9)}
    assert set(np.unique(pick_objects(labels, 5, rng))) == {0, 1, 2, 3}
    assert not pick_objects(np.zeros_like(labels), 2, rng).any()
