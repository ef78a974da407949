"""Convolutions with what follows them, and convolutions that see each object of a frame beside the frame.

At inference (`folding.for_inference`) what a convolution makes of a frame alone is computed once for all its objects,
and on a CPU convolutions are fused with what follows them (`onednn.py`, `winograd.py`).
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["none", "relu", "relu6"]


class Fused(nn.Conv2d, ABC):
    """A convolution in a form for inference on a CPU. Elsewhere, and where there are gradients, it is a plain one."""

    dtypes: ClassVar[tuple[torch.dtype, ...]] = (torch.float32, torch.bfloat16)

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(1, 1, 1, device="meta")
        vars(self).update(vars(conv))  # it takes over all that the convolution is made of
        self.prepared: Any = None  # weights in another order or basis, when they were first used

    @classmethod
    @abstractmethod
    def fits(cls, conv: nn.Conv2d) -> bool:
        """Whether this form computes such a convolution, faster than others."""

    @abstractmethod
    def fused(self, x: Tensor, add: Tensor | None, activation: Activation) -> Tensor:
        """The convolution of x, plus `add`, rectified: [B,O,H,W], channels last."""

    def forward(self, x: Tensor, add: Tensor | None = None, activation: Activation = "none") -> Tensor:
        usable = x.device.type == "cpu" and x.dtype == self.weight.dtype and x.dtype in self.dtypes
        if usable and not (x.requires_grad or self.weight.requires_grad):
            return self.fused(x.contiguous(memory_format=torch.channels_last), add, activation)
        return finish(super().forward(x), add, activation)

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        """Move or cast: what was prepared of the weights is prepared anew."""
        self.prepared = None
        return super()._apply(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """For copies, without what is in an order that cannot be copied."""
        return self.__dict__ | {"prepared": None}


def convolve(
    conv: nn.Module,
    x: Tensor,
    norm: nn.Module | None = None,
    add: Tensor | None = None,
    activation: Activation = "none",
) -> Tensor:
    """x convolved by `conv`, or one with its norm, plus `add`, rectified; `add` [B,...] goes to all objects, x
    [B*O,...].
    """
    if isinstance(conv, nn.Sequential):
        conv, norm = conv
    if isinstance(conv, Fused):
        return conv(x, add, activation)
    y = conv(x)
    return finish(y if norm is None else norm(y), add, activation)


def finish(y: Tensor, add: Tensor | None, activation: Activation = "none") -> Tensor:
    """y plus `add`, rectified, in place."""
    if add is not None:
        y.unflatten(0, (len(add), -1)).add_(add[:, None])
    if activation == "none":
        return y
    return F.relu(y, inplace=True) if activation == "relu" else F.relu6(y, inplace=True)


class JointConv2d(nn.Conv2d):
    """A convolution over `own` channels of an object, then those of its frame, which `of_frame` prepares for all."""

    def __init__(self, own: int, frame: int, outputs: int) -> None:
        super().__init__(own + frame, outputs, 3, padding=1)
        self.own = own

    def of_frame(self, frame: Tensor) -> Tensor:
        return frame

    def forward(self, x: Tensor, frame: Tensor, activation: Activation = "none") -> Tensor:  # type: ignore[override]
        """x [B*O,...], frame by frame."""
        return finish(super().forward(torch.cat([x, per_object(frame, len(x) // len(frame))], 1)), None, activation)


class SplitConv2d(nn.Module):
    """The same at inference: a convolution of an object's channels, and one of its frame's, which has the bias."""

    def __init__(self, joint: JointConv2d) -> None:
        super().__init__()
        parts = joint.weight.split([joint.own, joint.in_channels - joint.own], 1)
        self.own, self.frame = (
            _with(part.contiguous(), bias) for part, bias in zip(parts, (None, joint.bias), strict=True)
        )

    def of_frame(self, frame: Tensor) -> Tensor:
        return convolve(self.frame, frame)

    def forward(self, x: Tensor, frame: Tensor, activation: Activation = "none") -> Tensor:
        return convolve(self.own, x, add=frame, activation=activation)


def _with(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    made = nn.Conv2d(weight.shape[1], len(weight), 3, padding=1, bias=bias is not None, device="meta")
    made.weight = nn.Parameter(weight, requires_grad=False)
    made.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)
    return made


def per_object(x: Tensor, objects: int) -> Tensor:
    """[B,...] to [B*O,...], each frame repeated for its objects; a view where B is 1."""
    return x[:, None].expand(-1, objects, *x.shape[1:]).flatten(0, 1)
