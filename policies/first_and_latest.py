"""first-and-latest: the annotated frame, and the latest one.

Source: Oh et al., "Video Object Segmentation using Space-Time Memory Networks", ICCV 2019; the paper's baseline
at the same memory as its LFU with 2 frames. Fidelity: faithful; where objects appear later, the frame that
annotates them stays as well, so the memory holds one frame for each annotated one, and the latest. Needs a value
in every frame, and has no view from between.
"""

from dataclasses import dataclass

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.policy import MemoryPolicy, Step, VideoInfo


@dataclass
class FirstAndLatest(MemoryPolicy):
    """Annotated frames are pinned; the latest frame overwrites the one before it."""

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.latest = None

    def admit(self, step: Step) -> bool:  # noqa: ARG002
        return True

    def write(self, tokens: FrameTokens) -> None:
        if self.latest is not None:
            self.bank.free(self.latest)
        slots = self.bank.insert(tokens)
        self.latest = None if tokens.annotated else slots
        if tokens.annotated:
            self.bank.pin(slots)
