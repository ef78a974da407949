"""The bootstrapped loss against a plain version."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vosbench.training.loss import bootstrapped_cross_entropy, hardest_share, soft_dice_loss, soft_jaccard_loss


@pytest.mark.parametrize("share", [1.0, 0.5, 0.15])
def test_loss_equals_loops(share):
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(2, 3, 5, 8, generator=generator), torch.randint(3, (2, 5, 8), generator=generator)
    per_clip = []
    for b in range(2):
        losses = []
        for y in range(5):
            for x in range(8):
                pixel = logits[b, :, y, x].tolist()
                losses.append(math.log(sum(math.exp(v) for v in pixel)) - pixel[labels[b, y, x]])
        hardest = sorted(losses, reverse=True)[: int(share * 40)]
        per_clip.append(sum(hardest) / len(hardest))
    assert bootstrapped_cross_entropy(logits, labels, share).item() == pytest.approx(sum(per_clip) / 2, rel=1e-5)


def test_the_share_falls_from_all_pixels_to_the_hardest():
    shares = [hardest_share(step, start=100, end=200) for step in (0, 100, 150, 200, 10_000)]
    assert shares == pytest.approx([1, 1, 0.575, 0.15, 0.15])


@given(st.integers(0, 10_000), st.integers(0, 5000), st.integers(1, 5000))
def test_the_share_never_rises(step, start, length):
    now, then = (hardest_share(t, start, start + length) for t in (step, step + 1))
    assert 0.15 <= then <= now <= 1


def test_soft_jaccard_and_dice_equal_loops():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(2, 3, 5, 8, generator=generator), torch.randint(3, (2, 5, 8), generator=generator)
    labels[1][labels[1] == 2] = 0  # object 2 is not in clip 1, and does not count there
    losses, dice = [], []
    for b, i in ((0, 1), (0, 2), (1, 1)):
        both = either = 0.0
        for y in range(5):
            for x in range(8):
                p, g = float(logits[b, :, y, x].softmax(0)[i]), float(labels[b, y, x] == i)
                both += min(p, g)
                either += max(p, g)
        losses.append(1 - both / either)
        dice.append(1 - 2 * both / (both + either))  # the sizes are the union and, once more, the intersection
    assert soft_jaccard_loss(logits, labels).item() == pytest.approx(sum(losses) / 3, rel=1e-5)
    assert soft_dice_loss(logits, labels).item() == pytest.approx(sum(dice) / 3, rel=1e-5)


def test_soft_jaccard_of_what_is_right_and_of_nothing():
    labels = torch.zeros(1, 4, 4, dtype=torch.int64)
    assert soft_jaccard_loss(torch.randn(1, 2, 4, 4), labels) == 0
    labels[0, 1:3] = 1
    logits = torch.stack([labels == 0, labels == 1], 1).float() * 100
    assert soft_jaccard_loss(logits, labels).item() == pytest.approx(0, abs=1e-6)
    assert soft_dice_loss(logits, labels).item() == pytest.approx(0, abs=1e-6)
