"""lfu-plain: hits without age.

Source: a control for the paper's index / age, "Adaptive Memory Management for Video Object Segmentation", III-D.1:
the textbook LFU, whose score is the number of appearances among the top k since the write. Fidelity: faithful. Old
tokens never leave, since young ones have had no time to be hit.
"""

from torch import Tensor

from vosbench.memory.policy import FrequencyPolicy


class LFUPlain(FrequencyPolicy):
    """References are appearances among the top k; age does not count."""

    def worth(self, age: Tensor) -> Tensor:  # noqa: ARG002
        return self.references.values.double()
