"""A frame as a strategy may look at it: what is predicted for it, and the tokens that it brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.models.base import Keys


@dataclass(frozen=True)
class Segmentation:
    """The soft masks of the O objects followed so far, float [O,H',W'], in order of appearance.

    H' and W' are those of the network's input, multiples of its `stride` in pixels. What is derived from the masks is
    computed when asked for, once. Objects count from 1, 0 is background. Where keys alone are known, as in a
    simulation, `soft` is None, and asking raises VosbenchError.
    """

    soft: Tensor | None = None
    stride: int = 16

    @property
    def masks(self) -> Tensor:
        """[O,H',W'], in 0..1."""
        if self.soft is None:
            raise VosbenchError("the strategy asks for masks where none are predicted", "use it in a full run")
        return self.soft

    @cached_property
    def labels(self) -> Tensor:
        """The most probable of background and objects in each pixel, int64 [H',W']."""
        return _most_probable(self.masks)

    @cached_property
    def owner(self) -> Tensor:
        """To whom each token belongs, int64 [P]: the most probable label of the masks pooled to the stride."""
        return _most_probable(F.avg_pool2d(self.masks.float(), self.stride)).flatten()

    @cached_property
    def areas(self) -> Tensor:
        """Pixels of each label, int64 [O+1]."""
        return torch.stack([(self.labels == label).sum() for label in range(len(self.masks) + 1)])

    @cached_property
    def confidence(self) -> Tensor:
        """Mean probability of each object inside its own label, float32 [O]; 0 where it has no pixel."""
        inside = [(mask * (self.labels == label)).sum() for label, mask in enumerate(self.masks, 1)]
        return torch.stack(inside).float() / self.areas[1:].clamp(min=1)


@dataclass(frozen=True)
class FrameTokens:
    """The tokens of one frame, on their way into the bank.

    key float32 [P,CK]; values one tensor per object group, [P,O,CV]; P positions in row-major order; `extras` what
    tokens of the network have beside these, [P,C] by name.
    `annotated` frames bring an object's first mask; they are always written. `segmentation` holds the masks from
    which the values were encoded, and to whom each token belongs.
    """

    frame: int
    key: Tensor
    values: tuple[Tensor, ...]
    annotated: bool
    segmentation: Segmentation = field(default_factory=Segmentation)
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.key)

    @property
    def keys(self) -> Keys:
        """Keys with extras."""
        return Keys(self.key, self.extras)


def _most_probable(masks: Tensor) -> Tensor:
    """[O,...] -> int64 [...]: 0 where the background, the rest of the probability, is at least as probable."""
    best, index = masks.max(0)
    return torch.where(best > 1 - masks.sum(0), index + 1, 0)
