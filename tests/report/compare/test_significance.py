"""Statistics of differences against independent ones, and against simulations whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vosbench.report.compare.significance import holm, interval, rank_biserial, signed_rank

ALONE = np.arange


def simulated(rng, sequences, objects, shift=0.0, shared=0.03, own=0.03):
    """Differences of objects: `shift`, a part that a sequence's objects share, and a part of each object's own."""
    names = np.repeat(np.arange(sequences), objects)
    return shift + rng.normal(0, shared, sequences)[names] + rng.normal(0, own, len(names)), names


def share(found):
    return np.mean(list(found))


def binomial_range(p, trials):
    """In which an observed share of trials lies but for once in a thousand."""
    return stats.binom.ppf(0.0005, trials, p) / trials, stats.binom.ppf(0.9995, trials, p) / trials


@pytest.mark.parametrize(("sequences", "objects"), [(6, 3), (30, 2)])
def test_intervals_cover_the_truth_as_often_as_they_say(sequences, objects):
    rng, trials = np.random.default_rng(1), 300
    covered = []
    for _ in range(trials):
        low, high = interval(*simulated(rng, sequences, objects, shift=0.01))
        covered.append(low <= 0.01 <= high)
    low, high = binomial_range(0.95, trials)
    assert low - 0.02 <= share(covered) <= high  # a little short of it is the price of resampling six sequences


def test_skewed_scores_and_sequences_of_many_objects():
    rng, trials, covered = np.random.default_rng(2), 200, []
    for _ in range(trials):
        sizes = rng.integers(1, 6, 30)
        names = np.repeat(np.arange(30), sizes)
        values = rng.beta(4, 1, 30)[names] * 0.5 + rng.beta(4, 1, len(names)) * 0.5  # mean 0.8
        low, high = interval(values, names)
        covered.append(low <= 0.8 <= high)
    assert share(covered) >= 0.9


def test_objects_one_by_one_would_cry_wolf_and_sequences_do_not():
    rng, trials = np.random.default_rng(3), 300
    runs = [simulated(rng, 12, 5, shared=0.05, own=0.02) for _ in range(trials)]
    assert share(stats.wilcoxon(values).pvalue < 0.05 for values, _ in runs) > 0.2
    assert share(signed_rank(*run) < 0.05 for run in runs) <= binomial_range(0.05, trials)[1]


def test_one_point_over_sixty_objects_is_found_with_the_power_that_the_noise_allows():
    rng, trials, noise = np.random.default_rng(4), 200, 0.025
    runs = [simulated(rng, 30, 2, shift=0.01, shared=0, own=noise) for _ in range(trials)]
    found = share(signed_rank(*run) < 0.05 for run in runs)
    # the power of a t-test over 60 independent pairs; ranks lose a twentieth of the pairs' worth, at most
    expected = [stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, 0.01 / noise * np.sqrt(n)) for n in (60 * 0.955, 60)]
    assert binomial_range(expected[0], trials)[0] - 0.03 <= found <= binomial_range(expected[1], trials)[1]
    quiet = [simulated(rng, 30, 2, shift=0.01, shared=0, own=0.01) for _ in range(50)]
    assert all(signed_rank(*run) < 0.05 and interval(*run)[0] > 0 for run in quiet)


def test_what_is_identical_never_differs():
    names = np.repeat(np.arange(8), 2)
    nothing = np.zeros(16)
    assert signed_rank(nothing, names) == 1
    assert interval(nothing, names) == (0, 0)
    assert rank_biserial(nothing) == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-1000, 1000).filter(bool), min_size=3, max_size=11, unique_by=abs))
def test_with_one_object_a_sequence_it_is_wilcoxons_test(values):
    differences = np.array(values) / 1000
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert signed_rank(differences, ALONE(len(values))) == pytest.approx(expected)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=9), st.data())
def test_ties_zeros_and_clusters_against_plain_loops(values, data):
    differences = np.array(values) / 10
    names = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values))))
    moved = [(d, n) for d, n in zip(differences, names, strict=True) if d]
    ranks = [
        np.sign(d) * (sum(abs(e) < abs(d) for e, _ in moved) + (1 + sum(abs(e) == abs(d) for e, _ in moved)) / 2)
        for d, _ in moved
    ]
    clusters = sorted({n for _, n in moved})
    observed, count = abs(sum(ranks)), 0
    for pattern in range(2 ** len(clusters)):
        signs = {n: -1 if pattern >> i & 1 else 1 for i, n in enumerate(clusters)}
        count += abs(sum(signs[n] * r for r, (_, n) in zip(ranks, moved, strict=True))) >= observed - 1e-9
    assert signed_rank(differences, names) == pytest.approx(count / 2 ** len(clusters))
    rises, falls = sum(r for r in ranks if r > 0), -sum(r for r in ranks if r < 0)
    assert rank_biserial(differences) == pytest.approx((rises - falls) / (rises + falls) if moved else 0)


def test_many_sequences_agree_with_the_normal_approximation():
    differences, names = simulated(np.random.default_rng(5), 40, 1, shift=0.015)
    expected = stats.wilcoxon(differences, method="approx").pvalue
    assert signed_rank(differences, names) == pytest.approx(expected, rel=0.2, abs=1e-3)


def test_an_undefined_score_makes_no_claim():
    values, names = np.array([0.1, np.nan, 0.2, 0.1, 0.3, 0.1]), ALONE(6)
    assert np.isnan(signed_rank(values, names))
    assert np.isnan(interval(values, names)).all()
    assert np.isnan(interval(values[[0, 2, 3]], ALONE(3))).all()  # too few sequences


def test_holm_against_its_definition():
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    assert holm(p) == pytest.approx([0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True)
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert holm(np.array([])).size == 0
    rng, trials = np.random.default_rng(6), 400
    wrong = share((holm(rng.random(5)) < 0.05).any() for _ in range(trials))
    assert wrong <= binomial_range(0.05, trials)[1]


def test_the_interval_is_the_same_every_time():
    values, names = simulated(np.random.default_rng(7), 10, 2)
    assert interval(values, names) == interval(values, names)
    shuffled = np.random.default_rng(8).permutation(len(values))
    assert interval(values[shuffled], names[shuffled]) == pytest.approx(interval(values, names))
