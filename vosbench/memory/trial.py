"""Drives a strategy over generated keys and masks, through the real bank, in the order of the inference loop."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vosbench.memory.bank import MemoryBank
from vosbench.memory.frame import FrameTokens, Segmentation
from vosbench.memory.policy import LookAhead, MemoryPolicy, VideoInfo
from vosbench.memory.session import VideoMemory
from vosbench.models.affinity import affinity
from vosbench.models.base import Extra, Keys, Similarity, Spec

VALUE_DIM, STRIDE = 3, 16


def l2(keys: Keys, query: Keys, out: Tensor | None = None) -> Tensor:
    """The similarity of keys that have nothing beside them."""
    return affinity(keys.key, query.key, out=out)


def anisotropic(keys: Keys, query: Keys, out: Tensor | None = None) -> Tensor:
    """That of XMem (ECCV 2022, section 3.3): -shrinkage * sum of selection * (key - query key)^2 / sqrt(CK)."""
    difference = (query.key[:, None] - keys.key).square()
    scale = keys.extras["shrinkage"][:, 0] / keys.key.shape[1] ** 0.5
    return torch.mul((difference * query.extras["selection"][:, None]).sum(2), -scale, out=out)


@dataclass(frozen=True)
class TrialVideo:
    """What a strategy sees of a video whose P tokens lie in one row.

    keys float32 [T,P,CK]; soft float32 [T,O,P], the probability of each object in each token; `appearing` says how
    many of the objects come in which frame, the first ones first. `scores` compares keys, of which it may need
    `extras`, [T,P,C] by name.
    """

    keys: Tensor
    soft: Tensor
    appearing: dict[int, int]
    name: str = "trace"
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    scores: Similarity = l2

    @property
    def tokens(self) -> Keys:
        """Keys with extras."""
        return Keys(self.keys, self.extras)

    @property
    def spec(self) -> Spec:
        """Of a network that would make such tokens."""
        extras = {name: Extra(extra.shape[2]) for name, extra in self.extras.items()}
        return Spec("trace", self.keys.shape[2], VALUE_DIM, STRIDE, extras=extras)

    def with_extras(self) -> "TrialVideo":
        """The same keys under the similarity of XMem."""
        generator = torch.Generator().manual_seed(len(self.keys))
        frames, positions, channels = self.keys.shape
        shrinkage = 1 + torch.rand(frames, positions, 1, generator=generator)
        selection = torch.rand(frames, positions, channels, generator=generator)
        return replace(self, extras={"shrinkage": shrinkage, "selection": selection}, scores=anisotropic)

    @classmethod
    def draw(
        cls, frames: int = 23, positions: int = 6, seed: int = 0, appearing: dict[int, int] | None = None
    ) -> "TrialVideo":
        """Keys that wander, so that near frames match and far ones do not, and objects that come and go."""
        appearing = appearing or {0: 2}
        generator = torch.Generator().manual_seed(seed)
        start = torch.randn(1, positions, 4, generator=generator)
        steps = torch.randn(frames, positions, 4, generator=generator)
        drift = torch.randn(frames, sum(appearing.values()) + 1, positions, generator=generator).cumsum(0)
        return cls(start + 0.3 * steps.cumsum(0), drift.softmax(1)[:, 1:], appearing)

    def to(self, device: str) -> "TrialVideo":
        """The same trace on another device."""
        moved = self.tokens.map(lambda tensor: tensor.to(device))
        return replace(self, keys=moved.key, extras=moved.extras, soft=self.soft.to(device))

    def masks(self, frame: int) -> Tensor:
        """Soft masks of the objects that have appeared by `frame`, [O,16,16 P]."""
        objects = sum(count for first, count in self.appearing.items() if first <= frame)
        return self.soft[frame, :objects, None].repeat_interleave(STRIDE, 2).expand(-1, STRIDE, -1)

    def info(self, policy: MemoryPolicy, top_k: int) -> VideoInfo:
        """What the strategy may know beforehand."""
        frames, positions = self.keys.shape[:2]
        info = VideoInfo(self.name, frames, positions)
        if policy.needs_truth:
            info = replace(info, truth=lambda frame: (self.masks(frame) > 0.5).float())
        if policy.needs_future:
            annotated = tuple(sorted(self.appearing))
            info = replace(info, future=LookAhead(self.tokens, self.tokens, annotated, top_k, self.scores))
        return info


@dataclass(frozen=True)
class Held:
    """The bank after one frame: its tokens as (frame, position), in that order; and what was read in the frame."""

    frame: int
    tokens: tuple[tuple[int, int], ...]
    pinned: frozenset[tuple[int, int]]
    readouts: tuple[Tensor, ...]


def drive(
    policy: MemoryPolicy, trace: TrialVideo, top_k: int = 4, dtype: torch.dtype = torch.float32
) -> Iterator[tuple[Held, MemoryBank]]:
    """Run the strategy over the trace; yields what is held after every frame. PolicyError for any fault of it."""
    frames, positions = trace.keys.shape[:2]
    bank = MemoryBank(trace.spec, trace.scores, positions, trace.keys.device)
    memory = VideoMemory(policy, bank)
    memory.start(trace.info(policy, top_k))
    for t in range(frames):
        keys, predicted, appearing = trace.tokens[t], Segmentation(trace.masks(t)), trace.appearing.get(t, 0)
        readouts: list[Tensor] = []
        if memory.groups:
            readouts, match = memory.read(t, keys, top_k)
            memory.observe(match, predicted)
        if appearing:
            memory.add_objects(t, appearing)
        written = memory.asks_for(t, predicted, bool(appearing), last=t == frames - 1)
        if written is not None:
            values = _values(written, memory.groups, t, dtype)
            memory.write(FrameTokens(t, keys.key, values, bool(appearing), written, keys.extras))
        memory.verify(f"frame {t}")
        slots = bank.by_age()
        tokens = tuple(zip(bank.frame[slots].tolist(), bank.position[slots].tolist(), strict=True))
        pinned = frozenset(token for token, pin in zip(tokens, bank.pinned[slots].tolist(), strict=True) if pin)
        yield Held(t, tokens, pinned, tuple(readouts)), bank


def _values(segmentation: Segmentation, groups: list[int], frame: int, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Of each group [P,O,3]: its masks at stride 16, the frame, 1."""
    masks = segmentation.masks[:, 0, ::STRIDE].T
    values = torch.stack([masks, torch.full_like(masks, frame), torch.ones_like(masks)], 2)
    return values.to(dtype).split(groups, 1)


def held(policy: MemoryPolicy, trace: TrialVideo, top_k: int = 4) -> list[tuple[tuple[int, int], ...]]:
    """The tokens held after every frame."""
    return [now.tokens for now, _ in drive(policy, trace, top_k)]
