"""J and F on masks whose scores can be told by hand."""

import numpy as np
import pytest
from arrays import boundary_points, pair_score

from vosbench.metrics.frame import frame_scores
from vosbench.metrics.measure import JF
from vosbench.video import ObjectMasks

EMPTY, FULL = np.zeros((8, 8), bool), np.ones((8, 8), bool)
DOT = EMPTY.copy()
DOT[4, 4] = True


@pytest.mark.parametrize(
    ("prediction", "truth", "j", "f"),
    [
        (EMPTY, EMPTY, 1, 1),
        (DOT, DOT, 1, 1),
        (FULL, FULL, 1, 1),
        (EMPTY, DOT, 0, 0),
        (DOT, EMPTY, 0, 0),
        (FULL, EMPTY, 0, 1),  # neither has a boundary
        (DOT, FULL, 1 / 64, 0),
    ],
)
def test_empty_and_full_masks(prediction, truth, j, f):
    assert pair_score(prediction, truth) == (j, f)
    scores = frame_scores(*(ObjectMasks(mask.view(np.uint8)) for mask in (prediction, truth)), [(1, 1)], 1, JF)
    pixels = (prediction.sum(), truth.sum(), (prediction & truth).sum())
    assert scores == ({(1, 1): (j, f, *pixels, ())} if prediction.any() or truth.any() else {})


def test_boundary_lies_half_a_pixel_up_and_left():
    assert boundary_points(DOT) == {(3, 3), (3, 4), (4, 3), (4, 4)}


def test_boundary_in_the_last_row_and_column():
    corner = np.zeros((3, 3), bool)
    corner[2, 2] = True
    assert boundary_points(corner) == {(1, 1), (1, 2), (2, 1)}


def test_match_ends_at_the_radius():
    far = np.roll(DOT, 3, axis=1)
    assert pair_score(far, DOT, radius=3)[1] == 1
    assert pair_score(far, DOT, radius=1)[1] == 0
    assert pair_score(far, DOT, radius=2)[1] == 0.5  # columns 3, 4 against 6, 7: half of each is within two


def test_pairs_of_different_ids():
    prediction, truth = np.zeros((5, 9), np.uint8), np.zeros((5, 9), np.uint8)
    prediction[1:3, 1:3], truth[1:3, 1:3], truth[3:, 7:] = 7, 2, 200
    scores = frame_scores(ObjectMasks(prediction), ObjectMasks(truth), [(7, 2), (7, 200), (1, 200), (1, 3)], 1, JF)
    assert {pair: score[:5] for pair, score in scores.items()} == {
        (7, 2): (1, 1, 4, 4, 4),
        (7, 200): (0, 0, 4, 4, 0),
        (1, 200): (0, 0, 0, 4, 0),
    }
