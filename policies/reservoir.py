"""reservoir: a uniform sample of all frames so far.

Source: Vitter, "Random Sampling with a Reservoir", ACM TOMS 1985, algorithm R: of K frames of memory, the n-th
candidate enters with probability K / n and replaces a uniformly drawn frame, so that every candidate is held with
the same probability. Candidates are annotated frames, which enter always, and the frames `every` after the
candidate before. The draws depend on `seed` and on the video's name. Fidelity: faithful. Adapts slowly: late in a
video a new frame is hardly ever taken.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.policy import BoundedPolicy, Step, VideoInfo, parameter


@dataclass
class Reservoir(BoundedPolicy):
    """Vitter's algorithm R over frames."""

    seed: int = parameter(0, "", "of the random numbers")
    needs_length = True

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.random = video.generator(self.seed)
        self.candidates = self.last_candidate = 0

    def admit(self, step: Step) -> bool:
        if step.frame - self.last_candidate < self.every:
            return False
        self._count(step.frame)
        return float(torch.rand((), generator=self.random)) < self.capacity / self.candidates

    def write(self, tokens: FrameTokens) -> None:
        if tokens.annotated:
            self._count(tokens.frame)
        super().write(tokens)

    def score(self, frame: int) -> Tensor:  # noqa: ARG002
        assert self.video.frames is not None  # it was asked for
        draw = torch.rand(self.video.frames, generator=self.random)
        return draw.to(self.bank.frame.device)[self.bank.frame]

    def _count(self, frame: int) -> None:
        self.candidates += 1
        self.last_candidate = frame
