"""afb: an adaptive feature bank, which merges what it knows and appends what is new.

Source: Liang et al., "Video Object Segmentation with Adaptive Feature Bank and Uncertain-Region Refinement"
(AFB-URR), NeurIPS 2020. A new token whose best cosine with a key of the bank is above `threshold` merges into that
slot: k <- |k| (0.9 k/|k| + 0.1 mean of k'/|k'|) over the new keys k' that chose it, each value likewise; any other
is appended. A read adds log(1 + number of query pixels that give a token a weight above 1e-3) to its index; the
lowest index / age in frames leave. Fidelity: adapted: one bank and one key for all objects instead of one for each,
the exact shortfall leaves instead of all below an integer threshold, annotated frames enter whole. The threshold
was chosen for the keys of AFB-URR; of those of stcn-tiny, in one generated clip, two thirds of the new tokens exceed it
(four fifths exceed 0.9, half 0.98). Merging blurs values.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vosbench.memory.attention import cosine, sums
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.match import Match
from vosbench.memory.policy import BoundedPolicy, VideoInfo, parameter

USED = 1e-3  # weight above which a query pixel counts


@dataclass
class AdaptiveFeatureBank(BoundedPolicy):
    """Merge or append; least frequently used leave."""

    every: int = parameter(1, "frames", "distance between writes", at_least=1)
    threshold: float = parameter(0.95, "", "cosine above which a new token merges")
    rate: float = parameter(0.1, "", "share of the new tokens in a merged one", at_least=0)

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.used = bank.add_column("used", torch.float64)

    def observe(self, match: Match) -> None:
        self.used.values.add_(match.hits(above=USED).double().log1p())

    def score(self, frame: int) -> Tensor:
        return self.used.values / (frame - self.bank.frame)

    def write(self, tokens: FrameTokens) -> None:
        if tokens.annotated:
            super().write(tokens)
            return
        similar = cosine(self.bank.key, tokens.key)
        best, slots = similar.masked_fill(~(self.bank.occupied & ~self.bank.pinned), -torch.inf).max(1)
        known = best > self.threshold
        targets, chosen, counts = slots[known].unique(return_inverse=True, return_counts=True)
        if len(targets):
            pairs = [(old[targets], new[known]) for old, new in zip(self.bank.values, tokens.values, strict=True)]
            values = tuple(self._merged(old, new.to(old.dtype), chosen, counts) for old, new in pairs)
            extras = {
                name: self._mean(old[targets], tokens.extras[name][known], chosen, counts)
                for name, old in self.bank.extras.items()
            }
            key = self._merged(self.bank.key[targets], tokens.key[known], chosen, counts)
            self.bank.update(targets, key, values, extras)
        news = (~known).nonzero().flatten()
        self.bank.free(self.bank.lowest(self.score(tokens.frame), self.bank.shortfall(len(news))))
        self.bank.insert(tokens, news)

    def _merged(self, old: Tensor, new: Tensor, chosen: Tensor, counts: Tensor) -> Tensor:
        """old [n,…,C]; new [m,…,C], of which each has `chosen` one of the n; keeps the lengths of the old."""
        blend = self._mean(F.normalize(old, dim=-1), F.normalize(new, dim=-1), chosen, counts)
        return old.norm(dim=-1, keepdim=True) * blend

    def _mean(self, old: Tensor, new: Tensor, chosen: Tensor, counts: Tensor) -> Tensor:
        """The same without regard to lengths: for what tokens have beside keys and values."""
        mean = (sums(chosen, new, len(old)) / counts.view(-1, *[1] * (old.ndim - 1))).to(old.dtype)
        return (1 - self.rate) * old + self.rate * mean
