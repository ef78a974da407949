"""The memory bank: preallocated slots, of which a strategy names the victims and the bank does the rest.

A slot holds one token: the key, with what else the network's similarity needs of it, and the values of one position of
one frame. The bank verifies what a strategy asks of it, so that a faulty strategy fails instead of winning.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.memory.attention import Scratch, readout, top_k_softmax
from vosbench.memory.frame import FrameTokens
from vosbench.memory.guard import Guard
from vosbench.memory.match import GroupMatch, Match, side_by_side
from vosbench.memory.store import Store
from vosbench.models.base import Keys, Similarity, Spec

COLUMNS = {"frame": torch.int64, "position": torch.int64, "pinned": torch.bool, "occupied": torch.bool}
SCORES = 2**26  # that one read holds at once, 256 MB; a longer memory is read in parts of the query


class MemoryBank:
    """Slots for the tokens of one video.

    `count` slots are occupied and all of them lie below `extent`; `capacity` bounds the count (None: the bank
    doubles when it is full). Counts live on the host and indices on the device, so nothing here waits for a GPU.
    `scores` is the similarity of the network that `spec` describes. Tokens are copied inside `storing()`, to be timed.
    Slots never take more than `limit` bytes, less what they `leave`: MemoryError before that. The scores of a read,
    which lie in `scratch`, and a copy of them take at most a sixteenth of it: the query is read in parts.
    """

    def __init__(
        self,
        spec: Spec,
        scores: Similarity,
        tokens_per_frame: int,
        device: torch.device | str = "cpu",
        storing: Callable[[], AbstractContextManager[None]] = nullcontext,
        limit: int | None = None,
        scratch: Scratch | None = None,
    ) -> None:
        self.tokens_per_frame = tokens_per_frame
        self.storing = storing
        self.capacity: int | None = None
        self.count = self.extent = self.pinned_count = 0
        self._similarity = scores
        self._limit, self._store, self._scratch = limit, Store(spec, device), scratch or Scratch(device)
        self._scores_at_once = SCORES if limit is None else min(SCORES, limit // 128)  # float32, twice: a sixteenth
        self._free = torch.empty(0, dtype=torch.int64, device=device)
        self.guard = Guard(device)
        for name, dtype in COLUMNS.items():
            self.add_column(name, dtype)

    # What a strategy sees

    def bound(self, tokens: int) -> None:
        """Let the bank never hold more than `tokens`; at least one frame."""
        if tokens < self.tokens_per_frame:
            told = f"a memory of {tokens} tokens cannot hold one frame ({self.tokens_per_frame} tokens)"
            raise VosbenchError(told, "give the strategy a capacity of at least 1 frame")
        self.capacity = tokens

    def add_column(self, name: str, dtype: torch.dtype) -> "BankColumn":
        """A number of the strategy's own for each slot; 0 whenever a token is written to the slot."""
        if name in self._store.columns:
            raise VosbenchError(f"the bank has a column {name!r} already", "give the strategy's column another name")
        self._store.add_column(name, dtype)
        return BankColumn(self, name)

    @property
    def frame(self) -> Tensor:
        """Frame in which each token was written, int64 [extent]."""
        return self._store.columns["frame"][: self.extent]

    @property
    def position(self) -> Tensor:
        """Row-major position of each token in its frame, int64 [extent]."""
        return self._store.columns["position"][: self.extent]

    @property
    def pinned(self) -> Tensor:
        """Tokens that may not be freed, bool [extent]."""
        return self._store.columns["pinned"][: self.extent]

    @property
    def occupied(self) -> Tensor:
        """Slots that hold a token, bool [extent]."""
        return self._store.columns["occupied"][: self.extent]

    @property
    def key(self) -> Tensor:
        """Keys, float32 [extent,CK]; those of slots that are not occupied mean nothing."""
        return self._store.keys.key[: self.extent]

    @property
    def keys(self) -> Keys:
        """The same with what else the network's similarity needs of them."""
        return self._store.keys[: self.extent]

    @property
    def extras(self) -> Mapping[str, Tensor]:
        """What tokens have beside key and values, by name, float32 [extent,C]; a network may have none."""
        return self.keys.extras

    @property
    def first_frames(self) -> tuple[int, ...]:
        """The first frame of each object group; tokens of earlier frames are not valid for the group."""
        return tuple(group.first_frame for group in self._store.groups)

    @property
    def values(self) -> tuple[Tensor, ...]:
        """Values of each object group, float32 [extent,O,CV]; those of tokens that are not valid mean nothing."""
        return tuple(g.values[: self.extent].unflatten(1, (g.objects, -1)) for g in self._store.groups)

    @property
    def nbytes(self) -> int:
        """Bytes of the keys, extras and values that are held now."""
        return self.count * self._store.bytes_per_token

    @property
    def movable(self) -> int:
        """How many tokens are not pinned."""
        return self.count - self.pinned_count

    def shortfall(self, tokens: int) -> int:
        """How many tokens must leave before `tokens` more can be inserted."""
        return 0 if self.capacity is None else max(0, self.count + tokens - self.capacity)

    def may_leave(self, count: int) -> int:
        """The same count of tokens. VosbenchError if so many are not there, or are pinned."""
        if count > self.movable:
            told = f"the strategy must free {count} tokens but only {self.movable} are not pinned"
            raise VosbenchError(told, "raise its capacity")
        return count

    def by_age(self) -> Tensor:
        """The occupied slots, int64 [count]: older frame first, then lower position."""
        age = self.frame * self.tokens_per_frame + self.position
        return torch.argsort(age.masked_fill(~self.occupied, torch.iinfo(torch.int64).max))[: self.count]

    def lowest(self, score: Tensor, count: int) -> Tensor:
        """The `count` occupied, unpinned slots of lowest score [extent]; ties: older frame, then lower position."""
        slots = self.by_age()
        slots = slots[torch.argsort(self.guard.scores(score, slots, self.extent), stable=True)]
        if self.pinned_count:  # a second stable sort, since a slot that may leave may itself score inf
            slots = slots[torch.argsort(self.pinned[slots].to(torch.int8), stable=True)]
        return slots[: self.may_leave(count)]

    def pin(self, slots: Tensor) -> None:
        """Never let these occupied, unpinned slots be freed."""
        known = self._check_slots(slots)
        self._store.columns["pinned"].index_fill_(0, known, True)
        self.pinned_count += len(slots)

    def free(self, slots: Tensor) -> None:
        """Give up the tokens in `slots`, int64 [n]: occupied, not pinned, each named once."""
        known = self._check_slots(slots)
        self._store.columns["occupied"].index_fill_(0, known, False)
        self._free = torch.cat([self._free, known])
        self.count -= len(known)

    def insert(self, tokens: FrameTokens, positions: Tensor | None = None) -> Tensor:
        """Write a frame's tokens, or those at `positions` only, int64 [n], into free slots; returns the slots [n]."""
        if positions is None:
            positions = torch.arange(len(tokens), device=self._free.device)
        else:
            positions = self.guard.numbers(positions, len(tokens), "positions")
        if tokens.extras.keys() != self._store.spec.extras.keys():
            raise VosbenchError(f"tokens come with {[*tokens.extras]}", f"give {[*self._store.spec.extras]} as extras")
        size = len(positions)
        if self.shortfall(size):
            told = f"{size} tokens into a memory with {self.count} of {self.capacity} occupied"
            raise VosbenchError(f"the strategy inserts {told}", "free as many as bank.shortfall says first")
        reused, fresh = self._free[:size], size - min(size, len(self._free))
        self._free = self._free[len(reused) :]
        self._store.reserve(self.extent + fresh, 4 * self.tokens_per_frame, self.capacity)
        slots = torch.cat([reused, torch.arange(self.extent, self.extent + fresh, device=reused.device)])
        self.extent += fresh
        self.count += size
        with self.storing():
            for column in self._store.columns.values():
                column.index_fill_(0, slots, 0)  # `column[slots] = 0` would wait for a GPU
            self._store.columns["frame"].index_fill_(0, slots, tokens.frame)
            self._store.columns["position"][slots] = positions
            self._store.columns["occupied"].index_fill_(0, slots, True)
            self._store.write(slots, tokens.keys[positions], [values[positions] for values in tokens.values])
        return slots

    def update(
        self, slots: Tensor, key: Tensor, values: tuple[Tensor, ...], extras: Mapping[str, Tensor] | None = None
    ) -> None:
        """Overwrite tokens, int64 [n] occupied and not pinned, with merged ones: key [n,CK], values [n,O,CV], extras
        [n,C] by name. Frame, position and columns stay those of the slot, and so do extras that are not given.
        """
        known = self._check_slots(slots)
        with self.storing():
            self._store.write(known, Keys(key, extras or {}), values)

    def similarity(self, slots: Tensor, queries: Tensor) -> Tensor:
        """How similar the tokens in `slots`, int64 [n], are to those in `queries`, int64 [m], to the network: [m,n]."""
        keys = self.keys
        return self._similarity(keys[slots], keys[queries])

    def potentiate(self, chosen: Tensor, candidates: Tensor) -> None:
        """Make prototypes of the tokens `chosen`, int64 [m] occupied and not pinned (XMem, ECCV 2022, section 3.3):
        values and averaging extras are read again, by them, over the `candidates`, int64 [n], valid for the group.
        """
        known = self._check_slots(chosen)
        store, frame, scores = self._store, self.frame[candidates], self.similarity(candidates, chosen)
        values, every = [], scores.softmax(1)
        for group in store.groups:
            valid = scores.masked_fill(frame < group.first_frame, -torch.inf)
            weights = valid.softmax(1).nan_to_num(0)  # no candidate is valid: nor is the prototype
            values.append((weights @ group.values[candidates]).unflatten(1, (group.objects, -1)))
        averaging = {name: store.keys.extras[name] for name, extra in store.spec.extras.items() if extra.averages}
        extras = {name: every @ extra[candidates] for name, extra in averaging.items()}
        with self.storing():
            store.write(known, Keys(store.keys.key[known], extras), values)

    # What the inference loop does with it

    def add_group(self, first_frame: int, objects: int) -> None:
        """Make room for the values of `objects` that first appear in `first_frame`."""
        self._store.add_group(first_frame, objects)

    @property
    def allocated(self) -> int:
        """Bytes of all slots, be they occupied or not."""
        return self._store.allocated * self._store.bytes_per_row

    def leave(self, size: int) -> None:
        """Leave so many bytes of the limit to what is not in slots. MemoryError if too few remain."""
        if self._limit is not None:
            self._store.bound(self._limit - size)

    def read(self, frame: int, query: Keys, top_k: int) -> tuple[list[Tensor], Match]:
        """Per group the readout [Q,O,CV] of the query of `frame`, and the statistics. Raises as `match` does."""
        at_once = max(1, self._scores_at_once // max(1, self.extent))  # query pixels
        parts = [query[i : i + at_once] for i in range(0, len(query), at_once)]
        match = side_by_side([self.match(frame, self._scored(part), top_k) for part in parts])
        readouts = []
        for group, found in zip(self._store.groups, match, strict=True):
            answer = readout(group.values[: self.extent], found.indices, found.weights)
            readouts.append(answer.unflatten(1, (group.objects, -1)))
        return readouts, match

    def match(self, frame: int, scores: Tensor, top_k: int) -> Match:
        """What a read of `scores`, float32 [Q,extent], finds; it overwrites them. VosbenchError if a group has none."""
        if not self.count:
            raise VosbenchError(f"the strategy left the memory empty before frame {frame}", "insert annotated frames")
        if holes := self.count < self.extent:
            scores.masked_fill_(~self.occupied, -torch.inf)
        matches = []
        for group in self._store.groups:
            later = group.first_frame > self._store.groups[0].first_frame
            valid = scores.masked_fill(self.frame < group.first_frame, -torch.inf) if later else scores
            indices, weights = top_k_softmax(valid, top_k)
            matched = None
            if holes or later:
                matched = valid.gather(1, indices) > -torch.inf
                self.guard.refuse(f"holds nothing of the objects of frame {group.first_frame}", ~matched[:, 0])
            matches.append(GroupMatch(indices, weights, matched))
        return Match(frame, tuple(matches), self.extent)

    def verify(self) -> None:
        """Raise what a strategy did wrong on a GPU, where `free` and `pin` do not wait to find out."""
        self.guard.verify()

    def _scored(self, query: Keys) -> Tensor:
        """The scores of a query, float32 [Q,extent]."""
        room = min(self._scores_at_once, len(query) * self._store.allocated)
        return self._similarity(self.keys, query, out=self._scratch.take(len(query), self.extent, room))

    def _check_slots(self, slots: Tensor) -> Tensor:
        """Refuse slots that may not be pinned, freed or overwritten; returns them, clamped into range."""
        known = self.guard.numbers(slots, self.extent, "slots", self.movable)
        self.guard.refuse("named slots that are free", ~self.occupied[known], slots)
        self.guard.refuse("named pinned slots", self.pinned[known], slots)
        return known


@dataclass(frozen=True)
class BankColumn:
    """A number of a strategy for each slot; it survives the growth of the bank."""

    bank: MemoryBank
    name: str

    @property
    def values(self) -> Tensor:
        """[extent], writable in place."""
        return self.bank._store.columns[self.name][: self.bank.extent]
