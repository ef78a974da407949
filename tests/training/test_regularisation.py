"""The read of training, affinity dropout and support-feature reallocation against plain loops."""

import math

import pytest
import torch

from vosbench.memory.attention import dense_read
from vosbench.training.regularisation import TrainingRead, distances, drop_connections, reallocate

B, OBJECTS, N, Q, CK, CV = 2, 2, 12, 5, 3, 4


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    memory, query, values, masks = (
        torch.randn(*shape, generator=generator)
        for shape in ((B, N, CK), (B, Q, CK), (B, OBJECTS, N, CV), (B, OBJECTS, N))
    )
    masks = masks.sigmoid()
    masks[1, 1] = 0  # an object that is out of view
    return memory, query, values, masks


def plain_distances(memory, query, b):
    """d[i][j] of support feature i and query pixel j."""
    return [
        [-sum((float(m) - float(q)) ** 2 for m, q in zip(mi, qj, strict=True)) / math.sqrt(CK) for qj in query[b]]
        for mi in memory[b]
    ]


def plain_reallocation(d, own, how):
    """The supplement's equations over the features `own` of one object."""
    attention = {i: sum(d[i]) for i in own}
    order = sorted(own, key=lambda i: attention[i], reverse=how == "printed")
    w = {i: position for position, i in enumerate(order, start=1)}
    total = sum(w.values())
    found = [list(row) for row in d]
    for i in own:
        factor = w[i] / total * (len(own) if how == "sign-consistent" else 1)
        found[i] = [value * factor for value in d[i]]
    return found


def plain_read(d, values, dropped=None):
    """Softmax over the support features of each query pixel, then the weighted sum: [Q][CV]."""
    out = []
    for j in range(Q):
        kept = [i for i in range(N) if dropped is None or not dropped[j][i]]
        if not kept:
            kept = list(range(N))
        total = sum(math.exp(d[i][j]) for i in kept)
        out.append([sum(math.exp(d[i][j]) / total * float(values[i][c]) for i in kept) for c in range(CV)])
    return torch.tensor(out)


def test_distances_equal_loops(tensors):
    memory, query, *_ = tensors
    found = distances(memory, query)
    for b in range(B):
        torch.testing.assert_close(found[b].T, torch.tensor(plain_distances(memory, query, b)))


def test_without_regularisation_it_is_the_dense_read(tensors):
    memory, query, values, masks = tensors
    found = TrainingRead()(memory, query, values, masks)
    assert found.shape == (B, OBJECTS, Q, CV)
    for o in range(OBJECTS):
        torch.testing.assert_close(found[:, o], dense_read(memory, query, values[:, o]))
        for b in range(B):
            torch.testing.assert_close(found[b, o], plain_read(plain_distances(memory, query, b), values[b, o]))


@pytest.mark.parametrize("how", ["printed", "sign-consistent"])
def test_reallocation_equals_loops(tensors, how):
    memory, query, values, masks = tensors
    found = reallocate(distances(memory, query)[:, None], masks > 0.5, how)
    assert found.shape == (B, OBJECTS, Q, N)
    read = TrainingRead(reallocation=how)(memory, query, values, masks)
    for b in range(B):
        for o in range(OBJECTS):
            own = [i for i in range(N) if masks[b, o, i] > 0.5]
            expected = plain_reallocation(plain_distances(memory, query, b), own, how)
            torch.testing.assert_close(found[b, o].T, torch.tensor(expected))
            torch.testing.assert_close(read[b, o], plain_read(expected, values[b, o]))


def test_what_reallocation_does_to_the_least_attended_feature():
    """As printed it gets the largest factor of a negative number; the other way it gains, as the paper means it to."""
    d = torch.tensor([[-1.0, -2.0, -3.0, -9.0]])[None, None]
    own = torch.tensor([[[True, True, True, False]]])
    assert reallocate(d, own, "printed").flatten().tolist() == pytest.approx([-1 / 6, -4 / 6, -9 / 6, -9])
    assert reallocate(d, own, "sign-consistent").flatten().tolist() == pytest.approx([-1.5, -2, -1.5, -9])


@pytest.mark.parametrize("reallocation", ["none", "printed"])
def test_dropout_equals_loops(tensors, reallocation):
    memory, query, values, masks = tensors
    read = TrainingRead(0.5, reallocation)(memory, query, values, masks, torch.Generator().manual_seed(4))
    heads = 1 if reallocation == "none" else OBJECTS
    dropped = torch.rand(B, heads, Q, N, generator=torch.Generator().manual_seed(4)) < 0.5
    for b in range(B):
        for o in range(OBJECTS):
            d = plain_distances(memory, query, b)
            if reallocation != "none":
                d = plain_reallocation(d, [i for i in range(N) if masks[b, o, i] > 0.5], reallocation)
            expected = plain_read(d, values[b, o], dropped[b, o % heads].tolist())
            torch.testing.assert_close(read[b, o], expected)


def test_dropout_disables_the_share_that_is_asked_for():
    scores = torch.zeros(1, 1, 300, 200)
    found = drop_connections(scores, 0.5, torch.Generator().manual_seed(0))
    assert found.isneginf().float().mean().item() == pytest.approx(0.5, abs=0.01)
    assert not torch.equal(found, drop_connections(scores, 0.5, torch.Generator().manual_seed(1)))
    assert drop_connections(scores, 0.1, None).isneginf().float().mean().item() == pytest.approx(0.1, abs=0.01)


def test_a_query_pixel_never_loses_all_connections():
    scores = torch.randn(1, 1, 400, 2)
    found = drop_connections(scores, 0.9, torch.Generator().manual_seed(0))
    assert found.isneginf().any()
    assert not found.isneginf().all(-1).any()
    assert found.softmax(-1).isfinite().all()


@pytest.mark.parametrize("reallocation", ["none", "printed", "sign-consistent"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_gradients_reach_keys_and_values(tensors, dropout, reallocation):
    memory, query, values, masks = (t.clone().requires_grad_() for t in tensors)
    TrainingRead(dropout, reallocation)(memory, query, values, masks.detach()).square().sum().backward()
    for tensor in (memory, query, values):
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().sum() > 0


def test_half_precision_stays_finite():
    """Keys so far apart that their distance is beyond the range of half precision."""
    memory, query = 40 * torch.randn(1, 30, 64), 40 * torch.randn(1, 9, 64)
    values, masks = torch.randn(1, 2, 30, 8).half(), torch.ones(1, 2, 30)
    for reallocation in ("none", "sign-consistent"):
        with torch.autocast("cpu", torch.float16):
            read = TrainingRead(reallocation=reallocation)(memory.half(), query.half(), values, masks)
        assert read.isfinite().all()
