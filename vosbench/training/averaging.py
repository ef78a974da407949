"""The exponential moving average of the weights over a training, which is steadier than the weights of any one step."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    """A running mean of a network's parameters and buffers in which a step counts `1 - decay` of what the next does.

    Early on, when few steps are behind, the mean forgets faster: after n updates with min(decay, n / (n + 10)). Counts
    (integers) are the network's own.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after a step."""
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 10))
        averages, values = [], []
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                averages.append(self.state[name])
                values.append(value)
            else:
                self.state[name].copy_(value)
        torch._foreach_lerp_(averages, values, 1 - decay)  # one launch on a GPU, not one for each tensor

    def load(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Go on from the `state`, of the same network, that `updates` updates led to."""
        self.updates = updates
        for name, value in state.items():
            self.state[name].copy_(value)
