"""The contract of a memory strategy. A strategy decides; the bank acts and verifies.

Order of a frame t: memory read, decode, `observe`, `admit`, `masks`, encode value, `write`. So the hits of frame t
count before an eviction at t, and a token written at t is first read at t + 1. Annotated frames (an object's first
mask) are written without asking `admit`, and the last frame of a video is never written.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.memory.answer import answer_of
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.frame import Segmentation
from vosbench.memory.match import Match
from vosbench.models.base import Keys, Similarity


@dataclass(frozen=True)
class LookAhead:
    """All reads of a video that is still to come, for a strategy that `needs_future`.

    The `tokens` that each frame would bring and its `queries`, keys float32 [T,P,CK] and extras [T,P,C]; `annotated`
    frames bring objects; the rest says how the memory is read.
    """

    tokens: Keys
    queries: Keys
    annotated: tuple[int, ...]
    top_k: int
    scores: Similarity


@dataclass(frozen=True)
class VideoInfo:
    """What a strategy may know of a video beforehand: lengths in frames, tokens per frame.

    A strategy that `needs_length` is told the number of frames; others may be given None, where nobody knows it.
    A strategy that `needs_truth` is given the true masks too: `truth(frame)`, float32 [O,H',W'] of the objects
    followed so far; one that `needs_future` all keys. Others are given None.
    """

    name: str
    frames: int | None
    tokens_per_frame: int
    truth: Callable[[int], Tensor] | None = None
    future: LookAhead | None = None

    def generator(self, seed: int) -> torch.Generator:
        """Random numbers, on the host, that depend on the seed and the name of the video alone."""
        digest = hashlib.blake2b(f"{seed} {self.name}".encode(), digest_size=8).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest) >> 1)


@dataclass(frozen=True)
class Step:
    """Where the video is: this frame, the frame that was last written, and what is predicted for this one."""

    frame: int
    last_write: int
    segmentation: Segmentation = field(default_factory=Segmentation)
    annotated: bool = False

    @property
    def since_write(self) -> int:
        """Frames since the last write."""
        return self.frame - self.last_write


def parameter(default: Any, unit: str, about: str, at_least: float | None = None) -> Any:
    """A field of a strategy that a spec may set: its unit ("frames"), what it does, its least value."""
    return field(default=default, metadata={"unit": unit, "about": about, "at_least": at_least})


def strategy(default: str, about: str) -> Any:
    """A field that holds another strategy: a spec names it, `base=lfu(capacity=4)`, and the registry builds it."""
    return field(default=default, metadata={"unit": "", "about": about, "at_least": None, "strategy": True})


@dataclass
class MemoryPolicy(ABC):
    """A memory strategy. The fields of a subclass, a dataclass if it has any, are what a spec may set: see `parameter`.

    Everything that a strategy remembers of a video is set in `start`, so that one instance serves many videos.
    """

    @property
    def needs_truth(self) -> bool:
        """Whether the strategy cheats with ground-truth masks. For references."""
        return False

    @property
    def needs_future(self) -> bool:
        """Whether the strategy cheats with the keys of frames still to come. For references."""
        return False

    @property
    def is_reference(self) -> bool:
        """Whether the strategy is a bound for others, and no entry of a comparison. Tables say so, and
        mark it neither as best nor as second. One that cheats is; another may say so by `is_reference = True`.
        """
        return self.needs_truth or self.needs_future

    @property
    def needs_length(self) -> bool:
        """Whether the strategy must know how many frames there will be."""
        return self.needs_future

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        """A new video, with an empty bank: bound it here, add columns here."""
        self.video = video
        self.bank = bank

    def observe(self, match: Match) -> None:  # noqa: B027 - a strategy may have no use for statistics
        """The memory read of a frame, before anything is written in it."""

    @abstractmethod
    def admit(self, step: Step) -> bool:
        """Whether this frame, which has no annotation, is written."""

    def masks(self, step: Step) -> Tensor:
        """The soft masks [O,H',W'] from which the values of a written frame are encoded: those predicted."""
        return step.segmentation.masks

    def write(self, tokens: FrameTokens) -> None:
        """Put a frame into the bank. By default as many victims leave as there is room short, then it enters."""
        shortfall = self.bank.may_leave(self.bank.shortfall(len(tokens)))
        if shortfall:
            with answer_of(self.victims):
                victims = self.victims(shortfall, tokens)
                if isinstance(victims, Tensor) and len(victims) != shortfall:
                    hint = "name exactly as many as asked for"
                    raise VosbenchError(f"names {len(victims)} slots, not the {shortfall} asked for", hint)
                self.bank.free(victims)
        self.bank.insert(tokens)

    def victims(self, count: int, incoming: FrameTokens) -> Tensor:
        """The `count` slots that make room for `incoming`, int64 [count]; a strategy that bounds its bank has some."""
        raise NotImplementedError(f"{type(self).__name__} bounds its bank but names no victims")


@dataclass
class LatestPolicy(MemoryPolicy):
    """Writes every frame, and may keep some of its tokens until the next write only."""

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.temporary: Tensor | None = None
        self.kept = 0  # the last frame of which tokens stay

    def admit(self, step: Step) -> bool:  # noqa: ARG002
        return True

    def write(self, tokens: FrameTokens) -> None:
        if self.temporary is not None:
            with answer_of(self.store):
                self.bank.free(self.temporary)
        self.temporary = self.store(tokens)

    def keeps(self, tokens: FrameTokens, every: int) -> bool:
        """Whether it is time to let tokens of a frame stay: in annotated ones, and `every` frames after the last."""
        due = tokens.annotated or tokens.frame - self.kept >= every
        self.kept = tokens.frame if due else self.kept
        return due

    @abstractmethod
    def store(self, tokens: FrameTokens) -> Tensor | None:
        """Insert the tokens; returns the slots, int64 [n], which the next write frees (None: all stay)."""


@dataclass
class WrappingPolicy(MemoryPolicy):
    """Leaves everything to the strategy `base`; a subclass changes what it wants to."""

    base: MemoryPolicy = strategy("lfu", "the strategy that is wrapped")  # noqa: RUF009

    needs_truth = property(attrgetter("base.needs_truth"))
    needs_future = property(attrgetter("base.needs_future"))
    needs_length = property(attrgetter("base.needs_length"))

    @property
    def is_reference(self) -> bool:
        return super().is_reference or self.base.is_reference

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.base.start(video, bank)

    def observe(self, match: Match) -> None:
        self.base.observe(match)

    def admit(self, step: Step) -> bool:
        return self.base.admit(step)

    def masks(self, step: Step) -> Tensor:
        return self.base.masks(step)

    def write(self, tokens: FrameTokens) -> None:
        self.base.write(tokens)


@dataclass
class BoundedPolicy(MemoryPolicy):
    """Writes every `every`-th frame into a bank of `capacity` frames; exactly the tokens of lowest score leave."""

    capacity: float = parameter(2.0, "frames", "size of the bank", at_least=1)
    every: int = parameter(5, "frames", "distance between writes", at_least=1)
    pin_first: bool = parameter(False, "", "never evict the first annotated frame")

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        bank.bound(int(self.capacity * video.tokens_per_frame))

    def admit(self, step: Step) -> bool:
        return step.since_write >= self.every

    def write(self, tokens: FrameTokens) -> None:
        first = self.bank.count == 0
        super().write(tokens)
        if first and self.pin_first:
            self.bank.pin(torch.arange(len(tokens), device=tokens.key.device))

    def victims(self, count: int, incoming: FrameTokens) -> Tensor:
        with answer_of(self.score):
            return self.bank.lowest(self.score(incoming.frame), count)

    @abstractmethod
    def score(self, frame: int) -> Tensor:
        """Worth of every slot at `frame`, [extent]; the lowest leave first."""


@dataclass
class FrequencyPolicy(BoundedPolicy):
    """Least frequently used: score = references since the write / age in frames (the paper, III-D.1)."""

    min_age: int = parameter(0, "frames", "younger tokens leave only when no older one is left", at_least=0)
    references_dtype = torch.int32

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        self.references = bank.add_column("references", self.references_dtype)

    def observe(self, match: Match) -> None:
        with answer_of(self.count):
            self.references.values.add_(self.count(match))

    def count(self, match: Match) -> Tensor:
        """What one read adds to the index of each slot, [extent]: here, how often it is among the top k of a pixel."""
        return match.hits()

    def score(self, frame: int) -> Tensor:
        age = frame - self.bank.frame
        with answer_of(self.worth):
            return self.worth(age).masked_fill(age < self.min_age, torch.inf)

    def worth(self, age: Tensor) -> Tensor:
        """Worth of every slot of an `age` in frames, float64 [extent]."""
        return self.references.values.double() / age
