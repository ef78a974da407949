"""What a strategy held after each frame of a video, token by token, in a small file. Free of torch.

A token is known by its number, `frame * tokens per frame + position`. What is kept is which of them came and went with
each frame, as runs of following numbers: a frame that is written whole is one run, whatever its size. The file is an
NPZ: `grid`, `picture`, `frames`, and `changes`, which are `base.varints`: of each frame the runs that went, then those
that came; of each of the two how many there are, then pairs: how far a run begins after the last number of the run
before (the first one: after 0), and its length.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vosbench.base.atomic import replacing
from vosbench.base.varints import pack, unpack
from vosbench.errors import VosbenchError

if TYPE_CHECKING:
    from vosbench.memory.bank import MemoryBank
    from vosbench.models.geometry import Geometry


@dataclass(frozen=True)
class MemoryTrace:
    """What a strategy held of one video.

    grid: rows and columns of a frame's tokens.
    picture: left, top, width and height of the picture on that grid, in tokens; around it is padding.
    frames: how many were looked at: those of the video, unless `at` chose some.
    changes: see above.
    """

    grid: tuple[int, int]
    picture: tuple[float, float, float, float]
    frames: int
    changes: bytes

    @property
    def tokens_per_frame(self) -> int:
        """Tokens of a frame that is written whole."""
        return self.grid[0] * self.grid[1]

    def events(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of each frame the numbers of the tokens that went and of those that came, int64 [N] each, ascending."""
        numbers, at = unpack(self.changes), 0
        for _ in range(self.frames):
            found = []
            for _ in range(2):
                count = int(numbers[at])
                gaps, lengths = numbers[at + 1 : at + 1 + 2 * count].reshape(count, 2).T
                at += 1 + 2 * count
                starts = np.cumsum(gaps + np.concatenate([[0], lengths - 1])[:count])
                before = np.cumsum(lengths) - lengths
                found.append(np.repeat(starts - before, lengths) + np.arange(lengths.sum()))
            yield found[0], found[1]

    def held(self) -> Iterator[np.ndarray]:
        """Of each frame how often each position is held after it, int16 [frames,rows,columns]: one array, changed."""
        held = np.zeros(self.frames * self.tokens_per_frame, np.int16)
        for gone, come in self.events():
            np.subtract.at(held, gone, 1)
            np.add.at(held, come, 1)
            yield held.reshape(self.frames, *self.grid)

    def written(self) -> tuple[int, ...]:
        """The frames that the strategy wrote, whole or in part."""
        return tuple(t for t, (_, come) in enumerate(self.events()) if (come // self.tokens_per_frame == t).any())

    def at(self, frames: Sequence[int]) -> "MemoryTrace":
        """The same seen after these frames alone, ascending: a change spans all that happened since the one before."""
        if len(frames) == self.frames:
            return self
        changes, before, wanted = [], np.zeros(self.frames * self.tokens_per_frame, np.int16), set(frames)
        for t, held in enumerate(self.held()):
            if t in wanted:
                more = held.ravel() - before
                for sign in (-1, 1):
                    some = np.flatnonzero(sign * more > 0)
                    changes.append(pack(runs_of(np.repeat(some, np.abs(more[some])))))
                before = held.ravel().copy()
        return replace(self, frames=len(frames), changes=b"".join(changes))

    def write(self, path: Path) -> None:
        """Write it to `path`, whole or not at all. Raises VosbenchError if the file cannot be written."""
        with replacing(path, "memory trace") as temporary, temporary.open("wb") as file:
            changes = np.frombuffer(self.changes, np.uint8)
            np.savez_compressed(file, grid=self.grid, picture=self.picture, frames=self.frames, changes=changes)

    @classmethod
    def read(cls, path: Path) -> "MemoryTrace":
        """The trace in `path`. Raises VosbenchError if it is missing or broken."""
        try:
            with path.open("rb") as opened, np.load(opened) as file:
                rows, columns = file["grid"].tolist()
                left, top, width, height = file["picture"].tolist()
                found = cls((rows, columns), (left, top, width, height), int(file["frames"]), bytes(file["changes"]))
            for _ in found.events():
                pass
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            hint = "run again with keep_memory_trace=True (--keep-memory-trace)"
            raise VosbenchError(f"cannot read memory trace {path}: {error}", hint) from None
        return found


class MemoryWatch:
    """Watches a bank from frame to frame, and makes a trace of what it saw."""

    def __init__(self) -> None:
        self._slots = np.zeros(0, np.int64)  # the number of the token in each slot, -1 where there is none
        self._changes: list[bytes] = []
        self._geometry: Geometry | None = None

    def look(self, bank: "MemoryBank", geometry: "Geometry") -> None:
        """See what the bank holds after one more frame. On a GPU this waits for the strategy to have written."""
        self._geometry = geometry
        frame, position, occupied = (t.cpu().numpy() for t in (bank.frame, bank.position, bank.occupied))
        now = np.where(occupied, frame * bank.tokens_per_frame + position, -1)
        before = np.full(len(now), -1)
        before[: len(self._slots)] = self._slots
        changed = now != before
        parts = [runs_of(np.sort(tokens[changed & (tokens >= 0)])) for tokens in (before, now)]
        self._changes.append(b"".join(map(pack, parts)))
        self._slots = now

    def trace(self) -> MemoryTrace:
        """What was seen so far, of one frame at least."""
        geometry = self._geometry
        assert geometry is not None
        (height, width), (left, _, top, _), stride = geometry.inference, geometry.padding, geometry.stride
        picture = left / stride, top / stride, width / stride, height / stride
        return MemoryTrace(geometry.grid, picture, len(self._changes), b"".join(self._changes))


def runs_of(numbers: np.ndarray) -> np.ndarray:
    """How many runs of following ones there are in ascending numbers, and the pair of each, int64 [1+2N]; a number that
    is there twice begins a run of its own.
    """
    if not len(numbers):
        return np.zeros(1, np.int64)
    first = np.flatnonzero(np.diff(numbers, prepend=-9) != 1)
    starts, lengths = numbers[first], np.diff(first, append=len(numbers))
    gaps = starts - np.concatenate([[0], (starts + lengths - 1)[:-1]])
    return np.concatenate([[len(first)], np.stack([gaps, lengths], 1).ravel()])
