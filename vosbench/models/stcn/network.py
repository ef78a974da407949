"""STCN, the matching network under every strategy.

Cheng, Tai, Tang, "Rethinking Space-Time Networks with Improved Memory Coverage for Efficient Video Object
Segmentation", NeurIPS 2021. A key encoder sees the image only; a value encoder sees image and mask, once per
object; a decoder turns what the memory returns into a mask. One class serves the published network and a narrow
one, whose key encoder is another: the configuration holds what differs.

Shapes below are for a frame padded to multiples of 16: H, W; h = H/16, w = W/16; O objects; CK, CV channels.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.models.stcn.mobile import EfficientNetLite0
from vosbench.models.stcn.resnet import BLOCKS, BlockName, stage

STRIDE = 16
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class STCNConfig:
    """Widths of the network, in channels; depths in blocks per stage. The defaults are the published STCN.

    `key_block`, `key_planes` and `key_depths` are those of a residual key encoder; EfficientNet-Lite0 has its own.
    """

    key_network: Literal["resnet", "efficientnet-lite0"] = "resnet"
    key_block: BlockName = "bottleneck"
    key_planes: tuple[int, int, int] = (64, 128, 256)
    key_depths: tuple[int, int, int] = (3, 4, 6)
    value_planes: tuple[int, int, int] = (64, 128, 256)
    value_depths: tuple[int, int, int] = (2, 2, 2)
    key_dim: int = 64
    value_dim: int = 512
    decoder_planes: tuple[int, int, int] = (512, 256, 256)
    gate_reduction: int = 16


STCN_TINY = STCNConfig(
    key_network="efficientnet-lite0",
    value_planes=(24, 48, 96),
    value_depths=(1, 1, 1),
    key_dim=64,
    value_dim=128,
    decoder_planes=(128, 64, 32),
    gate_reduction=8,
)
CONFIGS: dict[str, STCNConfig] = {"stcn": STCNConfig(), "stcn-tiny": STCN_TINY}


class KeyFeatures(NamedTuple):
    """What the key encoder makes of B frames; none of it depends on masks."""

    key: Tensor  # [B,CK,h,w]
    thin: Tensor  # [B,CV,h,w], joins the memory's answer in the decoder
    f16: Tensor  # [B,C16,h,w], joins the value encoder
    f8: Tensor  # [B,C8,H/8,W/8], decoder skip
    f4: Tensor  # [B,C4,H/4,W/4], decoder skip


class ResBlock(nn.Module):
    """Pre-activated 3x3 residual block without normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.downsample = nn.Conv2d(inputs, outputs, 3, padding=1) if inputs != outputs else None
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.conv1(F.relu(x))))
        return y + (x if self.downsample is None else self.downsample(x))


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
    """Joins the value encoder's features with the key encoder's."""

    def __init__(self, inputs: int, outputs: int, reduction: int) -> None:
        super().__init__()
        self.block1 = ResBlock(inputs, outputs)
        self.attention = CBAM(outputs, reduction)
        self.block2 = ResBlock(outputs, outputs)

    def forward(self, x: Tensor, f16: Tensor) -> Tensor:
        x = self.block1(torch.cat([x, f16], 1))
        return self.block2(x + self.attention(x))


class ResNetKeyEncoder(nn.Module):
    """Image to features at strides 4, 8 and 16, of `channels` each."""

    def __init__(self, config: STCNConfig) -> None:
        super().__init__()
        planes, depths, block = config.key_planes, config.key_depths, config.key_block
        expansion = BLOCKS[block].expansion
        self.channels = tuple(expansion * width for width in planes)
        self.conv1 = nn.Conv2d(3, planes[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.res2 = stage(block, planes[0], planes[0], depths[0], 1, bias=False)
        self.layer2 = stage(block, planes[0] * expansion, planes[1], depths[1], 2, bias=False)
        self.layer3 = stage(block, planes[1] * expansion, planes[2], depths[2], 2, bias=False)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(frame))), 3, 2, 1)
        f4 = self.res2(x)
        f8 = self.layer2(f4)
        return self.layer3(f8), f8, f4


class ValueEncoder(nn.Module):
    """Image, one object's mask and the sum of the others' masks (5 channels) to that object's value."""

    def __init__(self, config: STCNConfig, f16_channels: int) -> None:
        super().__init__()
        planes, depths = config.value_planes, config.value_depths
        self.conv1 = nn.Conv2d(5, planes[0], 7, 2, 3)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.layer1 = stage("basic", planes[0], planes[0], depths[0], 1, bias=True)
        self.layer2 = stage("basic", planes[0], planes[1], depths[1], 2, bias=True)
        self.layer3 = stage("basic", planes[1], planes[2], depths[2], 2, bias=True)
        self.fuser = FeatureFuser(planes[2] + f16_channels, config.value_dim, config.gate_reduction)

    def forward(self, x: Tensor, f16: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fuser(x, f16)


class KeyProjection(nn.Module):
    """Features at stride 16 to the key."""

    def __init__(self, inputs: int, key_dim: int) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(inputs, key_dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.key_proj(x)


class UpsampleBlock(nn.Module):
    """Doubles the resolution and adds the skip connection."""

    def __init__(self, skip: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.skip_conv = nn.Conv2d(skip, inputs, 3, padding=1)
        self.out_conv = ResBlock(inputs, outputs)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        return self.out_conv(self.skip_conv(skip) + _resize(x, 2))


class Decoder(nn.Module):
    """Readout and skips to one logit per pixel."""

    def __init__(self, config: STCNConfig, f8_channels: int, f4_channels: int) -> None:
        super().__init__()
        wide, middle, narrow = config.decoder_planes
        self.compress = ResBlock(2 * config.value_dim, wide)
        self.up_16_8 = UpsampleBlock(f8_channels, wide, middle)
        self.up_8_4 = UpsampleBlock(f4_channels, middle, narrow)
        self.pred = nn.Conv2d(narrow, 1, 3, padding=1)

    def forward(self, x: Tensor, f8: Tensor, f4: Tensor) -> Tensor:
        x = self.up_8_4(f4, self.up_16_8(f8, self.compress(x)))
        return _resize(self.pred(F.relu(x)), 4)


def _resize(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class STCN(nn.Module):
    """The network, as three functions: `encode_key`, `encode_value` and `decode`."""

    def __init__(self, config: STCNConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or STCNConfig()
        residual = config.key_network == "resnet"
        self.key_encoder = ResNetKeyEncoder(config) if residual else EfficientNetLite0()
        c4, c8, c16 = self.key_encoder.channels
        self.value_encoder = ValueEncoder(config, c16)
        self.key_proj = KeyProjection(c16, config.key_dim)
        self.key_comp = nn.Conv2d(c16, config.value_dim, 3, padding=1)
        self.decoder = Decoder(config, c8, c4)

    def encode_key(self, frames: Tensor) -> KeyFeatures:
        """frames: normalised RGB, float [B,3,H,W], H and W multiples of 16."""
        f16, f8, f4 = self.key_encoder(frames)
        return KeyFeatures(self.key_proj(f16), self.key_comp(f16), f16, f8, f4)

    def encode_value(self, frames: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """Values of O objects: frames [B,3,H,W], f16 [B,C16,h,w], masks [B,O,H,W] in 0..1 -> [B,O,CV,h,w].

        The fifth input channel is the sum of the other objects' masks (zero where there is one object).
        """
        objects = masks.shape[1]
        others = masks.sum(1, keepdim=True) - masks if objects > 1 else torch.zeros_like(masks)
        planes = torch.stack([masks, others], 2).flatten(0, 1)
        stacked = torch.cat([_per_object(frames, objects), planes], 1)
        return self.value_encoder(stacked, _per_object(f16, objects)).unflatten(0, (-1, objects))

    def decode(self, readout: Tensor, features: KeyFeatures) -> Tensor:
        """Logits of O objects: readout [B,O,CV,h,w] and the features of the same B frames -> [B,O,H,W]."""
        objects = readout.shape[1]
        thin, f8, f4 = (_per_object(f, objects) for f in (features.thin, features.f8, features.f4))
        logits = self.decoder(torch.cat([readout.flatten(0, 1), thin], 1), f8, f4)
        return logits.unflatten(0, (-1, objects))[:, :, 0]


def _per_object(x: Tensor, objects: int) -> Tensor:
    """[B,...] to [B*O,...], each frame repeated for its objects; a view where B is 1."""
    return x[:, None].expand(-1, objects, *x.shape[1:]).flatten(0, 1)


def aggregate(probabilities: Tensor) -> Tensor:
    """Logits of background and O objects from independent probabilities: [B,O,H,W] -> [B,O+1,H,W].

    Soft aggregation (Oh et al., STM, 2019): background = product of (1 - p); the softmax of the result is the
    joint probability. Clamped to [1e-7, 1 - 1e-7] before the logit, as the published STCN does.
    """
    background = (1 - probabilities).prod(1, keepdim=True)
    return torch.logit(torch.cat([background, probabilities], 1), eps=1e-7)
