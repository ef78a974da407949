"""every-k: append every k-th frame and keep them all.

Source: Oh et al., STM, ICCV 2019 (k = 5); Cheng et al., STCN, NeurIPS 2021, whose `include_last` is the parameter
`last`: a temporary latest frame, which the next write flushes. Fidelity: faithful. Memory and the cost of a read
grow linearly with the video; `last` needs a value in every frame.
"""

from dataclasses import dataclass

from torch import Tensor

from vosbench.memory.bank import FrameTokens
from vosbench.memory.policy import LatestPolicy, Step, parameter


@dataclass
class EveryK(LatestPolicy):
    """Unbounded memory of every k-th frame."""

    k: int = parameter(5, "frames", "distance between the frames that stay", at_least=1)
    last: bool = parameter(False, "", "hold the latest frame too, until the next write")

    def admit(self, step: Step) -> bool:
        return self.last or step.frame - self.kept >= self.k

    def store(self, tokens: FrameTokens) -> Tensor | None:
        slots = self.bank.insert(tokens)
        return None if self.keeps(tokens, self.k) else slots
