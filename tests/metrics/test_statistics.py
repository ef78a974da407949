from fractions import Fraction

import numpy as np
import pytest

from vosbench.metrics.figures import MEANS
from vosbench.metrics.statistics import (
    ObjectScore,
    ObjectTrace,
    Statistics,
    decay,
    decay_official,
    mean,
    object_score,
    recall,
)


def published_decay(values):
    """As printed in the evaluator's source, with an 8-bit cast that wraps."""
    ids = (np.round(np.linspace(1, len(values), 5) + 1e-10) - 1).astype(np.int64).astype(np.uint8).astype(int)
    quarters = [values[ids[i] : ids[i + 1] + 1] for i in range(4)]
    return np.mean(quarters[0]) - np.mean(quarters[3]) if len(quarters[0]) and len(quarters[3]) else np.nan


def test_recall_is_strict():
    assert recall(np.array([0.5, 0.5, 0.500001, 1.0])) == 0.5


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 7, 48, 101, 256])
def test_the_two_decays_agree_up_to_256_frames(frames):
    values = np.random.default_rng(frames).random(frames)
    assert decay(values) == decay_official(values) == published_decay(values)


@pytest.mark.parametrize("frames", [257, 300, 400, 512, 700, 1500])
def test_the_published_decay_is_wrong_beyond(frames):
    values = np.linspace(1, 0, frames)
    assert decay(values) == pytest.approx(0.75, abs=0.01)
    np.testing.assert_equal(decay_official(values), published_decay(values))
    assert decay_official(values) != decay(values)


def test_decay_shares_the_edges_of_quarters():
    assert decay(np.array([1.0, 0.8, 0.6, 0.4, 0.2])) == pytest.approx(0.9 - 0.3)


def trace(sequence, object_id, j):
    values = np.array(j, float)
    return ObjectTrace(
        sequence, object_id, tuple(map(str, range(len(j)))), values, values / 2, np.ones((len(j), 3), int)
    )


def test_summary_weighs_objects_not_frames():
    long, short = object_score(trace("a", 1, [1.0] * 9)), object_score(trace("b", 1, [0.0]))
    total = MEANS.of_all([long, short])
    assert [total[key] for key in ("j_mean", "j_recall", "j_decay", "f_mean", "jf")] == [0.5, 0.5, 0, 0.25, 0.375]


def test_warns_where_the_published_decay_differs():
    with pytest.warns(UserWarning, match=r"a, object 1: over 300 frames the published decay is"):
        object_score(trace("a", 1, np.linspace(1, 0, 300)), official_decay=True)
    assert object_score(trace("a", 1, np.linspace(1, 0, 200)), official_decay=True).j.decay > 0.7


def test_scores_and_tables_pool_to_the_last_digit_alike_in_any_order():
    rng = np.random.default_rng(0)
    objects = [
        ObjectScore("clip", n, *(Statistics(*map(float, rng.random(3))) for _ in "jf"), frames=3) for n in range(999)
    ]
    pooled, row = MEANS.of_all(objects), MEANS.of_all(objects[::-1])
    for measure in "jf":
        for statistic in ("mean", "recall", "decay"):
            values = [Fraction(getattr(getattr(o, measure), statistic)) for o in objects]
            assert row[f"{measure}_{statistic}"] == float(sum(values)) / 999
    assert pooled == row
    assert np.isnan(mean([]))
    assert np.isnan(mean([0.5, np.nan]))
