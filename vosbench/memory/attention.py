"""Memory read: affinity between memory and query keys, top-k softmax, gathered readout.

N memory tokens, Q query pixels, CK key channels, CV value channels.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Metric = Literal["l2", "dot", "cosine"]
METRICS: tuple[Metric, ...] = ("l2", "dot", "cosine")


def affinity(memory: Tensor, query: Tensor, metric: Metric = "l2", out: Tensor | None = None) -> Tensor:
    """Similarity of every query pixel to every memory token, float32 [..., Q, N]; written to `out` if given.

    memory [..., N, CK], query [..., Q, CK]. `l2` is the paper's Eq. 1, -|m - q|^2 / sqrt(CK), less the term that
    is constant in m and cancels in the softmax (STCN); `dot` is m.q / sqrt(CK) (STM); `cosine` is the dot product
    of unit vectors times sqrt(CK), so that its softmax is as sharp as that of `dot` on keys of that length.
    """
    memory, query = memory.float(), query.float()
    scale = math.sqrt(memory.shape[-1])
    if metric == "cosine":
        return torch.matmul(F.normalize(query, dim=-1) * scale, F.normalize(memory, dim=-1).mT, out=out)
    if metric == "dot":
        return torch.matmul(query / scale, memory.mT, out=out)
    # The factors go to the smaller operand and the norms in place: the product is large and is touched twice only.
    product = torch.matmul(query * (2 / scale), memory.mT, out=out)
    return product.sub_((memory.square().sum(-1) / scale).unsqueeze(-2))


def top_k_softmax(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k best tokens of each query pixel and their softmax weights: scores [Q,N] -> (indices int64 [Q,k], [Q,k]).

    Fewer than k tokens give all of them. A token scored -inf gets weight 0 and is not a match. The maximum is
    subtracted before the exponential.
    """
    best, indices = scores.topk(min(k, scores.shape[1]), dim=1)
    return indices, best.softmax(dim=1)


def readout(values: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of the chosen values, [Q,C]: values [N,C], indices and weights [Q,k]. Costs k*Q*C, whatever N."""
    return F.embedding_bag(indices, values, mode="sum", per_sample_weights=weights.to(values.dtype))


def dense_read(memory: Tensor, query: Tensor, values: Tensor, metric: Metric = "l2") -> Tensor:
    """The differentiable read of training, over all tokens: [B,N,CK], [B,Q,CK], values [B,N,C] -> [B,Q,C]."""
    return torch.softmax(affinity(memory, query, metric), dim=-1) @ values
