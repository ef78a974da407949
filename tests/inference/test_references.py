"""What only references see: true masks and the future; and that nothing else sees them."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from arrays import true_masks

from vosbench.datasets.label_pngs import LabelPng, binary_pngs
from vosbench.errors import PolicyError, VosbenchError
from vosbench.images import write_labels
from vosbench.inference.propagate import propagate
from vosbench.memory.policy import MemoryPolicy
from vosbench.memory.spec import load_policy
from vosbench.video import GroundTruth, Sequence


@pytest.fixture
def clip(small_clip) -> Sequence:
    """Object 2 from the start, object 1 from frame 6."""
    rgb, labels = small_clip
    return Sequence.from_arrays(rgb, {0: labels[0] * (labels[0] == 2), 6: labels[6]})


@pytest.fixture
def truth(small_clip) -> GroundTruth:
    return true_masks(small_clip[1])


@dataclass
class Recorder(MemoryPolicy):
    """Writes every frame and notes what it was told."""

    def start(self, video, bank):
        super().start(video, bank)
        self.written = {}

    def admit(self, step):  # noqa: ARG002
        return True

    def write(self, tokens):
        super().write(tokens)
        self.written[tokens.frame] = tokens


@dataclass
class Cheat(Recorder):
    """The same, with true masks and the future."""

    needs_truth = True
    needs_future = True

    def masks(self, step):
        return self.video.truth(step.frame)


def test_values_come_from_the_true_masks(small_model, small_clip, clip, truth):
    policy = Cheat()
    seen = list(propagate(small_model, clip, policy, truth=truth))
    labels = small_clip[1]
    for t, tokens in policy.written.items():
        ids = [2] if t < 6 else [2, 1]  # in order of appearance
        expected = np.pad(np.stack([labels[t] == i for i in ids]), ((0, 0), (4, 4), (4, 4)))
        assert torch.equal(tokens.segmentation.masks, torch.from_numpy(expected).float())
    assert len(policy.written) == len(seen) - 1
    plain = list(propagate(small_model, clip, Recorder(), truth=truth))
    assert torch.equal(plain[1].prob, seen[1].prob)  # the first mask was the true one already
    assert not torch.equal(plain[2].prob, seen[2].prob)


def test_the_future_is_what_comes(small_model, clip):
    policy = Cheat()
    policy.needs_truth = False
    policy.masks = lambda step: step.segmentation.masks
    for _ in propagate(small_model, clip, policy, top_k=7):
        future = policy.video.future
    assert (future.annotated, future.top_k, future.scores) == ((0, 6), 7, small_model.scores)
    assert future.tokens.key.shape == future.queries.key.shape == (23, 12, 8)
    for t, tokens in policy.written.items():
        assert torch.equal(future.tokens.key[t], tokens.key)
        assert torch.equal(future.queries.key[t], tokens.key)


def test_nobody_else_is_told(small_model, clip, truth):
    policy = Recorder()
    list(propagate(small_model, clip, policy, truth=truth))
    assert (policy.video.truth, policy.video.future) == (None, None)


def test_a_wrapped_strategy_decides_as_it_does_alone(small_model, clip, truth):
    """Hits depend on keys only, so that true masks change values and nothing else."""
    alone, wrapped = load_policy("lfu:every=2"), load_policy("oracle-masks:base=lfu(every=2)")
    for a, b in zip(
        propagate(small_model, clip, alone), propagate(small_model, clip, wrapped, truth=truth), strict=True
    ):
        assert torch.equal(alone.bank.frame, wrapped.bank.frame)
        assert torch.equal(alone.bank.position, wrapped.bank.position)
        assert a.frame_index == b.frame_index


def test_labels_are_dense_or_the_error_says_so(small_model, clip, truth):
    policy = load_policy("oracle-masks")
    for given, found in ((None, 0), (replace(truth, masks=dict(list(truth.masks.items())[:4])), 4)):
        with pytest.raises(VosbenchError, match=f"true mask of every frame, and video has {found} for 23") as caught:
            list(propagate(small_model, clip, policy, truth=given))
        assert "dense labels" in caught.value.hint
        assert ("truth=dataset.truth(NAME)" in caught.value.hint) == (given is None)
        assert not isinstance(caught.value, PolicyError)


def test_a_true_mask_of_another_size(small_model, clip, truth, tmp_path):
    write_labels(tmp_path / "00005.png", np.zeros((8, 8), np.uint8))
    truth = replace(truth, masks={**truth.masks, "00005": LabelPng(tmp_path / "00005.png")})
    with pytest.raises(PolicyError, match=r"frame 5: .*00005.png is 8x8 pixels, its frame 56x40"):
        list(propagate(small_model, clip, load_policy("oracle-masks"), truth=truth))


def test_every_non_zero_label_of_a_binary_truth_is_object_1(small_model, small_clip, tmp_path):
    rgb, labels = small_clip
    for t, mask in enumerate(labels):
        write_labels(tmp_path / f"{t:05d}.png", mask)
    masks = binary_pngs(tmp_path)
    sequence = Sequence.from_arrays(rgb, {0: (labels[0] > 0).astype(np.uint8)})
    policy = Cheat()
    list(propagate(small_model, sequence, policy, truth=GroundTruth("video", tuple(masks), masks)))
    expected = np.pad(labels[9] > 0, 4)
    assert torch.equal(policy.written[9].segmentation.masks[0], torch.from_numpy(expected).float())
