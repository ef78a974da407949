"""STCN, the matching network under every strategy.

Cheng, Tai, Tang, "Rethinking Space-Time Networks with Improved Memory Coverage for Efficient Video Object
Segmentation", NeurIPS 2021. A key encoder sees the image only; a value encoder sees image and mask, once per
object; a decoder turns what the memory returns into a mask. One class serves the published network and a narrow
one, whose key encoder is another: the configuration holds what differs.

Shapes below are for a frame padded to multiples of 16: H, W; h = H/16, w = W/16; O objects; CK, CV channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.errors import unknown
from vosbench.models.affinity import METRICS, Metric, affinity
from vosbench.models.base import FrameStep, Keys, Network, Spec, State
from vosbench.models.stcn.blocks import FeatureFuser, ResBlock, UpsampleBlock, resize
from vosbench.models.stcn.mobile import EfficientNetLite0
from vosbench.models.stcn.resnet import BLOCKS, BlockName, stage

STRIDE = 16
FIRST_VALUE_CONVOLUTION = "value_encoder.conv1.weight"


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
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(frame)), inplace=True), 3, 2, 1)
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
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fuser(x, f16)


class KeyProjection(nn.Module):
    """Features at stride 16 to the key."""

    def __init__(self, inputs: int, key_dim: int) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(inputs, key_dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.key_proj(x)


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
        return resize(self.pred(F.relu(x, inplace=True)), 4)


class STCN(Network):
    """The network: for training, whole batches (`encode_key`, `object_values`, `object_logits`); at inference, the
    methods of a Network over these. It has no state.
    """

    def __init__(self, config: STCNConfig | None = None, affinity: Metric = "l2") -> None:
        super().__init__()
        self.config = config = config or STCNConfig()
        self.affinity: Metric = affinity
        residual = config.key_network == "resnet"
        self.key_encoder = ResNetKeyEncoder(config) if residual else EfficientNetLite0()
        c4, c8, c16 = self.key_encoder.channels
        self.value_encoder = ValueEncoder(config, c16)
        self.key_proj = KeyProjection(c16, config.key_dim)
        self.key_comp = nn.Conv2d(c16, config.value_dim, 3, padding=1)
        self.decoder = Decoder(config, c8, c4)

    # Batches of B frames

    def encode_key(self, frames: Tensor) -> KeyFeatures:
        """frames: normalised RGB, float [B,3,H,W], H and W multiples of 16."""
        f16, f8, f4 = self.key_encoder(frames)
        return KeyFeatures(self.key_proj(f16), self.key_comp(f16), f16, f8, f4)

    def object_values(self, frames: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
        """Values of O objects: frames [B,3,H,W], f16 [B,C16,h,w], masks [B,O,H,W] in 0..1 -> [B,O,CV,h,w].

        The fifth input channel is the sum of the other objects' masks (zero where there is one object).
        """
        objects = masks.shape[1]
        others = masks.sum(1, keepdim=True) - masks if objects > 1 else torch.zeros_like(masks)
        planes = torch.stack([masks, others], 2).flatten(0, 1)
        stacked = torch.cat([_per_object(frames, objects), planes], 1)
        return self.value_encoder(stacked, _per_object(f16, objects)).unflatten(0, (-1, objects))

    def object_logits(self, readout: Tensor, features: KeyFeatures) -> Tensor:
        """Logits of O objects: readout [B,O,CV,h,w] and the features of the same B frames -> [B,O,H,W]."""
        objects = readout.shape[1]
        thin = _per_object(features.thin, objects)
        logits = self.decoder(torch.cat([readout.flatten(0, 1), thin], 1), features.f8, features.f4)
        return logits.unflatten(0, (-1, objects))[:, :, 0]

    # The frames of a video, one by one

    @property
    def spec(self) -> Spec:
        return Spec("stcn", self.config.key_dim, self.config.value_dim, STRIDE)

    def encode(self, frame: Tensor) -> KeyFeatures:
        return self.encode_key(frame)

    def tokens(self, features: KeyFeatures) -> Keys:
        return _as_rows(features.key)

    def keys(self, frame: Tensor) -> tuple[Keys, Keys]:
        features, _, _ = self.key_encoder(frame)
        keys = _as_rows(self.key_proj(features))
        return keys, keys

    def scores(self, keys: Keys, query: Keys, out: Tensor | None = None) -> Tensor:
        return affinity(keys.key, query.key, self.affinity, out)

    def decode(
        self,
        readout: Tensor,
        features: KeyFeatures,
        state: State,
        joint: Tensor,  # noqa: ARG002
        step: FrameStep,  # noqa: ARG002
    ) -> tuple[Tensor, State]:
        return self.object_logits(readout[None], features)[0], state

    def encode_value(
        self,
        frame: Tensor,
        features: KeyFeatures,
        masks: Tensor,
        before: State,  # noqa: ARG002
        state: State,
        step: FrameStep,  # noqa: ARG002
    ) -> tuple[Tensor, State]:
        return self.object_values(frame, features.f16, masks[None])[0], state

    def decode_several(
        self,
        readouts: Sequence[Tensor],
        features: KeyFeatures,
        states: Sequence[State],
        joints: Sequence[Tensor],  # noqa: ARG002
        steps: Sequence[FrameStep],  # noqa: ARG002
    ) -> list[tuple[Tensor, State]]:
        logits = self.object_logits(torch.cat([*readouts])[None], features)[0]
        return list(zip(logits.split([len(readout) for readout in readouts]), states, strict=True))

    def encode_several(
        self,
        frame: Tensor,
        features: KeyFeatures,
        masks: Sequence[Tensor],
        before: Sequence[State],  # noqa: ARG002
        states: Sequence[State],
        steps: Sequence[FrameStep],  # noqa: ARG002
    ) -> list[tuple[Tensor, State]]:
        several = len(masks), -1, -1, -1
        values = self.object_values(frame.expand(several), features.f16.expand(several), torch.stack([*masks]))
        return list(zip(values, states, strict=True))

    def compare_by(self, affinity: str) -> None:
        known = {str(metric): metric for metric in METRICS}
        if affinity not in known:
            raise unknown("affinity", affinity, METRICS)
        self.affinity = known[affinity]

    # Architectures and checkpoints

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        return tuple(CONFIGS)

    @classmethod
    def build(cls, config: str = "stcn") -> Self:
        with torch.device("meta"):  # its weights come from a checkpoint
            return cls(CONFIGS[config])

    @classmethod
    def adapt(cls, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """A single-object STCN has no plane for the other objects' masks; zeros make the network ignore that plane."""
        first = state.get(FIRST_VALUE_CONVOLUTION)
        if first is not None and first.ndim == 4 and first.shape[1] == 4:
            state = state | {FIRST_VALUE_CONVOLUTION: torch.cat([first, torch.zeros_like(first[:, :1])], 1)}
        return state


def _as_rows(key: Tensor) -> Keys:
    """[1,CK,h,w] to keys [P,CK]."""
    return Keys(key[0].flatten(1).T)


def _per_object(x: Tensor, objects: int) -> Tensor:
    """[B,...] to [B*O,...], each frame repeated for its objects; a view where B is 1."""
    return x[:, None].expand(-1, objects, *x.shape[1:]).flatten(0, 1)
