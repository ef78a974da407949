"""Between the pixels of a file and the tensors of a network: normalise, resize, pad, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Pixels of all objects that are dealt with at once: ten objects at 480p. A crowd takes no more memory.
PIXELS = ContextVar("PIXELS", default=2**22)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, of RGB / 255


@dataclass(frozen=True)
class Geometry:
    """Sizes of a video in pixels: its own, that of inference, and the padding (left, right, top, bottom).

    `stride` is the distance of two tokens in pixels; `resize` the interpolation of images; `mean` and `std` those by
    which RGB / 255 is normalised, before it is resized and padded with zeros.
    """

    original: tuple[int, int]
    inference: tuple[int, int]
    padding: tuple[int, int, int, int]
    stride: int = 16
    resize: str = "bicubic"
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD

    @classmethod
    def of(cls, height: int, width: int, shorter_side: int | None, stride: int = 16, **how: Any) -> "Geometry":
        """The shorter side resized to `shorter_side` (None: not), padded evenly to multiples of `stride`; `how`: other
        fields.
        """
        size = height, width
        if shorter_side is not None:
            short = min(size)
            size = height * shorter_side // short, width * shorter_side // short
        down, right = (-size[0]) % stride, (-size[1]) % stride
        padding = right // 2, right - right // 2, down // 2, down - down // 2
        return cls((height, width), size, padding, stride, **how)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a frame's tokens."""
        left, right, top, bottom = self.padding
        return (self.inference[0] + top + bottom) // self.stride, (self.inference[1] + left + right) // self.stride

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        return self.grid[0] * self.stride, self.grid[1] * self.stride

    @property
    def tokens(self) -> int:
        """Tokens per frame."""
        rows, columns = self.grid
        return rows * columns

    def prepare(self, rgb: np.ndarray, device: torch.device) -> Tensor:
        """RGB uint8 [H,W,3] to the network's input, float32 [1,3,H',W']; resized without antialiasing."""
        rgb = np.array(rgb, order="C")  # torch takes no array that is read-only or runs backwards
        host = torch.from_numpy(rgb)
        if device.type == "cuda":  # the host would wait, until all that was asked for is done, to copy other memory
            host = host.pin_memory()
        pixels = host.to(device, non_blocking=True).permute(2, 0, 1)[None].float()
        pixels.div_(255).sub_(_of_channels(self.mean, device)).div_(_of_channels(self.std, device))
        if self.inference != self.original:
            pixels = F.interpolate(pixels, self.inference, mode=self.resize, align_corners=False)
        return F.pad(pixels, self.padding)

    def prepare_masks(self, masks: np.ndarray, device: torch.device) -> Tensor:
        """One plane for each object, bool [O,H,W], to float32 [O,H',W']; nearest."""
        planes = torch.from_numpy(masks)[None].to(device).float()
        if self.inference != self.original:
            planes = F.interpolate(planes, self.inference, mode="nearest")
        return F.pad(planes, self.padding)[0]

    def restore(self, probabilities: Tensor) -> Tensor:
        """[C,H',W'] to the video's own size, [C,H,W]: unpadded, then bilinear."""
        left, _, top, _ = self.padding
        inner = probabilities[None, :, top : top + self.inference[0], left : left + self.inference[1]]
        if self.inference != self.original:
            inner = F.interpolate(inner, self.original, mode="bilinear", align_corners=False)
        return inner[0]


def at_once(pixels: int) -> int:
    """How many planes of so many pixels are dealt with at once."""
    return max(1, PIXELS.get() // pixels)


@contextmanager
def at_most(pixels: int) -> Iterator[None]:
    """Deal with so many pixels at once at most, within the block."""
    token = PIXELS.set(min(PIXELS.get(), pixels))
    try:
        yield
    finally:
        PIXELS.reset(token)


@cache
def _of_channels(values: tuple[float, ...], device: torch.device) -> Tensor:
    """A number for each channel, float32 [3,1,1]; kept, since every copy to a GPU is waited for."""
    return torch.tensor(values, device=device)[:, None, None]
