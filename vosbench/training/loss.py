"""Losses of a training.

Bootstrapped cross-entropy: late in training only the hardest pixels count (as in MiVOS and STCN). Beside it, one minus
the soft Jaccard index or the soft Dice coefficient, in which a small object counts as much as a large one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def hardest_share(step: int, start: int, end: int, final: float = 0.15) -> float:
    """The share of pixels that counts at `step`: 1 until `start`, then falling linearly to `final` at `end`."""
    if step <= start:
        return 1.0
    return final + (1 - final) * max(0.0, (end - step) / (end - start))


def bootstrapped_cross_entropy(logits: Tensor, labels: Tensor, share: float) -> Tensor:
    """Mean cross-entropy of each clip's hardest `share` of pixels: [B,O+1,H,W], labels int64 [B,H,W], 0: background."""
    loss = F.cross_entropy(logits, labels, reduction="none").flatten(1)
    return loss.mean() if share >= 1 else loss.topk(max(1, int(share * loss.shape[1])), dim=1).values.mean()


def soft_jaccard_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - soft intersection over union of each object in `labels`, averaged over them; 0 where there is none.

    Of two soft masks the intersection is the sum of the pixel-wise minima, the union that of the maxima; a hard label
    makes these p*g and p+g-p*g. logits [B,O+1,H,W]; labels int64 [B,H,W], 0 is background.
    """
    both, sizes, there = _overlaps(logits, labels)
    return _mean_loss(both / (sizes - both).clamp(min=1e-6), there)


def soft_dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """As `soft_jaccard_loss`, of the Dice coefficient: twice the intersection over the sum of the sizes (Milletari et
    al., "V-Net", 3DV 2016, without their squares).
    """
    both, sizes, there = _overlaps(logits, labels)
    return _mean_loss(2 * both / sizes.clamp(min=1e-6), there)


def _overlaps(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each object [B,O]: the soft intersection of mask and truth, the sum of their sizes, and 1 where it is."""
    probabilities = logits.float().softmax(1)[:, 1:].flatten(2)
    truth = torch.stack([(labels == i).flatten(1) for i in range(1, logits.shape[1])], 1).to(probabilities.dtype)
    return (probabilities * truth).sum(2), probabilities.sum(2) + truth.sum(2), truth.amax(2)


def _mean_loss(scores: Tensor, there: Tensor) -> Tensor:
    return ((1 - scores) * there).sum() / there.sum().clamp(min=1)
