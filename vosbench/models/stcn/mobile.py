"""The trunk of EfficientNet-Lite0, a key encoder for slow machines, up to and including its fifth stage (stride 16).

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; the Lite variant
has ReLU6 for Swish and no squeeze-and-excitation. Published weights pad stride-2 convolutions on the right and at
the bottom only; here both sides are padded alike, which moves every feature map by a constant part of a pixel.
"""

from torch import Tensor, nn

from vosbench.models.convolution import convolve

EPSILON = 1e-3  # of the batch norm, as in the published network
# expansion, kernel, stride, output channels, blocks
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3))
STEM = 32


class InvertedResidual(nn.Module):
    """1x1 to `expansion` times the channels, depthwise k x k, 1x1 back; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.adds = inputs == outputs and stride == 1
        self.expand = _convolution(inputs, wide, 1, 1) if expansion > 1 else None
        self.depthwise = _convolution(wide, wide, kernel, stride, groups=wide)
        self.project = _convolution(wide, outputs, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else convolve(self.expand, x, activation="relu6")
        y = convolve(self.depthwise, y, activation="relu6")
        return convolve(self.project, y, add=x if self.adds else None)


class EfficientNetLite0(nn.Module):
    """Image to features at strides 4, 8 and 16, of `channels` each."""

    channels = (24, 40, 112)

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(3, STEM, 3, 2)
        self.stages = nn.ModuleList()
        inputs = STEM
        for expansion, kernel, stride, outputs, depth in STAGES:
            first = InvertedResidual(inputs, outputs, expansion, kernel, stride)
            rest = (InvertedResidual(outputs, outputs, expansion, kernel, 1) for _ in range(depth - 1))
            self.stages.append(nn.Sequential(first, *rest))
            inputs = outputs

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = convolve(self.stem, frame, activation="relu6")
        f4 = self.stages[1](self.stages[0](x))
        f8 = self.stages[2](f4)
        return self.stages[4](self.stages[3](f8)), f8, f4


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs, EPSILON))
