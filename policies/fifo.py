"""fifo: first in, first out, with the first frame permanent.

Source: Cheng et al., "Putting the Object Back into Video Object Segmentation" (Cutie), CVPR 2024: writes every
5 frames, keeps the first frame and the latest others, 5 frames in all. Fidelity: faithful. Frames that annotate
objects appearing later are ordinary ones here. Forgets views from the middle of its range.
"""

from dataclasses import dataclass

from torch import Tensor

from vosbench.memory.policy import BoundedPolicy, parameter


@dataclass
class Fifo(BoundedPolicy):
    """The oldest frame that is not the first leaves."""

    capacity: float = parameter(5.0, "frames", "size of the bank", at_least=1)
    pin_first: bool = parameter(True, "", "never evict the first annotated frame")

    def score(self, frame: int) -> Tensor:  # noqa: ARG002
        return self.bank.frame
