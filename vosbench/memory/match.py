"""The result of one memory read, as a strategy may look at it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vosbench.memory.attention import sums
from vosbench.memory.frame import Segmentation


@dataclass(frozen=True)
class GroupMatch:
    """What the objects of one first frame read: Q query pixels, k tokens each.

    indices int64 [Q,k] are slots of the bank, the best first; weights float32 [Q,k] are softmaxed; `matched`
    bool [Q,k] is False where fewer than k tokens were valid for the group (None: all matched).
    """

    indices: Tensor
    weights: Tensor
    matched: Tensor | None

    @property
    def known(self) -> Tensor:
        """`matched` as a tensor in any case, bool [Q,k]."""
        return torch.ones_like(self.indices, dtype=torch.bool) if self.matched is None else self.matched


@dataclass(frozen=True)
class Match:
    """Statistics of one memory read, computed when asked for: a strategy that wants none pays for none.

    With several object groups (objects of different first frames) every group reads once, and the statistics add
    up over the groups. `segmentation` is what was predicted for the frame, its annotation included.
    """

    frame: int
    groups: tuple[GroupMatch, ...]
    extent: int
    segmentation: Segmentation = field(default_factory=Segmentation)

    def hits(self, above: float | None = None) -> Tensor:
        """For how many query pixels each slot was among the top k, int32 [extent]; `above` asks for more weight."""
        total = torch.zeros(self.extent, dtype=torch.int32, device=self.groups[0].indices.device)
        for group in self.groups:
            matched = group.known if above is None else group.weights > above
            total.scatter_add_(0, group.indices.flatten(), matched.flatten().to(torch.int32))
        return total

    def mass(self, queries: Tensor | None = None) -> Tensor:
        """The sum of each slot's softmax weights, float32 [extent]; of some `queries` only, bool [Q]."""
        indices = torch.cat([group.indices.flatten() for group in self.groups])
        weights = [g.weights if queries is None else g.weights * queries[:, None] for g in self.groups]
        return sums(indices, torch.cat([w.flatten() for w in weights]), self.extent).float()

    def __iter__(self) -> Iterator[GroupMatch]:
        return iter(self.groups)


def side_by_side(parts: Sequence[Match]) -> Match:
    """The match of a query whose pixels were read in parts, one after another."""
    if len(parts) == 1:
        return parts[0]
    groups = []
    for group in zip(*parts, strict=True):
        matched = None if all(part.matched is None for part in group) else torch.cat([part.known for part in group])
        indices, weights = (torch.cat([getattr(part, name) for part in group]) for name in ("indices", "weights"))
        groups.append(GroupMatch(indices, weights, matched))
    return replace(parts[0], groups=tuple(groups))
