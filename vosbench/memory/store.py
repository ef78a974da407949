"""The tensors of a memory bank: a row for each slot, which grow together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vosbench.base.words import as_size
from vosbench.models.base import Keys, Spec


class LimitError(MemoryError):
    """A limit does not suffice."""


@dataclass(frozen=True)
class Group:
    """Objects of one first frame: their values [slots,O*CV]; tokens of earlier frames are not valid for them."""

    first_frame: int
    objects: int
    values: Tensor


class Store:
    """Keys with their extras, values of each object group, and columns by name; `allocated` rows of each.

    They never take more than a limit that they are `bound` to, while they grow either: LimitError before that.
    """

    def __init__(self, spec: Spec, device: torch.device | str) -> None:
        self.spec, self.device, self.allocated = spec, device, 0
        self.limit: int | None = None
        extras = {name: torch.empty(0, extra.channels, device=device) for name, extra in spec.extras.items()}
        self.keys = Keys(torch.empty(0, spec.key_dim, device=device), extras)
        self.columns: dict[str, Tensor] = {}
        self.groups: list[Group] = []

    @property
    def bytes_per_token(self) -> int:
        """Of key, extras and values."""
        rows = (self.keys.key, *self.keys.extras.values(), *(group.values for group in self.groups))
        return sum(tensor.shape[1] * tensor.element_size() for tensor in rows)

    @property
    def bytes_per_row(self) -> int:
        """Of a token and its columns."""
        return self.bytes_per_token + sum(column.element_size() for column in self.columns.values())

    def add_column(self, name: str, dtype: torch.dtype) -> None:
        """Zeros of that type, [allocated]."""
        self.columns[name] = torch.zeros(self.allocated, dtype=dtype, device=self.device)

    def bound(self, limit: int) -> None:
        """Take no more than `limit` bytes from now on."""
        if limit <= 0:
            raise LimitError("a frame and its objects alone need more than the limit")
        self.limit = limit
        self._require(self.allocated * self.bytes_per_row)

    def add_group(self, first_frame: int, objects: int) -> None:
        """Room for the values of objects that first appear in `first_frame`."""
        width = objects * self.spec.value_dim
        self._require(self.allocated * (self.bytes_per_row + 4 * width))
        self.groups.append(Group(first_frame, objects, torch.zeros(self.allocated, width, device=self.device)))

    def reserve(self, needed: int, least: int, most: int | None) -> None:
        """Have `needed` rows, new ones holding zeros: grows by doubling, from `least` on, up to `most` or the limit."""
        if needed <= self.allocated:
            return
        rows = max(needed, 2 * self.allocated, least)
        rows = rows if most is None else min(rows, most)
        beside = 4 * self.allocated * max([self.spec.key_dim, *(group.values.shape[1] for group in self.groups)])
        self._require(needed * self.bytes_per_row + beside)
        if self.limit is not None:
            rows = max(needed, min(rows, (self.limit - beside) // self.bytes_per_row))

        def grown(tensor: Tensor) -> Tensor:
            larger = tensor.new_zeros(rows, *tensor.shape[1:])
            larger[: len(tensor)] = tensor
            return larger

        self.keys = self.keys.map(grown)
        self.columns = {name: grown(column) for name, column in self.columns.items()}
        for i, group in enumerate(self.groups):  # one by one: old and new values of all at once would be a peak
            self.groups[i] = replace(group, values=grown(group.values))
        self.allocated = rows

    def _require(self, total: int) -> None:
        if self.limit is not None and total > self.limit:
            raise LimitError(f"tokens need {as_size(total)}, and their part of the limit is {as_size(self.limit)}")

    def write(self, slots: Tensor, keys: Keys, values: Sequence[Tensor]) -> None:
        """Fill rows, int64 [n]: keys of n tokens, extras that are not given stay; values [n,O,CV] of each group."""
        self.keys.key[slots] = keys.key.to(self.keys.key.dtype)
        for name, extra in keys.extras.items():
            self.keys.extras[name][slots] = extra.to(self.keys.key.dtype)
        for group, given in zip(self.groups, values, strict=True):
            group.values[slots] = given.flatten(1).to(group.values.dtype)
