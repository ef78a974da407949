"""every-k: append every k-th frame and keep them all.

Source: Oh et al., STM, ICCV 2019 (k = 5); Cheng et al., STCN, NeurIPS 2021, whose `include_last` is the parameter
`last`: a temporary latest frame, which the next write flushes. Fidelity: faithful. Memory and the cost of a read
grow linearly with the video; `last` needs a value in every frame.
"""

from dataclasses import dataclass

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.policy import MemoryPolicy, Step, VideoInfo, parameter


@dataclass
class EveryK(MemoryPolicy):
    """Unbounded memory of every k-th frame."""

    k: int = parameter(5, "frames", "distance between the frames that stay", at_least=1)
    last: bool = parameter(False, "", "hold the latest frame too, until the next write")

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.kept = 0  # the last frame that stays
        self.temporary = None

    def admit(self, step: Step) -> bool:
        return self.last or step.frame - self.kept >= self.k

    def write(self, tokens: FrameTokens) -> None:
        if self.temporary is not None:
            self.bank.free(self.temporary)
        slots = self.bank.insert(tokens)
        stays = tokens.annotated or tokens.frame - self.kept >= self.k
        self.temporary = None if stays else slots
        if stays:
            self.kept = tokens.frame
