"""Between the pixels of a file and the tensors of the network: normalise, resize, pad, and back."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vosbench.models.stcn.network import MEAN, STD, STRIDE


@dataclass(frozen=True)
class Geometry:
    """Sizes of a video in pixels: its own, that of inference, and the padding (left, right, top, bottom)."""

    original: tuple[int, int]
    inference: tuple[int, int]
    padding: tuple[int, int, int, int]

    @classmethod
    def of(cls, height: int, width: int, shorter_side: int | None) -> "Geometry":
        """Resized so that the shorter side is `shorter_side` (None: not), then padded evenly to multiples of 16."""
        size = height, width
        if shorter_side is not None:
            short = min(size)
            size = height * shorter_side // short, width * shorter_side // short
        down, right = (-size[0]) % STRIDE, (-size[1]) % STRIDE
        return cls((height, width), size, (right // 2, right - right // 2, down // 2, down - down // 2))

    @property
    def tokens(self) -> int:
        """Tokens per frame: positions at stride 16."""
        left, right, top, bottom = self.padding
        return (self.inference[0] + top + bottom) // STRIDE * ((self.inference[1] + left + right) // STRIDE)

    def prepare(self, rgb: np.ndarray, device: torch.device) -> Tensor:
        """RGB uint8 [H,W,3] to the network's input, float32 [1,3,H',W']; bicubic without antialiasing, as STCN."""
        rgb = np.array(rgb, order="C")  # torch takes no array that is read-only or runs backwards
        pixels = torch.from_numpy(rgb).to(device, non_blocking=True).permute(2, 0, 1)[None].float() / 255
        mean, std = (pixels.new_tensor(value)[:, None, None] for value in (MEAN, STD))
        pixels = (pixels - mean) / std
        if self.inference != self.original:
            pixels = F.interpolate(pixels, self.inference, mode="bicubic", align_corners=False)
        return F.pad(pixels, self.padding)

    def prepare_masks(self, masks: np.ndarray, device: torch.device) -> Tensor:
        """One plane for each object, bool [O,H,W], to float32 [1,O,H',W']; nearest, as STCN."""
        planes = torch.from_numpy(masks)[None].to(device).float()
        if self.inference != self.original:
            planes = F.interpolate(planes, self.inference, mode="nearest")
        return F.pad(planes, self.padding)

    def restore(self, probabilities: Tensor) -> Tensor:
        """[1,C,H',W'] to the video's own size, [C,H,W]: unpadded, then bilinear."""
        left, _, top, _ = self.padding
        inner = probabilities[:, :, top : top + self.inference[0], left : left + self.inference[1]]
        if self.inference != self.original:
            inner = F.interpolate(inner, self.original, mode="bilinear", align_corners=False)
        return inner[0]
