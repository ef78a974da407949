"""random: chance decides who leaves.

Source: a control. Tokens, or with `frames` whole frames, leave with equal probability; the draws depend on `seed`
and on the video's name. Fidelity: faithful. Its fault is its variance: run it with several seeds.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.memory.bank import MemoryBank
from vosbench.memory.policy import BoundedPolicy, VideoInfo, parameter


@dataclass
class Random(BoundedPolicy):
    """Score = a number drawn anew for each eviction."""

    frames: bool = parameter(False, "", "whole frames leave instead of single tokens")
    seed: int = parameter(0, "", "of the random numbers")

    @property
    def needs_length(self) -> bool:
        return self.frames

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.random = video.generator(self.seed)

    def score(self, frame: int) -> Tensor:  # noqa: ARG002
        device = self.bank.frame.device
        if self.frames:
            assert self.video.frames is not None  # it was asked for
            return torch.rand(self.video.frames, generator=self.random).to(device)[self.bank.frame]
        score = torch.zeros(self.bank.extent, device=device)
        score[self.bank.by_age()] = torch.rand(self.bank.count, generator=self.random).to(device)
        return score
