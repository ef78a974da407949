"""Memory read: top-k softmax over the scores of tokens, and the gathered readout.

N memory tokens, Q query pixels, CK key channels, CV value channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vosbench.models.affinity import affinity

_UNITS = 2.0**32  # of a sum, which is one of integers: floats add up to other bits in another order, as on a GPU


class Scratch:
    """Where the scores of a read lie: room that is kept, since fresh pages cost as much as the product. Banks that read
    one after the other may share it.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._room = torch.empty(0, device=device)

    def take(self, rows: int, columns: int, room: int) -> Tensor:
        """A float32 matrix of that size, which holds anything; there is `room` for so many numbers from now on."""
        if len(self._room) < rows * columns:
            self._room = self._room.new_empty(max(rows * columns, room))
        return self._room[: rows * columns].view(rows, columns)


def cosine(keys: Tensor, query: Tensor) -> Tensor:
    """Cosine of query keys [Q,CK] with keys [N,CK], [Q,N], for strategies that compare by nothing but keys."""
    return F.normalize(query.float(), dim=-1) @ F.normalize(keys.float(), dim=-1).mT


def top_k_softmax(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k best tokens of each query pixel and their softmax weights: scores [Q,N] -> (indices int64 [Q,k], [Q,k]).

    Fewer than k tokens give all of them. A token scored -inf gets weight 0 and is not a match. The maximum is
    subtracted before the exponential.
    """
    best, indices = scores.topk(min(k, scores.shape[1]), dim=1)
    return indices, best.softmax(dim=1)


def sums(numbers: Tensor, values: Tensor, size: int) -> Tensor:
    """Sums of values [n,...] by their numbers, int64 [n] below `size`: float64 [size,...], in any order the same."""
    units = (values.double() * _UNITS).round_().long()
    total = torch.zeros(size, *values.shape[1:], dtype=torch.int64, device=values.device)
    return total.index_add_(0, numbers, units).double() / _UNITS


def readout(values: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of the chosen values, [Q,C]: values [N,C], indices and weights [Q,k]. Costs k*Q*C, whatever N."""
    return F.embedding_bag(indices, values, mode="sum", per_sample_weights=weights.to(values.dtype))


def dense_read(memory: Tensor, query: Tensor, values: Tensor) -> Tensor:
    """The differentiable read of training, over all tokens: [B,N,CK], [B,Q,CK], values [B,N,C] -> [B,Q,C]."""
    return torch.softmax(affinity(memory, query), dim=-1) @ values
