"""The residual networks of STCN's two encoders, up to and including the third stage (stride 16).

Names of modules are those of the published checkpoints, so that a `stcn.pth` loads with strict=True.
"""

from typing import Literal

from torch import Tensor, nn

from vosbench.models.convolution import convolve


class BasicBlock(nn.Module):
    """Two 3x3 convolutions (He et al. 2016, ResNet-18)."""

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int, bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=bias)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _projection(inputs, planes * self.expansion, stride, bias)

    def forward(self, x: Tensor) -> Tensor:
        y = convolve(self.conv1, x, self.bn1, activation="relu")
        return convolve(self.conv2, y, self.bn2, add=_shortcut(self.downsample, x), activation="relu")


class Bottleneck(nn.Module):
    """1x1, 3x3 (which takes the stride), 1x1 to four times the planes (ResNet-50)."""

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int, bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=bias)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=bias)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.downsample = _projection(inputs, planes * self.expansion, stride, bias)

    def forward(self, x: Tensor) -> Tensor:
        y = convolve(self.conv1, x, self.bn1, activation="relu")
        y = convolve(self.conv2, y, self.bn2, activation="relu")
        return convolve(self.conv3, y, self.bn3, add=_shortcut(self.downsample, x), activation="relu")


BLOCKS: dict[str, type[BasicBlock] | type[Bottleneck]] = {"basic": BasicBlock, "bottleneck": Bottleneck}
BlockName = Literal["basic", "bottleneck"]


def _projection(inputs: int, outputs: int, stride: int, bias: bool) -> nn.Sequential | None:
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=bias), nn.BatchNorm2d(outputs))


def _shortcut(projection: nn.Sequential | None, x: Tensor) -> Tensor:
    return x if projection is None else convolve(projection, x)


def stage(block: BlockName, inputs: int, planes: int, depth: int, stride: int, bias: bool) -> nn.Sequential:
    """`depth` blocks, the first of which takes the stride; the output has planes x expansion channels."""
    kind = BLOCKS[block]
    first = kind(inputs, planes, stride, bias)
    return nn.Sequential(first, *(kind(planes * kind.expansion, planes, 1, bias) for _ in range(depth - 1)))
