"""The memory bank: preallocated slots, of which a strategy names the victims and the bank does the rest.

A slot holds one token: the key and the values of one position (stride 16) of one frame. The bank verifies what a
strategy asks of it, so that a faulty strategy fails instead of winning.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.memory.attention import Metric, affinity, readout, top_k_softmax
from vosbench.memory.frame import FrameTokens
from vosbench.memory.guard import Guard
from vosbench.memory.match import GroupMatch, Match

COLUMNS = {"frame": torch.int64, "position": torch.int64, "pinned": torch.bool, "occupied": torch.bool}


@dataclass(frozen=True)
class _Group:
    """Objects of one first frame: their values [slots,O*CV]; tokens of earlier frames are not valid for them."""

    first_frame: int
    objects: int
    values: Tensor


class MemoryBank:
    """Slots for the tokens of one video.

    `count` slots are occupied and all of them lie below `extent`; `capacity` bounds the count (None: the bank
    doubles when it is full). Counts live on the host and indices on the device, so nothing here waits for a GPU.
    Whoever owns the bank may time the copying of tokens: it happens inside `storing()`.
    """

    def __init__(
        self,
        key_dim: int,
        value_dim: int,
        tokens_per_frame: int,
        device: torch.device | str = "cpu",
        storing: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.tokens_per_frame = tokens_per_frame
        self.value_dim = value_dim
        self.storing = storing
        self.capacity: int | None = None
        self.count = self.extent = self.pinned_count = 0
        self._allocated = 0
        self._groups: list[_Group] = []
        self._columns: dict[str, Tensor] = {}
        self._free = torch.empty(0, dtype=torch.int64, device=device)
        self._guard = Guard(device)
        self._key = torch.empty(0, key_dim, device=device)
        self._scores = torch.empty(0, device=device)
        for name, dtype in COLUMNS.items():
            self.add_column(name, dtype)

    # What a strategy sees

    def bound(self, tokens: int) -> None:
        """Let the bank never hold more than `tokens`; at least one frame."""
        if tokens < self.tokens_per_frame:
            raise VosbenchError(
                f"a memory of {tokens} tokens cannot hold one frame ({self.tokens_per_frame} tokens)",
                "give the strategy a capacity of at least 1 frame",
            )
        self.capacity = tokens

    def add_column(self, name: str, dtype: torch.dtype) -> "Column":
        """A number of the strategy's own for each slot; 0 whenever a token is written to the slot."""
        if name in self._columns:
            raise VosbenchError(f"the bank has a column {name!r} already", "give the strategy's column another name")
        self._columns[name] = torch.zeros(self._allocated, dtype=dtype, device=self._key.device)
        return Column(self, name)

    @property
    def frame(self) -> Tensor:
        """Frame in which each token was written, int64 [extent]."""
        return self._columns["frame"][: self.extent]

    @property
    def position(self) -> Tensor:
        """Row-major position of each token in its frame at stride 16, int64 [extent]."""
        return self._columns["position"][: self.extent]

    @property
    def pinned(self) -> Tensor:
        """Tokens that may not be freed, bool [extent]."""
        return self._columns["pinned"][: self.extent]

    @property
    def occupied(self) -> Tensor:
        """Slots that hold a token, bool [extent]."""
        return self._columns["occupied"][: self.extent]

    @property
    def key(self) -> Tensor:
        """Keys, float32 [extent,CK]; those of slots that are not occupied mean nothing."""
        return self._key[: self.extent]

    @property
    def first_frames(self) -> tuple[int, ...]:
        """The first frame of each object group; tokens of earlier frames are not valid for the group."""
        return tuple(group.first_frame for group in self._groups)

    @property
    def values(self) -> tuple[Tensor, ...]:
        """Values of each object group, float32 [extent,O,CV]; those of tokens that are not valid mean nothing."""
        return tuple(g.values[: self.extent].unflatten(1, (g.objects, -1)) for g in self._groups)

    @property
    def nbytes(self) -> int:
        """Bytes of the keys and values that are held now."""
        per_token = self._key.shape[1] * self._key.element_size()
        per_token += sum(g.values.shape[1] * g.values.element_size() for g in self._groups)
        return self.count * per_token

    @property
    def movable(self) -> int:
        """How many tokens are not pinned."""
        return self.count - self.pinned_count

    def shortfall(self, tokens: int) -> int:
        """How many tokens must leave before `tokens` more can be inserted."""
        return 0 if self.capacity is None else max(0, self.count + tokens - self.capacity)

    def by_age(self) -> Tensor:
        """The occupied slots, int64 [count]: older frame first, then lower position."""
        age = self.frame * self.tokens_per_frame + self.position
        return torch.argsort(age.masked_fill(~self.occupied, torch.iinfo(torch.int64).max))[: self.count]

    def lowest(self, score: Tensor, count: int) -> Tensor:
        """The `count` occupied, unpinned slots of lowest score [extent]; ties: older frame, then lower position."""
        if count > self.movable:
            raise VosbenchError(
                f"the strategy must free {count} tokens but only {self.movable} are not pinned",
                "raise its capacity",
            )
        slots = self.by_age()
        slots = slots[torch.argsort(score[slots].double(), stable=True)]
        if self.pinned_count:  # a second stable sort, since a slot that may leave may itself score inf
            slots = slots[torch.argsort(self.pinned[slots].to(torch.int8), stable=True)]
        return slots[:count]

    def pin(self, slots: Tensor) -> None:
        """Never let these occupied, unpinned slots be freed."""
        known = self._check_slots(slots)
        self._columns["pinned"][known] = True
        self.pinned_count += len(slots)

    def free(self, slots: Tensor) -> None:
        """Give up the tokens in `slots`, int64 [n]: occupied, not pinned, each named once."""
        known = self._check_slots(slots)
        self._columns["occupied"][known] = False
        self._free = torch.cat([self._free, known])
        self.count -= len(known)

    def insert(self, tokens: FrameTokens, positions: Tensor | None = None) -> Tensor:
        """Write a frame's tokens, or those at `positions` only, int64 [n], into free slots; returns the slots [n]."""
        if positions is None:
            positions = torch.arange(len(tokens), device=self._key.device)
        else:
            positions = self._guard.numbers(positions, len(tokens), "positions")
        size = len(positions)
        if self.shortfall(size):
            raise VosbenchError(
                f"the strategy inserts {size} tokens into a memory with {self.count} of {self.capacity} occupied",
                "free as many as bank.shortfall says first",
            )
        reused, fresh = self._free[:size], size - min(size, len(self._free))
        self._free = self._free[len(reused) :]
        self._reserve(self.extent + fresh)
        slots = torch.cat([reused, torch.arange(self.extent, self.extent + fresh, device=reused.device)])
        self.extent += fresh
        self.count += size
        with self.storing():
            for column in self._columns.values():
                column[slots] = 0
            self._columns["frame"][slots] = tokens.frame
            self._columns["position"][slots] = positions
            self._columns["occupied"][slots] = True
            self._store(slots, tokens.key[positions], tuple(values[positions] for values in tokens.values))
        return slots

    def update(self, slots: Tensor, key: Tensor, values: tuple[Tensor, ...]) -> None:
        """Overwrite tokens, int64 [n] occupied and not pinned, with computed ones: key [n,CK], values [n,O,CV].

        For merged tokens and prototypes. Frame, position and columns stay those of the slot.
        """
        known = self._check_slots(slots)
        with self.storing():
            self._store(known, key, values)

    # What the inference loop does with it

    def add_group(self, first_frame: int, objects: int) -> None:
        """Make room for the values of `objects` that first appear in `first_frame`."""
        values = self._key.new_zeros(self._allocated, objects * self.value_dim)
        self._groups.append(_Group(first_frame, objects, values))

    def read(self, frame: int, query: Tensor, top_k: int, metric: Metric = "l2") -> tuple[list[Tensor], Match]:
        """Read the bank with the key [Q,CK] of `frame`: per group the readout [Q,O,CV], and the statistics.

        Raises VosbenchError as `match` does.
        """
        match = self.match(frame, affinity(self.key, query, metric, out=self._score_buffer(len(query))), top_k)
        readouts = []
        for group, found in zip(self._groups, match, strict=True):
            answer = readout(group.values[: self.extent], found.indices, found.weights)
            readouts.append(answer.unflatten(1, (group.objects, -1)))
        return readouts, match

    def match(self, frame: int, scores: Tensor, top_k: int) -> Match:
        """What a read finds whose `scores`, the affinities float32 [Q,extent], are known; they are overwritten.

        Raises VosbenchError if the strategy has left a group without a token.
        """
        if not self.count:
            raise VosbenchError(f"the strategy left the memory empty before frame {frame}", "insert annotated frames")
        if self.count < self.extent:
            scores.masked_fill_(~self.occupied, -torch.inf)
        matches = []
        for group in self._groups:
            partial = self.count < self.extent
            valid = scores
            if group.first_frame > self._groups[0].first_frame:
                valid, partial = scores.masked_fill(self.frame < group.first_frame, -torch.inf), True
            indices, weights = top_k_softmax(valid, top_k)
            matched = None
            if partial:
                matched = valid.gather(1, indices) > -torch.inf
                self._guard.refuse(f"holds nothing of the objects of frame {group.first_frame}", ~matched[:, 0])
            matches.append(GroupMatch(indices, weights, matched))
        return Match(frame, tuple(matches), self.extent)

    def verify(self) -> None:
        """Raise what a strategy did wrong on a GPU, where `free` and `pin` do not wait to find out."""
        self._guard.verify()

    # Storage

    def _store(self, slots: Tensor, key: Tensor, values: tuple[Tensor, ...]) -> None:
        self._key[slots] = key.to(self._key.dtype)
        for group, given in zip(self._groups, values, strict=True):
            group.values[slots] = given.flatten(1).to(group.values.dtype)

    def _score_buffer(self, queries: int) -> Tensor:
        """Room for the scores of one read, float32 [Q,extent]; kept, since fresh pages cost as much as the product."""
        if len(self._scores) < queries * self.extent:
            self._scores = self._key.new_empty(queries * self._allocated)
        return self._scores[: queries * self.extent].view(queries, self.extent)

    def _reserve(self, slots: int) -> None:
        """Grow the storage to hold `slots`: by doubling, up to the capacity."""
        if slots <= self._allocated:
            return
        size = max(slots, 2 * self._allocated, 4 * self.tokens_per_frame)
        if self.capacity is not None:
            size = min(size, self.capacity)
        self._key = _grown(self._key, size)
        self._columns = {name: _grown(column, size) for name, column in self._columns.items()}
        self._groups = [_Group(g.first_frame, g.objects, _grown(g.values, size)) for g in self._groups]
        self._allocated = size

    def _check_slots(self, slots: Tensor) -> Tensor:
        """Refuse slots that may not be pinned, freed or overwritten; returns them, clamped into range."""
        known = self._guard.numbers(slots, self.extent, "slots", self.movable)
        self._guard.refuse("named slots that are free", ~self.occupied[known], slots)
        self._guard.refuse("named pinned slots", self.pinned[known], slots)
        return known


@dataclass(frozen=True)
class Column:
    """A per-slot number of a strategy; it survives the growth of the bank."""

    bank: MemoryBank
    name: str

    @property
    def values(self) -> Tensor:
        """[extent], writable in place."""
        return self.bank._columns[self.name][: self.bank.extent]


def _grown(tensor: Tensor, size: int) -> Tensor:
    larger = tensor.new_zeros(size, *tensor.shape[1:])
    larger[: len(tensor)] = tensor
    return larger
