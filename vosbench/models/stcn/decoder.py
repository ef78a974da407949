"""STCN's decoder: what is read from the memory, and the features of the frame, to a mask."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.models.convolution import convolve
from vosbench.models.stcn.blocks import JointResBlock, UpsampleBlock, resize


class DecoderFrame(NamedTuple):
    """What the decoder makes of B frames alone, for all their objects."""

    compress: tuple[Tensor, Tensor]  # [B,C,h,w]
    skip8: Tensor  # [B,C,H/8,W/8]
    skip4: Tensor  # [B,C,H/4,W/4]


class Decoder(nn.Module):
    """Readout and skips to one logit per pixel."""

    def __init__(self, value_dim: int, planes: tuple[int, int, int], f8_channels: int, f4_channels: int) -> None:
        super().__init__()
        wide, middle, narrow = planes
        self.compress = JointResBlock(value_dim, value_dim, wide)
        self.up_16_8 = UpsampleBlock(f8_channels, wide, middle)
        self.up_8_4 = UpsampleBlock(f4_channels, middle, narrow)
        self.pred = nn.Conv2d(narrow, 1, 3, padding=1)

    def of_frame(self, thin: Tensor, f8: Tensor, f4: Tensor) -> DecoderFrame:
        """What it makes of the features of frames; see KeyFeatures."""
        skips = convolve(self.up_16_8.skip_conv, f8), convolve(self.up_8_4.skip_conv, f4)
        return DecoderFrame(self.compress.of_frame(thin), *skips)

    def forward(self, readout: Tensor, frame: DecoderFrame) -> Tensor:
        """Logits [B*O,1,H,W]: readout [B*O,CV,h,w], frame by frame."""
        x = self.up_8_4(frame.skip4, self.up_16_8(frame.skip8, self.compress(readout, frame.compress)))
        return resize(convolve(self.pred, F.relu(x, inplace=True)), 4)
