"""first-and-latest: the annotated frame, and the latest one.

Source: Oh et al., "Video Object Segmentation using Space-Time Memory Networks", ICCV 2019; the paper's baseline
at the same memory as its LFU with 2 frames. Fidelity: faithful; where objects appear later, the frame that
annotates them stays as well, so the memory holds one frame for each annotated one, and the latest. Needs a value
in every frame, and has no view from between.
"""

from torch import Tensor

from vosbench.memory.bank import FrameTokens
from vosbench.memory.policy import LatestPolicy


class FirstAndLatest(LatestPolicy):
    """Annotated frames are pinned; the latest frame overwrites the one before it."""

    def store(self, tokens: FrameTokens) -> Tensor | None:
        slots = self.bank.insert(tokens)
        if not tokens.annotated:
            return slots
        self.bank.pin(slots)
        return None
