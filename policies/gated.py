"""gated: any strategy, but it writes only where the prediction is confident.

Source: Liu et al., "Learning Quality-aware Dynamic Memory for Video Object Segmentation" (QDMN), ECCV 2022, and Yang
et al., "SAMURAI", 2024. The confidence of a frame is the least, over the objects that are predicted to be seen, of
the mean probability inside the object's label; 0 where none is. A frame that `base` would write is written if its
confidence is above `threshold`, or if nothing was written for `timeout` frames. Fidelity: adapted: no learned score.
Without the timeout it would deadlock: an old memory keeps the confidence low, and so keeps the memory old.
"""

from dataclasses import dataclass

import torch

from vosbench.memory.policy import Step, WrappingPolicy, parameter


@dataclass
class Gated(WrappingPolicy):
    """The base strategy behind a gate."""

    threshold: float = parameter(0.7, "", "mean probability that a frame must exceed", at_least=0)
    timeout: int = parameter(25, "frames", "longest time without a write that base asks for", at_least=1)

    def admit(self, step: Step) -> bool:
        return self.base.admit(step) and (step.since_write >= self.timeout or self._confident(step))

    def _confident(self, step: Step) -> bool:
        confidence, seen = step.segmentation.confidence, step.segmentation.areas[1:] > 0
        least = confidence.masked_fill(~seen, torch.inf).amin()
        return bool((least > self.threshold) & seen.any())
