"""rmem: a small bank of relevant and fresh frames, chosen as a bandit would.

Source: Zhou et al., "RMem: Restricted Memory Banks Improve Video Object Segmentation", CVPR 2024: 1 + 8 frames. The
relevance A_f of frame f in one read is the share of the attention of foreground queries that falls on it, smoothed
as 0.8 A + 0.2 A_f from its first read on; the frame of lowest A + 1.5 sqrt(ln(sum of n) / (n_f + 8)) leaves, where
n_f counts the reads of the frame since its write and the sum goes over the frames held. The first frame stays.
Fidelity: adapted: attention after the top-k filter, no temporal embedding. Occlusion lowers A of all frames, so that
those which show the object may leave.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.memory.attention import sums
from vosbench.memory.bank import MemoryBank
from vosbench.memory.match import Match
from vosbench.memory.policy import BoundedPolicy, VideoInfo, parameter


@dataclass
class RMem(BoundedPolicy):
    """Score of a frame = smoothed relevance + upper confidence bound."""

    capacity: float = parameter(9.0, "frames", "size of the bank", at_least=1)
    pin_first: bool = parameter(True, "", "never evict the first annotated frame")
    smoothing: float = parameter(0.8, "", "weight of the relevance so far", at_least=0)
    freshness: float = parameter(1.5, "", "weight of the confidence bound", at_least=0)
    prior: int = parameter(8, "reads", "added to n_f", at_least=1)

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.relevance = bank.add_column("relevance", torch.float64)  # all tokens of a frame have the same
        self.reads = bank.add_column("reads", torch.float64)

    def observe(self, match: Match) -> None:
        foreground = match.segmentation.owner > 0
        share = match.mass(foreground).double() / (len(match.groups) * foreground.sum().clamp(min=1))
        frames, row = self.bank.frame.unique(return_inverse=True)
        now = sums(row, share, len(frames))[row]
        relevance, reads = self.relevance.values, self.reads.values
        relevance.copy_(torch.where(reads > 0, relevance.lerp(now, 1 - self.smoothing), now))
        reads.add_(1)

    def score(self, frame: int) -> Tensor:  # noqa: ARG002
        held, reads = self.bank.by_age(), self.reads.values
        frames, row = self.bank.frame[held].unique(return_inverse=True)
        total = torch.zeros_like(frames, dtype=torch.float64).scatter_(0, row, reads[held]).sum()
        bound = (total.clamp(min=1).log() / (reads + self.prior)).sqrt()
        return self.relevance.values + self.freshness * bound
