"""oracle-masks: any strategy, but its values are written from ground-truth masks.

Source: a reference: what the strategy would reach if no error of a prediction ever entered the memory. Fidelity: the
decisions of `base` are its own, on what is predicted. Needs a mask for every frame, so it runs on data sets with
dense labels only; it cheats, and belongs in no comparison but as a bound.
"""

from torch import Tensor

from vosbench.memory.policy import Step, WrappingPolicy


class OracleMasks(WrappingPolicy):
    """The base strategy, with true masks."""

    needs_truth = True

    def masks(self, step: Step) -> Tensor:
        assert self.video.truth is not None  # it was asked for
        return self.video.truth(step.frame)
