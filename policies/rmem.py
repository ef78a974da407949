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
        self.relevance = torch.zeros(video.frames, dtype=torch.float64, device=bank.frame.device)
        self.reads = torch.zeros_like(self.relevance)

    def observe(self, match: Match) -> None:
        foreground = match.segmentation.owner > 0
        share = match.mass(foreground).double() / (len(match.groups) * foreground.sum().clamp(min=1))
        now = torch.zeros_like(self.relevance).scatter_add_(0, self.bank.frame, share)
        held = torch.zeros_like(self.reads).scatter_add_(0, self.bank.frame, self.bank.occupied.double())
        smoothed = torch.where(self.reads > 0, self.relevance.lerp(now, 1 - self.smoothing), now)
        self.relevance = torch.where(held > 0, smoothed, 0)
        self.reads = torch.where(held > 0, self.reads + 1, 0)

    def score(self, frame: int) -> Tensor:  # noqa: ARG002
        bound = (self.reads.sum().clamp(min=1).log() / (self.reads + self.prior)).sqrt()
        return (self.relevance + self.freshness * bound)[self.bank.frame]
