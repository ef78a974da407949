"""latest-only: every frame replaces the one before it.

Source: a control. Fidelity: faithful. Fails by drift, and cannot find an object again once it was hidden.
"""

from dataclasses import dataclass

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.policy import MemoryPolicy, Step, VideoInfo


@dataclass
class LatestOnly(MemoryPolicy):
    """One frame of memory: the latest."""

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        bank.bound(video.tokens_per_frame)
        self.latest = None

    def admit(self, step: Step) -> bool:  # noqa: ARG002
        return True

    def write(self, tokens: FrameTokens) -> None:
        if self.latest is not None:
            self.bank.free(self.latest)
        self.latest = self.bank.insert(tokens)
