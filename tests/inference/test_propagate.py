"""The frame loop: objects that come and go, sizes, ids, and strategies that break their contract."""

import numpy as np
import pytest
import torch
from plain_memory import RULES
from plain_video import simulate

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.geometry import Geometry
from vosbench.video import Sequence

# LFU and its kin, on the whole path


@pytest.mark.parametrize("spec", ["lfu:capacity=30", "lfu-softmax:capacity=30", "fifo:capacity=30"])
def test_with_room_for_everything_a_bounded_strategy_is_every_k(segment, stacked, sequence, spec):
    everything, bounded = segment(sequence), segment(sequence, spec)
    assert torch.equal(stacked(everything), stacked(bounded))
    assert [p.timing.tokens for p in everything] == [p.timing.tokens for p in bounded]


def test_two_frames_of_memory_are_never_exceeded_and_do_matter(segment, stacked, sequence):
    everything, bounded = segment(sequence), segment(sequence, "lfu:capacity=2")
    tokens = [p.timing.tokens / p.timing.tokens_per_frame for p in bounded]
    assert tokens == [1] * 5 + [2] * 18
    assert [p.timing.tokens / p.timing.tokens_per_frame for p in everything] == [1 + t // 5 for t in range(23)]
    assert torch.equal(stacked(everything)[:11], stacked(bounded)[:11])  # first eviction: frame 10
    assert not torch.equal(stacked(everything)[11:], stacked(bounded)[11:])


@pytest.mark.parametrize(
    "spec", ["lfu", "lfu:capacity=2.5,every=2", "lfu-softmax", "lfu-softmax:every=2", "fifo:capacity=3"]
)
@pytest.mark.parametrize("later", [0, 6])
def test_hits_and_evictions_equal_a_simulation_from_the_keys(small_model, small_clip, spec, later):
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb, {0: np.where(labels[0] == 1, 1, 0).astype(np.uint8), later: labels[later]})
    policy, steps = load_policy(spec), []
    for _ in propagate(small_model, sequence, policy, top_k=5):
        bank = policy.bank
        counted = policy.references.values if hasattr(policy, "references") else bank.frame
        steps.append((bank.occupied.clone(), bank.frame.clone(), bank.position.clone(), counted.clone()))
    geometry = Geometry.of(40, 56, None)
    frames = torch.cat([geometry.prepare(frame, torch.device("cpu")) for frame in rgb])
    keys = small_model.encode_key(frames).key.flatten(2).mT.tolist()
    expected = simulate(RULES[spec], keys, tuple(sorted({0, later})), k=5)
    evicted = 0
    for t, (occupied, frame, position, counted) in enumerate(steps):
        slots = occupied.nonzero().flatten().tolist()
        found = {(frame[s].item(), position[s].item()): counted[s].item() for s in slots}
        assert sorted(found) == [token.name for token in expected[t]], f"frame {t}"
        for token in expected[t]:
            if spec.startswith("lfu-softmax"):
                assert found[token.name] == pytest.approx(token.mass, rel=1e-3, abs=1e-5)
            elif spec.startswith("lfu"):
                assert found[token.name] == token.hits
        evicted += sum((f, p) not in found for f in {f for f, _ in found} for p in range(12))
    assert evicted or spec.startswith("fifo")  # tokens left singly, not only by frames


# Objects


def test_objects_that_appear_later(segment, small_clip):
    rgb, labels = small_clip
    given = labels[6].copy()
    given[:8, :8] = 1  # object 1 is followed already: this must not reach the model
    with_it = Sequence.from_arrays(rgb, {0: np.where(labels[0] == 1, labels[0], 0), 6: given})
    without = Sequence.from_arrays(rgb, {0: np.where(labels[0] == 1, labels[0], 0)})
    predictions, before = segment(with_it), segment(without)
    assert [p.timing.objects for p in predictions] == [1] * 6 + [2] * 17
    for p, q in zip(predictions[:6], before[:6], strict=True):
        assert (p.prob[2] == 0).all()
        torch.testing.assert_close(p.prob[:2], q.prob, rtol=0, atol=0)
    appears = predictions[6]
    assert (appears.mask[labels[6] == 2] == 2).all()
    assert (appears.mask == 2).sum() == (labels[6] == 2).sum()
    assert (predictions[7].prob[2] > 0).any()


def test_a_new_object_takes_its_pixels_from_the_others(small_model, segment, small_clip, monkeypatch):
    """Even from one that is predicted everywhere with certainty."""
    rgb, labels = small_clip

    def decode(readout, features, state, joint, step):  # noqa: ARG001
        return torch.tensor([50.0, -50.0])[: len(readout), None, None].expand(-1, 48, 64), state

    monkeypatch.setattr(small_model, "decode", decode)
    first = np.where(labels[0] == 1, 1, 0).astype(np.uint8)
    predictions = segment(Sequence.from_arrays(rgb, {0: first, 6: labels[6]}))
    assert (predictions[5].prob[1] > 0.99).all()
    new = torch.from_numpy(labels[6] == 2)
    assert (predictions[6].prob[2][new] > 0.99).all()
    assert (predictions[6].prob[1][~new] > 0.99).all()


def test_ids_need_be_neither_contiguous_nor_in_order_of_appearance(segment, small_clip):
    rgb, labels = small_clip
    renamed = np.array([0, 200, 7], np.uint8)[labels]
    plain = Sequence.from_arrays(rgb, {0: np.where(labels[0] == 1, 1, 0).astype(np.uint8), 3: labels[3]})
    other = Sequence.from_arrays(rgb, {0: np.where(renamed[0] == 200, renamed[0], 0), 3: renamed[3]})
    assert other.object_ids == (7, 200)
    for p, q in zip(segment(plain), segment(other), strict=True):
        assert (np.array([0, 200, 7], np.uint8)[p.mask] == q.mask).all()
        assert torch.equal(p.prob[[0, 2, 1]], q.prob)
        assert q.mask.dtype == np.uint8


def test_before_the_first_annotation_there_is_background(segment, stacked, small_clip):
    rgb, labels = small_clip
    late = segment(Sequence.from_arrays(rgb, {4: labels[4]}))
    for p in late[:4]:
        assert not p.mask.any()
        assert (p.prob[0] == 1).all()
        assert (p.timing.tokens, p.timing.objects, p.timing.memory_bytes) == (0, 0, 0)
    cut = segment(Sequence.from_arrays(rgb[4:], {0: labels[4]}))
    assert torch.equal(stacked(late[4:]), stacked(cut))
    assert [p.timing.tokens for p in late[4:]] == [p.timing.tokens for p in cut]


def test_a_video_of_one_frame(segment, small_clip):
    rgb, labels = small_clip
    (only,) = segment(Sequence.from_arrays(rgb[:1], {0: labels[0]}))
    assert (only.mask == labels[0]).all()
    assert only.timing.tokens == 0  # nothing is left that could read it
    assert only.timing.stages["encode_value"] == 0


def test_the_memory_is_counted_in_tokens_and_bytes(segment, sequence):
    for t, p in enumerate(segment(sequence)):
        frames = 1 + min(t, 21) // 5
        assert p.timing.tokens_per_frame == 12
        assert p.timing.tokens == 12 * frames
        assert p.timing.memory_bytes == 12 * frames * (8 + 2 * 16) * 4


@pytest.mark.parametrize("metric", ["dot", "cosine"])
def test_metrics_differ(small_model, segment, stacked, sequence, metric, monkeypatch):
    usual = stacked(segment(sequence))
    monkeypatch.setattr(small_model, "affinity", metric)
    found = stacked(segment(sequence))
    assert found.isfinite().all()
    assert not torch.equal(found, usual)
