"""STCN, the matching network under every strategy.

Cheng, Tai, Tang, "Rethinking Space-Time Networks with Improved Memory Coverage for Efficient Video Object
Segmentation", NeurIPS 2021. A key encoder sees the image only; a value encoder sees image and mask, once per
object; a decoder turns what the memory returns into a mask. One class serves the published network and a narrow
one, whose key encoder is another: the configuration holds what differs.

Shapes below are for a frame padded to multiples of 16: H, W; h = H/16, w = W/16; O objects; CK, CV channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.errors import unknown
from vosbench.models.affinity import METRICS, Metric, affinity
from vosbench.models.base import FrameStep, Keys, Network, Spec, State
from vosbench.models.convolution import convolve, per_object
from vosbench.models.geometry import at_once
from vosbench.models.precision import DTYPES, Precision
from vosbench.models.stcn.blocks import FeatureFuser
from vosbench.models.stcn.decoder import Decoder, DecoderFrame
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
        x = F.max_pool2d(convolve(self.conv1, frame, self.bn1, activation="relu"), 3, 2, 1)
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
        self.fuser = FeatureFuser(planes[2], f16_channels, config.value_dim, config.gate_reduction)

    def of_frame(self, f16: Tensor) -> tuple[Tensor, Tensor]:
        """What the encoder makes of the features of frames alone, [B,C16,h,w]."""
        return self.fuser.block1.of_frame(f16)

    def forward(self, x: Tensor, of_frame: tuple[Tensor, Tensor]) -> Tensor:
        """x [B*O,5,H,W], frame by frame."""
        x = F.max_pool2d(convolve(self.conv1, x, self.bn1, activation="relu"), 3, 2, 1)
        return self.fuser(self.layer3(self.layer2(self.layer1(x))), of_frame)


class KeyProjection(nn.Module):
    """Features at stride 16 to the key."""

    def __init__(self, inputs: int, key_dim: int) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(inputs, key_dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return convolve(self.key_proj, x)


@dataclass(frozen=True)
class FrameFeatures:
    """Features of one frame, and what the network makes of them alone: once, when it is first asked for."""

    network: "STCN" = field(repr=False)
    keys: KeyFeatures

    @cached_property
    def of_decoder(self) -> DecoderFrame:
        keys = self.keys
        return self.network.launch(self.network.decoder.of_frame, keys.thin, keys.f8, keys.f4)

    @cached_property
    def of_value_encoder(self) -> tuple[Tensor, Tensor]:
        return self.network.launch(self.network.value_encoder.of_frame, self.keys.f16)


class STCN(Network):
    """In training whole batches (`encode_key`, `object_values`, `decoder`); at inference a Network over these."""

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
        self.decoder = Decoder(config.value_dim, config.decoder_planes, c8, c4)

    # Batches of B frames

    def encode_key(self, frames: Tensor) -> KeyFeatures:
        """frames: normalised RGB, float [B,3,H,W], H and W multiples of 16."""
        f16, f8, f4 = self.key_encoder(frames)
        return KeyFeatures(self.key_proj(f16), convolve(self.key_comp, f16), f16, f8, f4)

    def object_values(self, frames: Tensor, of_frame: tuple[Tensor, Tensor], masks: Tensor) -> Tensor:
        """Values of O objects: frames [B,3,H,W], what the value encoder makes of their f16, masks [B,O,H,W] in 0..1 ->
        [B,O,CV,h,w].

        The fifth input channel is the sum of the other objects' masks (zero where there is one object).
        """
        every = masks.sum(1, keepdim=True)
        values = []
        for own in masks.split(at_once(len(masks) * masks.shape[2:].numel()), 1):
            others = every - own if masks.shape[1] > 1 else torch.zeros_like(own)
            planes = torch.stack([own, others], 2).flatten(0, 1)
            stacked = torch.cat([per_object(frames, own.shape[1]), planes], 1)
            values.append(self.value_encoder(stacked, of_frame).unflatten(0, (len(masks), -1)))
        return torch.cat(values, 1)

    def _key(self, frames: Tensor) -> Tensor:
        return self.key_proj(self.key_encoder(frames)[0])

    # The frames of a video, one by one

    @property
    def spec(self) -> Spec:
        return Spec("stcn", self.config.key_dim, self.config.value_dim, STRIDE)

    def encode(self, frame: Tensor) -> FrameFeatures:
        return FrameFeatures(self, self.launch(self.encode_key, frame.to(self.dtype)))

    def tokens(self, features: FrameFeatures) -> Keys:
        return _as_rows(features.keys.key)

    def keys(self, frame: Tensor) -> tuple[Keys, Keys]:
        keys = _as_rows(self.launch(self._key, frame.to(self.dtype)))
        return keys, keys

    def scores(self, keys: Keys, query: Keys, out: Tensor | None = None) -> Tensor:
        return affinity(keys.key, query.key, self.affinity, out)

    def decode(
        self, readout: Tensor, features: FrameFeatures, state: State, joint: Tensor, step: FrameStep
    ) -> tuple[Tensor, State]:
        return self._logits(readout, features), state

    def encode_value(
        self, frame: Tensor, features: FrameFeatures, masks: Tensor, before: State, state: State, step: FrameStep
    ) -> tuple[Tensor, State]:
        return self._values(frame, features, masks[None])[0], state

    def decode_several(
        self,
        readouts: Sequence[Tensor],
        features: FrameFeatures,
        states: Sequence[State],
        joints: Sequence[Tensor],
        steps: Sequence[FrameStep],
    ) -> list[tuple[Tensor, State]]:
        logits = self._logits(torch.cat([*readouts]), features)
        return list(zip(logits.split([len(readout) for readout in readouts]), states, strict=True))

    def encode_several(
        self,
        frame: Tensor,
        features: FrameFeatures,
        masks: Sequence[Tensor],
        before: Sequence[State],
        states: Sequence[State],
        steps: Sequence[FrameStep],
    ) -> list[tuple[Tensor, State]]:
        frames = frame.expand(len(masks), -1, -1, -1)
        values = self._values(frames, features, torch.stack([*masks]))
        return list(zip(values, states, strict=True))

    def _logits(self, readout: Tensor, features: FrameFeatures) -> Tensor:
        objects, rows, columns = len(readout), *readout.shape[-2:]
        logits = torch.empty(objects, rows * STRIDE, columns * STRIDE, device=readout.device)
        size = at_once(logits[:1].numel())
        for start in range(0, objects, size):
            part = readout[start : start + size].to(self.dtype)
            logits[start : start + size] = self.launch(self.decoder, part, features.of_decoder)[:, 0]
        return logits

    def _values(self, frames: Tensor, features: FrameFeatures, masks: Tensor) -> Tensor:
        given = frames.to(self.dtype), features.of_value_encoder, masks.to(self.dtype)
        return self.launch(self.object_values, *given).float()

    def compute_in(self, precision: Precision) -> None:
        self.precision = precision
        self.to(self.dtype)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and features."""
        return DTYPES[self.precision]

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
    return Keys(key[0].flatten(1).T.float())
