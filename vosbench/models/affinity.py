"""Similarities of plain keys. N memory tokens, Q query pixels, CK key channels."""

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
