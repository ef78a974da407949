"""lfu-softmax: the paper's ablation, softmax weights as the index.

Source: Pourganjalikhan and Poullis, "Adaptive Memory Management for Video Object Segmentation", Table IV ("Softmax
storing"): as lfu, but a match adds its softmax weight instead of 1. Fidelity: faithful. The nearest tokens
dominate the index, so features that were once decisive stay too long.
"""

import torch
from torch import Tensor

from vosbench.memory.match import Match
from vosbench.memory.policy import FrequencyPolicy


class LFUSoftmax(FrequencyPolicy):
    """References are softmax weights."""

    references_dtype = torch.float32

    def count(self, match: Match) -> Tensor:
        return match.mass()
