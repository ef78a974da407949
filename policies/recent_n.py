"""recent-n: annotated frames, and the n latest ones.

Source: Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024: a queue of the 6 latest memories beside
those of the conditioning frames. Fidelity: adapted: no temporal encoding and no object pointers; `stride` spaces the
frames of the queue by writing every stride-th one. Its horizon is short: what left the queue is forgotten.
"""

from collections import deque
from dataclasses import dataclass

from torch import Tensor

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.policy import MemoryPolicy, Step, VideoInfo, parameter


@dataclass
class RecentN(MemoryPolicy):
    """Annotated frames are pinned; the others queue."""

    n: int = parameter(6, "frames", "length of the queue", at_least=1)
    stride: int = parameter(1, "frames", "distance between writes", at_least=1)

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.queue: deque[Tensor] = deque()

    def admit(self, step: Step) -> bool:
        return step.since_write >= self.stride

    def write(self, tokens: FrameTokens) -> None:
        if not tokens.annotated and len(self.queue) == self.n:
            self.bank.free(self.queue.popleft())
        slots = self.bank.insert(tokens)
        if tokens.annotated:
            self.bank.pin(slots)
        else:
            self.queue.append(slots)
