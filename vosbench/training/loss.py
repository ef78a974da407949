"""Bootstrapped cross-entropy: late in training only the hardest pixels count (as in MiVOS and STCN)."""

import torch.nn.functional as F
from torch import Tensor


def hardest_share(step: int, start: int, end: int, final: float = 0.15) -> float:
    """The share of pixels that counts at `step`: 1 until `start`, then falling linearly to `final` at `end`."""
    if step <= start:
        return 1.0
    return final + (1 - final) * max(0.0, (end - step) / (end - start))


def bootstrapped_cross_entropy(logits: Tensor, labels: Tensor, share: float) -> Tensor:
    """Mean cross-entropy of the hardest `share` of each clip's pixels.

    logits [B,O+1,H,W]; labels int64 [B,H,W], 0 is background.
    """
    loss = F.cross_entropy(logits, labels, reduction="none").flatten(1)
    return loss.mean() if share >= 1 else loss.topk(max(1, int(share * loss.shape[1])), dim=1).values.mean()
