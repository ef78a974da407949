"""Any convolution on a CPU by oneDNN, its weights in the order that oneDNN reads, adding and rectifying as it goes.

torch itself leaves 1x1 convolutions to a general product of matrices where there is one thread, which is slower, and
brings the weights into order anew at every call. A CPU that knows no bfloat16 computes with its numbers in float32,
and rounds what comes out, which is what others do.
"""

from functools import cache

import torch
from torch import Tensor, nn

from vosbench.models.convolution import Activation, Fused, finish

_NAMES: dict[Activation, tuple[str, list[float]]] = {
    "none": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0.0, 6.0]),
}


class OneDNNConv2d(Fused):
    """The weights are ordered for the last shape that was seen."""

    @classmethod
    def fits(cls, conv: nn.Conv2d) -> bool:
        known = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
        return known and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)

    def fused(self, x: Tensor, add: Tensor | None, activation: Activation) -> Tensor:
        if x.dtype == torch.bfloat16 and not _knows_bfloat16():
            return self._by_onednn(x.float(), None if add is None else add.float(), activation).bfloat16()
        return self._by_onednn(x, add, activation)

    def _by_onednn(self, x: Tensor, add: Tensor | None, activation: Activation) -> Tensor:
        how = (list(self.padding), list(self.stride), list(self.dilation), self.groups)
        if self.prepared is None or self.prepared[0] != x.shape:
            order, weight = torch._C._nn.mkldnn_reorder_conv2d_weight, self.weight.to(x.dtype).to_mkldnn()
            bias = None if self.bias is None else self.bias.to(x.dtype)
            self.prepared = x.shape, order(weight, *how, tuple(x.shape)), bias  # type: ignore[call-arg]
        _, ordered, bias = self.prepared
        name, numbers = _NAMES[activation]
        convolved = torch.ops.mkldnn._convolution_pointwise
        if add is None:
            return convolved(x, ordered, bias, *how, name, numbers, "")
        if activation == "relu6" or x.shape[2:] == (1, 1):  # which it does not do after an addition, torch 2.6 neither
            return finish(self._by_onednn(x, None, "none"), add, activation)
        add = add.repeat_interleave(len(x) // len(add), 0) if len(add) < len(x) else add
        add = add.contiguous(memory_format=torch.channels_last)
        after = None if activation == "none" else name
        return convolved(x, add, ordered, bias, *how, "add", 1.0, after, numbers, "")


@cache
def _knows_bfloat16() -> bool:
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()
