"""latest-only: every frame replaces the one before it.

Source: a control. Fidelity: faithful. Fails by drift, and cannot find an object again once it was hidden.
"""

from torch import Tensor

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.policy import LatestPolicy, VideoInfo


class LatestOnly(LatestPolicy):
    """One frame of memory: the latest."""

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        bank.bound(video.tokens_per_frame)

    def store(self, tokens: FrameTokens) -> Tensor:
        return self.bank.insert(tokens)
