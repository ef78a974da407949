"""How a limit of memory is shared out: what objects, tokens and strategies take of it is counted before it is taken.

An eighth is for the objects that go through the network at once, a sixteenth for the scores of a read (`MemoryBank`), a
sixteenth for answers that strategies share. The rest is for a frame in the network, for what each strategy holds from
frame to frame, tokens and probabilities, and for what passes in a frame: readouts, logits, values.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from vosbench.memory.attention import Scratch
from vosbench.models.base import Spec
from vosbench.models.geometry import Geometry, at_most
from vosbench.models.graphs import capture_after

KEPT = 2**28  # bytes of answers that are kept at most, without a limit
COLUMNS = 64  # bytes that a token has in columns, at most
PICTURE = 1024  # bytes that a network takes for a pixel of a frame and one object, as full-size STCN does in float32
PASS = 512  # and for a pixel of each object more that goes through it at once


@dataclass
class Room:
    """A limit in bytes (None: there is none), and what each strategy on a video has of it, by a number of its own; the
    scores of their reads lie in one `scratch`.
    """

    limit: int | None
    scratch: Scratch
    taken: dict[int, int] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Bytes of answers that may be kept for other strategies."""
        return KEPT if self.limit is None else min(KEPT, self.limit // 16)

    @property
    def apart(self) -> int:
        """Bytes that are for the network, for scores and for answers."""
        return 0 if self.limit is None else self.limit // 8 + self.limit // 16 + self.kept

    def suffices(self, needs: "Needs") -> bool:
        """Whether the limit is enough for a frame under one strategy whose memory is still empty."""
        return self.limit is None or self.apart + needs.picture + needs.planes + needs.passing < self.limit

    def beside(self, number: int) -> int:
        """Bytes that are not for the strategy of that number."""
        return self.apart + sum(self.taken.values()) - self.taken.get(number, 0)

    @contextmanager
    def in_parts(self) -> Iterator[None]:
        """Within it, where there is a limit, fewer objects are dealt with at once, and no CUDA graph holds memory."""
        if self.limit is None:
            yield
            return
        with at_most(self.limit // 8 // PASS), capture_after(0):
            yield


def enough(needs: "Needs", frames: float) -> int:
    """A limit, in bytes, that is enough for one strategy that holds so many frames, while its memory grows, too."""
    needed = needs.picture + needs.planes + needs.passing + math.ceil(2 * frames * needs.tokens)
    return -(-4 * needed // 3) + 64  # `apart` is a quarter at most


def in_megabytes(limit: int) -> str:
    """A limit as an option takes it, rounded up."""
    return f"{-(-limit // 10**6)}MB"


@dataclass(frozen=True)
class Needs:
    """Bytes that a video takes under one strategy: `picture` a frame in the network, for all strategies; `planes` the
    probabilities of the objects in a frame, with those of the background; `passing` what else there is of them while a
    frame lasts; `tokens` those of one frame in memory.
    """

    picture: int
    planes: int
    passing: int
    tokens: int

    @classmethod
    def of(cls, objects: int, geometry: Geometry, spec: Spec) -> "Needs":
        """Those of so many objects.

        What passes: the probabilities of the frame before; with them a readout and logits, or values thrice, as the
        network gives them, as the strategy gets them, and as the bank writes them.
        """
        pixels = math.prod(geometry.padded)
        plane, values = 4 * pixels, 4 * spec.value_dim * geometry.tokens
        keys = (4 * (spec.key_dim + sum(extra.channels for extra in spec.extras.values())) + COLUMNS) * geometry.tokens
        passing = objects * max(2 * plane + values, plane + 3 * values)
        return cls(PICTURE * pixels, (1 + objects) * plane, passing, keys + objects * values)
