"""One affinity for many banks: what each of them would find, from the scores of all tokens that any of them holds.

The tokens of the union are sorted once for each query pixel, as far as the best `PREFIXES[-1]`. The top k of a bank
are the first k of its own among them. Where the list does not settle that (too few of its tokens in it, or two equal
scores at the edge of the top k, where it matters in which order a bank lays out its slots), the scores of the bank's
own tokens are taken, slot by slot, and searched as the bank itself would. So the result is the bank's own, bit for
bit, as long as matrix products give a column the same bits whatever columns stand beside it. MKL does, but for
products of fewer than about ten rows or columns.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.memory.bank import MemoryBank
from vosbench.memory.match import GroupMatch, Match, side_by_side
from vosbench.models.base import Keys, Similarity

PREFIXES = (64, 256)  # how much of the sorted list is looked at, and how much of it if that was too little
AT_ONCE = 2**25  # scores computed at once: 128 MiB


class SharedBank:
    """A bank beside others, over a trace: which of the trace's tokens it holds, and in which slots.

    A token's number is frame * P + position. `held` bool [T*P] is replaced, never changed in place. `name` is that
    of the strategy.
    """

    def __init__(self, name: str, bank: MemoryBank, keys: Keys) -> None:
        self.name = name
        self.bank = bank
        self._keys = keys
        self.held = torch.zeros(len(keys), dtype=torch.bool, device=keys.key.device)
        self.tokens = torch.empty(0, dtype=torch.int64, device=keys.key.device)  # of every slot; free ones mean nothing
        self.is_own = False

    def refresh(self) -> None:
        """Look at the bank after it was written. One with keys of the strategy's own (`is_own`) shares nothing."""
        bank = self.bank
        self.tokens = bank.frame * bank.tokens_per_frame + bank.position
        occupied = self.tokens[bank.occupied]
        self.held = torch.zeros_like(self.held)
        self.held[occupied] = True
        own, recorded = bank.keys[bank.occupied], self._keys[occupied]
        same = [own.extras[name].equal(extra) for name, extra in recorded.extras.items()]
        self.is_own = not (own.key.equal(recorded.key) and all(same))

    def place(self, columns: Tensor, column_of: Tensor, first_frames: Sequence[int]) -> None:
        """Find the bank's tokens in the union: `columns` [U] holds their numbers, `column_of` [T*P] the reverse."""
        bank = self.bank
        self._column = column_of[self.tokens] * bank.occupied
        self._slot = torch.zeros_like(columns)
        slots = bank.occupied.nonzero().flatten()
        self._slot[self._column[slots]] = slots
        member = self.held[columns]
        frames = columns // bank.tokens_per_frame
        later = [first for first in first_frames if first > first_frames[0]]
        self._members = [member, *(member & (frames >= first) for first in later)]

    def match(self, frame: int, scores: Tensor, best: Tensor, order: Tensor, top_k: int) -> Match:
        """What the bank finds: scores [Q,U], of which the best [Q,W] are sorted and stand in columns `order` [Q,W]."""
        queries = len(scores)
        indices = order.new_empty(len(self._members), queries, top_k)
        found = best.new_empty(len(self._members), queries, top_k)
        rows = torch.arange(queries, device=scores.device)
        for width in PREFIXES:
            if not len(rows) or self.bank.count <= top_k:
                break
            near, columns = best[rows, :width], order[rows, :width]
            settled = torch.ones_like(rows, dtype=torch.bool)
            for group, member in enumerate(self._members):
                chosen = _first(member[columns], top_k + 1)
                value = near.gather(1, chosen)
                settled &= value[:, -2] > value[:, -1]
                indices[group, rows] = self._slot[columns.gather(1, chosen[:, :-1])]
                found[group, rows] = value[:, :-1]
            rows = rows[~settled]
        if not len(rows):
            groups = tuple(GroupMatch(i, f.softmax(1), None) for i, f in zip(indices, found, strict=True))
            return Match(frame, groups, self.bank.extent)
        own = scores if len(rows) == queries else scores.index_select(0, rows)
        searched = self.bank.match(frame, own.index_select(1, self._column), top_k)
        if len(rows) == queries:
            return searched
        matches = []
        for slots, values, others in zip(indices, found, searched, strict=True):
            weights = values.softmax(1)
            slots[rows], weights[rows] = others.indices, others.weights
            matched = None
            if others.matched is not None:
                matched = torch.ones_like(slots, dtype=torch.bool)
                matched[rows] = others.matched
            matches.append(GroupMatch(slots, weights, matched))
        return replace(searched, groups=tuple(matches))


class SharedRead:
    """Reads many banks over one trace, keys float32 [T*P,CK] with extras, by the `scores` of a network."""

    def __init__(self, keys: Keys, top_k: int, scores: Similarity) -> None:
        self._keys, self._top_k, self._similarity = keys, top_k, scores
        self._banks: Sequence[SharedBank] = ()
        self._scores = keys.key.new_empty(0)

    def refresh(self, banks: Sequence[SharedBank], first_frames: Sequence[int]) -> None:
        """Take in what the banks hold now. The objects followed appeared first in `first_frames`, ascending."""
        self._banks = banks
        sharing = [bank for bank in banks if not bank.is_own]
        union = torch.zeros(len(self._keys), dtype=torch.bool, device=self._keys.key.device)
        for bank in sharing:
            union |= bank.held
        columns = union.nonzero().flatten()
        column_of = torch.zeros_like(union, dtype=torch.int64)
        column_of[columns] = torch.arange(len(columns), device=columns.device)
        self._key = self._keys[columns]
        for bank in sharing:
            bank.place(columns, column_of, first_frames)

    def read(self, frame: int, query: Keys) -> list[Match | VosbenchError]:
        """What every bank finds with the query of `frame`, or what its strategy did wrong."""
        found: list[list[Match]] = [[] for _ in self._banks]
        faults: dict[int, VosbenchError] = {}
        columns = max(len(self._key), *(bank.bank.extent for bank in self._banks))
        parts = min(-(-len(query) * columns // AT_ONCE), max(len(query) // 64, 1))
        for begin, end in pairwise(len(query) * part // parts for part in range(parts + 1)):
            rows = query[begin:end]
            scores = self._similarity(self._key, rows, out=self._buffer(len(rows)))
            best, order = scores.topk(min(PREFIXES[-1], scores.shape[1]), dim=1)
            for place, bank in enumerate(self._banks):
                try:
                    if bank.is_own or not bank.bank.count:
                        own = self._similarity(bank.bank.keys, rows)
                        found[place].append(bank.bank.match(frame, own, self._top_k))
                    else:
                        found[place].append(bank.match(frame, scores, best, order, self._top_k))
                except VosbenchError as error:
                    faults[place] = error
        return [faults.get(place) or side_by_side(parts) for place, parts in enumerate(found)]

    def _buffer(self, rows: int) -> Tensor:
        """Room for the scores of some rows, kept for the next; float32 [rows,U]."""
        size = rows * len(self._key)
        if len(self._scores) < size:
            self._scores = self._keys.key.new_empty(size)
        return self._scores[:size].view(rows, -1)


def _first(mask: Tensor, count: int) -> Tensor:
    """Where the first `count` True of each row stand, int64 [R,count]; the last column for those that are not there."""
    rank = mask.cumsum(1, dtype=torch.int32)
    wanted = torch.arange(1, count + 1, dtype=torch.int32, device=mask.device).expand(len(mask), count).contiguous()
    return torch.searchsorted(rank, wanted).clamp_(max=mask.shape[1] - 1)
