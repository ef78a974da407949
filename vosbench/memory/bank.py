"""The memory bank: preallocated slots, of which a strategy names the victims and the bank does the rest.

A slot holds one token: the key and the values of one position (stride 16) of one frame. The bank verifies what a
strategy asks of it, so that a faulty strategy fails instead of winning.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.memory.attention import Metric, affinity, readout, top_k_softmax
from vosbench.memory.match import GroupMatch, Match

COLUMNS = {"frame": torch.int64, "position": torch.int64, "pinned": torch.bool, "occupied": torch.bool}


class ContractError(VosbenchError):
    """A strategy asked for what the bank does not do."""


@dataclass(frozen=True)
class FrameTokens:
    """The tokens of one frame, on their way into the bank.

    key float32 [P,CK]; values one tensor per object group, [P,O,CV]; P positions in row-major order.
    `annotated` frames bring an object's first mask; they are always written.
    """

    frame: int
    key: Tensor
    values: tuple[Tensor, ...]
    annotated: bool

    def __len__(self) -> int:
        return len(self.key)


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
    """

    def __init__(self, key_dim: int, value_dim: int, tokens_per_frame: int, device: torch.device | str = "cpu") -> None:
        self.tokens_per_frame = tokens_per_frame
        self.value_dim = value_dim
        self.capacity: int | None = None
        self.count = self.extent = self.pinned_count = 0
        self._allocated = 0
        self._groups: list[_Group] = []
        self._columns: dict[str, Tensor] = {}
        self._free = torch.empty(0, dtype=torch.int64, device=device)
        self._fault = torch.zeros((), dtype=torch.bool, device=device)
        self._key = torch.empty(0, key_dim, device=device)
        self._scores = torch.empty(0, device=device)
        for name, dtype in COLUMNS.items():
            self.add_column(name, dtype)

    # What a strategy sees

    def bound(self, tokens: int) -> None:
        """Let the bank never hold more than `tokens`; at least one frame."""
        if tokens < self.tokens_per_frame:
            raise ContractError(
                f"a memory of {tokens} tokens cannot hold one frame ({self.tokens_per_frame} tokens)",
                "give the strategy a capacity of at least 1 frame",
            )
        self.capacity = tokens

    def add_column(self, name: str, dtype: torch.dtype) -> "Column":
        """A number of the strategy's own for each slot; 0 whenever a token is written to the slot."""
        if name in self._columns:
            raise ContractError(f"the bank has a column {name!r} already", "give the strategy's column another name")
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

    def lowest(self, score: Tensor, count: int) -> Tensor:
        """The `count` occupied, unpinned slots of lowest score [extent]; ties: older frame, then lower position."""
        if count > self.movable:
            raise ContractError(
                f"the strategy must free {count} tokens but only {self.movable} are not pinned",
                "raise its capacity",
            )
        age_order = torch.argsort(self.frame * self.tokens_per_frame + self.position)
        candidate = (self.occupied & ~self.pinned)[age_order]
        order = torch.argsort(score[age_order].double().masked_fill(~candidate, torch.inf), stable=True)
        # A candidate may itself score inf, so those that are none go behind by a second stable sort.
        order = order[torch.argsort((~candidate[order]).to(torch.int8), stable=True)]
        return age_order[order[:count]]

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

    def insert(self, tokens: FrameTokens) -> Tensor:
        """Write the tokens into free slots and return those, int64 [P]."""
        size = len(tokens)
        if self.shortfall(size):
            raise ContractError(
                f"the strategy inserts {size} tokens into a memory with {self.count} of {self.capacity} occupied",
                "free as many as bank.shortfall says first",
            )
        reused, fresh = self._free[:size], size - min(size, len(self._free))
        self._free = self._free[len(reused) :]
        self._reserve(self.extent + fresh)
        slots = torch.cat([reused, torch.arange(self.extent, self.extent + fresh, device=reused.device)])
        self.extent += fresh
        self.count += size
        for column in self._columns.values():
            column[slots] = 0
        self._columns["frame"][slots] = tokens.frame
        self._columns["position"][slots] = torch.arange(size, device=slots.device)
        self._columns["occupied"][slots] = True
        self._key[slots] = tokens.key
        for group, values in zip(self._groups, tokens.values, strict=True):
            group.values[slots] = values.flatten(1)
        return slots

    # What the inference loop does with it

    def add_group(self, first_frame: int, objects: int) -> None:
        """Make room for the values of `objects` that first appear in `first_frame`."""
        values = self._key.new_zeros(self._allocated, objects * self.value_dim)
        self._groups.append(_Group(first_frame, objects, values))

    def read(self, frame: int, query: Tensor, top_k: int, metric: Metric = "l2") -> tuple[list[Tensor], Match]:
        """Read the bank with the key [Q,CK] of `frame`: per group the readout [Q,O,CV], and the statistics.

        Raises ContractError if the strategy has left a group without a token.
        """
        if not self.count:
            raise ContractError(f"the strategy left the memory empty before frame {frame}", "insert annotated frames")
        scores = affinity(self.key, query, metric, out=self._score_buffer(len(query)))
        if self.count < self.extent:
            scores.masked_fill_(~self.occupied, -torch.inf)
        readouts, matches = [], []
        for group in self._groups:
            partial = self.count < self.extent
            valid = scores
            if group.first_frame > self._groups[0].first_frame:
                valid, partial = scores.masked_fill(self.frame < group.first_frame, -torch.inf), True
            indices, weights = top_k_softmax(valid, top_k)
            matched = None
            if partial:
                matched = valid.gather(1, indices) > -torch.inf
                self._refuse(f"holds nothing of the objects of frame {group.first_frame}", ~matched[:, 0])
            matches.append(GroupMatch(indices, weights, matched))
            answer = readout(group.values[: self.extent], indices, weights)
            readouts.append(answer.unflatten(1, (group.objects, -1)))
        return readouts, Match(frame, tuple(matches), self.extent)

    def verify(self) -> None:
        """Raise what a strategy did wrong on a GPU, where `free` and `pin` do not wait to find out."""
        if bool(self._fault):
            raise ContractError("the strategy broke a rule of MemoryBank", "run it with --device cpu to see which")

    # Storage

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

    # Verification

    def _check_slots(self, slots: Tensor) -> Tensor:
        """Refuse slots that may not be pinned or freed; returns them, clamped into range."""
        if slots.dtype != torch.int64 or slots.ndim != 1:
            raise ContractError(f"slots must be int64 [n], not {slots.dtype} {tuple(slots.shape)}", "see MemoryPolicy")
        if len(slots) > self.movable:
            raise ContractError(
                f"the strategy named {len(slots)} slots, of which only {self.movable} can be occupied and not pinned",
                "name each occupied slot that is not pinned at most once",
            )
        known = slots.clamp(0, max(self.extent - 1, 0))
        ordered = known.sort().values
        self._refuse("named slots out of range", slots != known, slots)
        self._refuse("named slots that are free", ~self.occupied[known], slots)
        self._refuse("named pinned slots", self.pinned[known], slots)
        self._refuse("named slots twice", ordered[1:] == ordered[:-1], ordered[1:])
        return known

    def _refuse(self, fault: str, wrong: Tensor, slots: Tensor | None = None) -> None:
        """Raise if any of `wrong`, bool [n], is set: at once on a CPU, in `verify` on a GPU."""
        if wrong.device.type != "cpu":
            self._fault |= wrong.any()
        elif wrong.any():
            named = "" if slots is None else f": {', '.join(map(str, slots[wrong][:5].tolist()))}"
            raise ContractError(f"the strategy {fault}{named}", "see the rules in MemoryBank")


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
