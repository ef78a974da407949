"""Masks made wrong: how wrong, how often, and the same for the same random numbers."""

import pytest
import torch

from vosbench.training.spoiling import spoil


def masks_of(count, size=64):
    masks = torch.zeros(count, size, size)
    masks[:, 20:44, 16:40] = 1
    return masks


def test_none_and_all():
    masks = masks_of(40)
    assert torch.equal(spoil(masks, 0.0), masks)
    generator = torch.Generator().manual_seed(0)
    spoiled = spoil(masks, 1.0, generator)
    changed = [not torch.equal(a, b) for a, b in zip(spoiled, masks, strict=True)]
    assert sum(changed) >= 36  # a rectangle that is gained may lie inside
    assert spoiled.min() >= 0
    assert spoiled.max() <= 1
    overlap = torch.minimum(spoiled, masks).sum((1, 2)) / masks.sum((1, 2))
    assert (overlap > 0.3).all(), "still the object"
    areas = spoiled.sum((1, 2)) / masks.sum((1, 2))
    assert areas.min() < 0.8
    assert areas.max() > 1.2
    assert torch.equal(spoil(masks, 1.0, generator.manual_seed(0)), spoiled)


def test_the_chance():
    masks = masks_of(400, 32)
    masks[:, 4:12, 4:12] = 1
    spoiled = spoil(masks, 0.25, torch.Generator().manual_seed(1))
    share = sum(not torch.equal(a, b) for a, b in zip(spoiled, masks, strict=True)) / 400
    assert share == pytest.approx(0.25, abs=0.07)


def test_empty_masks_and_gradients():
    empty = torch.zeros(20, 32, 32)
    assert spoil(empty, 1.0, torch.Generator().manual_seed(2)).sum() == 0
    soft = torch.full((20, 32, 32), 0.6).requires_grad_()
    spoil(soft, 1.0, torch.Generator().manual_seed(2)).sum().backward()
    assert soft.grad is not None
    assert (soft.grad.sum((1, 2)) > 0).all()
