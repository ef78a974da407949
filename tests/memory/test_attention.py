"""Affinity, top-k softmax and readout against plain loops."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from plain_video import Token
from plain_video import affinity as plain_affinity
from plain_video import read as plain_read

from vosbench.memory.attention import dense_read, readout, sums, top_k_softmax
from vosbench.memory.match import GroupMatch, Match
from vosbench.models.affinity import METRICS, affinity


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("metric", METRICS)
def test_affinity_equals_loops_up_to_what_the_softmax_cancels(metric):
    memory, query = draw(0, 7, 5), draw(1, 3, 5)
    found = affinity(memory, query, metric)
    assert found.shape == (3, 7)
    assert found.dtype == torch.float32
    for q in range(3):
        plain = [plain_affinity(m, query[q].tolist(), metric) for m in memory.tolist()]
        constant = query[q].double().square().sum().item() / 5**0.5 if metric == "l2" else 0
        np.testing.assert_allclose(found[q], np.array(plain) + constant, rtol=1e-4, atol=1e-5)


def test_affinity_of_half_precision_keys_is_computed_in_full():
    memory, query = draw(0, 7, 5).half(), draw(1, 3, 5).half()
    torch.testing.assert_close(affinity(memory, query), affinity(memory.float(), query.float()), rtol=0, atol=0)


def test_cosine_ignores_lengths():
    memory, query = draw(0, 7, 5), draw(1, 3, 5)
    torch.testing.assert_close(affinity(memory, query, "cosine"), affinity(memory * 9, query / 7, "cosine"))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 4, 20])
def test_a_read_equals_loops(metric, k):
    """20 tokens are asked for where there are 9."""
    memory, query, values = draw(0, 9, 5), draw(1, 6, 5), draw(2, 9, 3)
    indices, weights = top_k_softmax(affinity(memory, query, metric), k)
    assert indices.shape == weights.shape == (6, min(k, 9))
    answer = readout(values, indices, weights)
    tokens = [Token(0, p, key) for p, key in enumerate(memory.tolist())]
    for q in range(6):
        picks = plain_read(tokens, query[q].tolist(), k, metric)
        assert indices[q].tolist() == [token.position for token, _ in picks]
        np.testing.assert_allclose(weights[q], [weight for _, weight in picks], rtol=1e-4)
        expected = sum(weight * values[token.position].double() for token, weight in picks)
        np.testing.assert_allclose(answer[q], expected, rtol=1e-4, atol=1e-6)


@given(st.integers(1, 40), st.integers(1, 8), st.integers(1, 30), st.integers(0, 2**31))
def test_the_gathered_readout_equals_the_dense_one(n, q, k, seed):
    scores, values = draw(seed, q, n), draw(seed + 1, n, 3)
    indices, weights = top_k_softmax(scores, k)
    dense = torch.zeros(q, n).scatter_(1, indices, weights)
    torch.testing.assert_close(dense.sum(1), torch.ones(q))
    torch.testing.assert_close(readout(values, indices, weights), dense @ values, rtol=1e-5, atol=1e-5)


def test_all_tokens_give_the_differentiable_read():
    memory, query, values = draw(0, 2, 9, 5), draw(1, 2, 6, 5), draw(2, 2, 9, 3)
    expected = dense_read(memory, query, values)
    for b in range(2):
        indices, weights = top_k_softmax(affinity(memory[b], query[b]), 9)
        torch.testing.assert_close(readout(values[b], indices, weights), expected[b])


def test_large_scores_do_not_overflow():
    _, weights = top_k_softmax(torch.tensor([[1e30, 1e30, -1e30]]), 3)
    assert weights.tolist() == [[0.5, 0.5, 0.0]]


def test_a_token_scored_minus_infinity_weighs_nothing_and_is_no_hit():
    scores = torch.tensor([[1.0, -torch.inf, 1.0, -torch.inf], [-torch.inf, 0.0, -torch.inf, -torch.inf]])
    indices, weights = top_k_softmax(scores, 3)
    matched = scores.gather(1, indices) > -torch.inf
    assert (weights[~matched] == 0).all()
    match = Match(0, (GroupMatch(indices, weights, matched),), extent=5)
    assert match.hits().tolist() == [1, 1, 1, 0, 0]
    torch.testing.assert_close(match.mass(), torch.tensor([0.5, 1.0, 0.5, 0.0, 0.0]))


def test_statistics_add_up_over_queries_and_groups():
    rng = np.random.default_rng(0)
    groups, hits, mass = [], [0] * 9, [0.0] * 9
    for _ in range(2):
        indices = np.stack([rng.permutation(9)[:4] for _ in range(5)])
        weights, matched = rng.random((5, 4)), rng.random((5, 4)) < 0.7
        weights[~matched] = 0
        for q, j in itertools.product(range(5), range(4)):
            hits[indices[q, j]] += bool(matched[q, j])
            mass[indices[q, j]] += weights[q, j]
        groups.append(GroupMatch(torch.tensor(indices), torch.tensor(weights).float(), torch.tensor(matched)))
    match = Match(3, tuple(groups), 9)
    assert match.hits().tolist() == hits
    assert match.hits().dtype == torch.int32
    torch.testing.assert_close(match.mass(), torch.tensor(mass, dtype=torch.float32))

    above, inside, some = [0] * 9, [0.0] * 9, torch.tensor([True, False, True, True, False])
    for group in groups:
        for q, j in itertools.product(range(5), range(4)):
            slot, weight = int(group.indices[q, j]), float(group.weights[q, j])
            above[slot] += weight > 0.5
            inside[slot] += weight * bool(some[q])
    assert match.hits(above=0.5).tolist() == above
    torch.testing.assert_close(match.mass(some), torch.tensor(inside, dtype=torch.float32))


def test_without_invalid_tokens_every_pick_is_a_hit():
    match = Match(0, (GroupMatch(torch.tensor([[0, 2], [2, 1]]), torch.full((2, 2), 0.5), None),), 3)
    assert match.hits().tolist() == [1, 1, 2]


def test_sums_are_the_same_in_every_order():
    numbers, values = torch.randint(0, 7, (5000,)), torch.rand(5000, 3)
    found = sums(numbers, values, 9)
    expected = torch.stack([values.double()[numbers == i].sum(0) for i in range(9)])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    for _ in range(5):
        order = torch.randperm(5000)
        assert torch.equal(sums(numbers[order], values[order], 9), found)
