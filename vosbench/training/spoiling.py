"""Masks made wrong on purpose before they enter the memory, so that the network learns to forgive wrong ones."""

import torch
import torch.nn.functional as F
from torch import Tensor


def spoil(masks: Tensor, chance: float, generator: torch.Generator | None = None) -> Tensor:
    """Masks of P objects, float [P,S,S] in 0..1, each with probability `chance` made wrong in one of five ways.

    It grows or shrinks (by up to a sixteenth of S), moves (by as much), loses what lies in a rectangle, or gains a
    rectangle. What is left carries gradients. All that is random comes from `generator`.
    """
    size = masks.shape[-1]
    draws = torch.rand((len(masks), 6), generator=generator, device=masks.device).tolist()
    pairs = zip(masks, draws, strict=True)
    return torch.stack([_spoil(mask, size, *rest) if first < chance else mask for mask, (first, *rest) in pairs])


def _spoil(mask: Tensor, size: int, kind: float, x: float, y: float, w: float, h: float) -> Tensor:
    reach = 1 + int(x * size / 16)
    if kind < 0.25:
        return _grown(mask, reach)
    if kind < 0.5:
        return 1 - _grown(1 - mask, reach)
    if kind < 0.6:
        return mask.roll((round((2 * x - 1) * size / 16), round((2 * y - 1) * size / 16)), (0, 1))
    # A rectangle near the object, of up to two thirds of its extent.
    rows, columns = ((mask > 0.5).any(axis).nonzero()[:, 0] for axis in (1, 0))
    if not len(rows):
        return mask
    (top, bottom), (left, right) = ((int(line[0]), int(line[-1]) + 1) for line in (rows, columns))
    tall, wide = (max(1, round(share * 2 / 3 * length)) for share, length in ((h, bottom - top), (w, right - left)))
    first_row, first_column = top + round(y * (bottom - top - tall)), left + round(x * (right - left - wide))
    box = torch.zeros_like(mask)
    box[first_row : first_row + tall, first_column : first_column + wide] = 1
    if kind < 0.85:
        return mask * (1 - box)
    moved = box.roll((round((2 * h - 1) * (bottom - top)), round((2 * w - 1) * (right - left))), (0, 1))
    return torch.maximum(mask, moved)


def _grown(mask: Tensor, reach: int) -> Tensor:
    return F.max_pool2d(mask[None, None], 2 * reach + 1, 1, reach)[0, 0]
