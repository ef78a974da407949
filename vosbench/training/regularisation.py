"""The memory read of training, and two regularisations of its affinity matrix.

Pourganjalikhan and Poullis, Adaptive Memory Management for Video Object Segmentation, supplement, section VII.
The paper reports that neither helps: they are here to be measured. N support (memory) tokens, Q query pixels.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from vosbench.memory.attention import dense_read
from vosbench.models.affinity import affinity

Reallocation = Literal["none", "printed", "sign-consistent"]


@dataclass(frozen=True)
class TrainingRead:
    """Reads all tokens, softly; `dropout` is the chance q that a connection of the affinity matrix is disabled."""

    dropout: float = 0.0
    reallocation: Reallocation = "none"

    def __call__(
        self, memory: Tensor, query: Tensor, values: Tensor, masks: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Readouts of O objects, [B,O,Q,CV].

        memory [B,N,CK], query [B,Q,CK], values [B,O,N,CV]; masks [B,O,N]: the share of each token that the object
        covers (used in reallocation only). `generator` decides what is dropped.
        """
        with torch.autocast(query.device.type, enabled=False):  # distances of many channels overflow half precision
            if not self.dropout and self.reallocation == "none":
                joint = values.movedim(1, 2).flatten(2).float()
                return dense_read(memory, query, joint).unflatten(2, values.shape[1::2]).movedim(2, 1)
            scores = distances(memory, query)[:, None]  # [B,1,Q,N]
            if self.reallocation != "none":
                scores = reallocate(scores, masks > 0.5, self.reallocation)
            if self.dropout:
                scores = drop_connections(scores, self.dropout, generator)
            return scores.softmax(-1) @ values.float()


def distances(memory: Tensor, query: Tensor) -> Tensor:
    """The paper's Eq. 1 in full, -|m - q|^2 / sqrt(CK): [B,N,CK], [B,Q,CK] -> [B,Q,N]. (`affinity` leaves out the
    term that cancels in the softmax, but here the value itself counts.)"""
    own = query.float().square().sum(-1, keepdim=True) / math.sqrt(query.shape[-1])
    return affinity(memory, query) - own


def drop_connections(scores: Tensor, chance: float, generator: torch.Generator | None) -> Tensor:
    """Disable connections of the affinity matrix, [..., Q, N], each by itself with probability `chance`.

    The supplement puts "a Dropout layer" after the affinity "to randomly disable feature connection"; the attention
    is to shift "to remaining features". A zero, which such a layer writes, would be the best match there is, as
    affinities are negative distances. So a disabled connection gets -inf before the softmax: its weight is 0, and
    the softmax, not a factor of 1 / (1 - q), makes up for it. A query pixel that would lose all keeps all. One
    draw serves all objects of a frame, whose affinity is the same.
    """
    dropped = torch.rand(scores.shape, generator=generator, device=scores.device) < chance
    dropped &= ~dropped.all(-1, keepdim=True)
    return scores.masked_fill(dropped, -torch.inf)


def reallocate(scores: Tensor, of_object: Tensor, how: Reallocation) -> Tensor:
    """Support-feature reallocation: scores [B,1,Q,N], of_object bool [B,O,N] -> [B,O,Q,N].

    The attention of support feature i is A_i = sum over j of d_ij; sorted in descending order it gets the index
    w_i = 1, 2, …; and d_ij becomes d_ij * w_i / (sum over k of w_k). (The supplement prints w_j, but says it is the
    connection of support feature i that is weighted.) This is done for each object by itself over the features
    that its mask, interpolated to the stride of 16, covers for more than half: multiplying the keys by that mask
    filters the background out. Other connections stay what they are.

    The supplement says that this "increases the importance of the less discriminant features". "printed" does what
    is printed, which does the opposite among the object's features: d is a negative distance, so the larger factor
    of a less attended feature makes its affinity the more negative. It also divides every d of the object by about
    the number of its features, so that they outweigh the background. "sign-consistent" keeps to the stated aim:
    sorted in ascending order, so that less attended features get the smaller factor, whose mean is 1.
    """
    own = of_object[:, :, None]  # [B,O,1,N]
    attention = scores.detach().sum(-2).expand(of_object.shape)  # [B,O,N]
    attention = attention.masked_fill(~of_object, -torch.inf if how == "printed" else torch.inf)
    order = attention.argsort(dim=-1, descending=how == "printed", stable=True)  # the background comes last
    rank = torch.empty_like(order).scatter_(-1, order, torch.arange(1, order.shape[-1] + 1).to(order).expand_as(order))
    rank = rank.to(scores.dtype) * of_object
    factor = rank / rank.sum(-1, keepdim=True).clamp(min=1)
    if how == "sign-consistent":
        factor = factor * of_object.sum(-1, keepdim=True)
    return torch.where(own, scores * factor[:, :, None], scores)
