"""The blocks that STCN is made of."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.models.convolution import JointConv2d, convolve, finish


class ResBlock(nn.Module):
    """Pre-activated 3x3 residual block without normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.downsample = nn.Conv2d(inputs, outputs, 3, padding=1) if inputs != outputs else None
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = convolve(self.conv1, F.relu(x), activation="relu")
        return convolve(self.conv2, y, add=x if self.downsample is None else convolve(self.downsample, x))


class JointResBlock(nn.Module):
    """The same of `own` channels of each object and `frame` channels of its frame, one after the other."""

    def __init__(self, own: int, frame: int, outputs: int) -> None:
        super().__init__()
        self.downsample = JointConv2d(own, frame, outputs)
        self.conv1 = JointConv2d(own, frame, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def of_frame(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """What the block makes of frames [B,...] alone."""
        return self.conv1.of_frame(F.relu(frame)), self.downsample.of_frame(frame)

    def forward(self, x: Tensor, of_frame: tuple[Tensor, Tensor]) -> Tensor:
        """x [B*O,...], frame by frame."""
        y = self.conv1(F.relu(x), of_frame[0], "relu")
        return convolve(self.conv2, y, add=self.downsample(x, of_frame[1]))


class ChannelGate(nn.Module):
    """CBAM's channel gate (Woo et al. 2018): average and maximum pooling through one shared MLP."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = channels // reduction
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, x: Tensor) -> Tensor:
        gate = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return x * torch.sigmoid(gate)[:, :, None, None]


class SpatialGate(nn.Module):
    """CBAM's spatial gate: maximum and mean over channels through one 7x7 convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = nn.Sequential()
        self.spatial.add_module("conv", nn.Conv2d(2, 1, 7, padding=3))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.spatial(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)))


class CBAM(nn.Module):
    """Convolutional block attention: channel gate, then spatial gate."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.ChannelGate = ChannelGate(channels, reduction)
        self.SpatialGate = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        return self.SpatialGate(self.ChannelGate(x))


class FeatureFuser(nn.Module):
    """Joins the value encoder's features of each object with the key encoder's of the frame."""

    def __init__(self, inputs: int, frame: int, outputs: int, reduction: int) -> None:
        super().__init__()
        self.block1 = JointResBlock(inputs, frame, outputs)
        self.attention = CBAM(outputs, reduction)
        self.block2 = ResBlock(outputs, outputs)

    def forward(self, x: Tensor, of_frame: tuple[Tensor, Tensor]) -> Tensor:
        """x [B*O,...]; what `block1.of_frame` makes of f16 [B,...]."""
        x = self.block1(x, of_frame)
        return self.block2(x + self.attention(x))


class UpsampleBlock(nn.Module):
    """Doubles the resolution and adds the skip connection of the frame, convolved by `skip_conv`."""

    def __init__(self, skip: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.skip_conv = nn.Conv2d(skip, inputs, 3, padding=1)
        self.out_conv = ResBlock(inputs, outputs)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """skip [B,...] of B frames, convolved, and x [B*O,...] of their objects, frame by frame."""
        return self.out_conv(finish(resize(x, 2), skip))


def resize(x: Tensor, factor: int) -> Tensor:
    """Bilinear, to `factor` times the size."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
