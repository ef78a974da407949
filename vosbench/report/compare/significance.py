"""Is a difference more than chance? Statistics of paired scores whose objects come in sequences.

Objects of one sequence share its camera, light and length, so their scores rise and fall together. Whole sequences
are therefore what is resampled and what changes sign; taken one by one, objects would make chance look significant.
"""

from functools import lru_cache

import numpy as np

LEVEL = 0.95  # of intervals
MIN_SEQUENCES = 5  # fewer give no interval: they cannot be resampled in enough ways
_RESAMPLES = 10_000
_EXACT = 13  # sequences up to which all sign changes are tried


def interval(values: np.ndarray, sequences: np.ndarray, members: np.ndarray | None = None) -> tuple[float, float]:
    """The 95% interval of the mean of `values`, float [N], over which `sequences`, [N], happened to be drawn.

    `members`, float64 [G,N] of 0 and 1, are groups of values: then it is that of the mean over the groups of their
    means, of those that were drawn.

    Sequences are drawn anew with all their objects, and the percentiles of the resampled means are widened for the
    number of sequences (the expanded percentile interval of Hesterberg, "What Teachers Should Know About the
    Bootstrap", 2015), without which few sequences give intervals that are too short. NaN for fewer than five
    sequences, or if a value is NaN. The random numbers are fixed, so that the same values give the same interval.
    """
    members = np.ones((1, len(values))) if members is None else members
    number = len(np.unique(sequences))
    if number < MIN_SEQUENCES or np.isnan(values).any():
        return np.nan, np.nan
    drawn = _draws(number)
    with np.errstate(invalid="ignore"):  # 0 / 0 of a group of which none was drawn
        of_groups = [(drawn @ _sums(values * one, sequences)) / (drawn @ _sums(one, sequences)) for one in members]
    means = np.nanmean(of_groups, axis=0)
    low, high = np.quantile(means, [_tail(number), 1 - _tail(number)])
    return float(low), float(high)


def signed_rank(differences: np.ndarray, sequences: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The two-sided p-value of Wilcoxon's signed-rank test of `differences`, float [N], with sequences as clusters.

    Objects are ranked by the size of their difference, zeros left out, as in Wilcoxon's test; under the hypothesis
    of no difference the sign of a whole sequence is a coin (Rosner, Glynn and Lee, "The Wilcoxon signed rank test
    for paired comparisons of clustered data", Biometrics 2006). All sign changes are tried up to 13 sequences, 20,000
    random ones beyond; with one object a sequence it is Wilcoxon's own test. 1 if nothing differs. `weights`, float
    [N], are those of the objects' ranks in the sum (None: all alike).
    """
    if np.isnan(differences).any():
        return float("nan")
    ranks = _signed_ranks(differences, weights)
    if not len(ranks):
        return 1.0
    totals = _sums(ranks, sequences[differences != 0])
    exact = len(totals) <= _EXACT
    if exact:
        signs = 1.0 - 2.0 * ((np.arange(2 ** len(totals))[:, None] >> np.arange(len(totals))) & 1)
    else:
        signs = _coins(len(totals))
    as_extreme = np.abs(signs @ totals) >= abs(totals.sum()) - 1e-6
    return float(as_extreme.mean()) if exact else float((1 + as_extreme.sum()) / (1 + len(signs)))


def rank_biserial(differences: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The effect size that goes with the signed-rank test, -1 to 1: share of rank sum that rises minus that falls.

    0.3 says that, weighed by rank, 65% went up and 35% down (Kerby, "The simple difference formula", 2014). 0 if
    nothing differs. `weights` as in `signed_rank`.
    """
    ranks = _signed_ranks(differences, weights)
    return float(ranks.sum() / np.abs(ranks).sum()) if len(ranks) else 0.0


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values, float [K], corrected for there being K of them (Holm, 1979); a NaN stays and does not count."""
    corrected = np.array(p_values, float)
    known = np.flatnonzero(~np.isnan(corrected))
    order = known[np.argsort(corrected[known], kind="stable")]
    steps = corrected[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


@lru_cache(maxsize=2)
def _tail(number: int) -> float:
    """The share of resampled means below the interval, for so many sequences."""
    from scipy.special import ndtr, stdtrit  # those of scipy.stats, without the second that its import takes

    return float(ndtr(np.sqrt(number / (number - 1)) * stdtrit(number - 1, (1 - LEVEL) / 2)))


@lru_cache(maxsize=2)
def _draws(number: int) -> np.ndarray:
    """How often each of `number` sequences is in each resample, float64 [10000,number]."""
    return np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), _RESAMPLES).astype(float)


@lru_cache(maxsize=2)
def _coins(number: int) -> np.ndarray:
    """Random signs of `number` sequences, float32 [19999,number]."""
    return np.random.default_rng(0).choice(np.array([-1, 1], np.float32), (2 * _RESAMPLES - 1, number))


def _signed_ranks(differences: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The ranks of the differences but zeros by size, with their signs, times their weights."""
    from scipy.stats import rankdata  # here: every verb would wait most of a second for it

    differing = differences != 0
    # what two sums of the same figures leave between equal differences must not break their tie
    ranks = rankdata(np.round(np.abs(differences[differing]), 12))
    return np.sign(differences[differing]) * ranks * (1 if weights is None else weights[differing])


def _sums(values: np.ndarray, sequences: np.ndarray) -> np.ndarray:
    """Sum of the values in each sequence."""
    _, place = np.unique(sequences, return_inverse=True)
    return np.bincount(place, values)
