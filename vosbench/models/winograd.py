"""Wide 3x3 convolutions on a CPU by Winograd's minimal filtering: 36 products for 16 pixels instead of 144.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, F(4x4, 3x3). Tiles of 6x6 pixels, 4
apart, are brought into another basis, where a convolution is one product of matrices for each of the 36 coefficients.
The points of interpolation decide how it rounds (Barabasz et al., "Error analysis and improving the accuracy of
Winograd convolution for deep neural networks", ACM TOMS 2020): with the usual 0, 1, -1, 2, -2 and infinity twice to
four times as coarsely as with 2/3 and 3/2 for 1 and 2, where the error of a layer is below 1e-6 of what it computes.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.models.convolution import Activation, Fused, finish

P, Q = 2 / 3, 3 / 2  # the points are 0, P, -P, Q, -Q and infinity; P * Q = 1 saves some products below
PP, QQ = P * P, Q * Q
WIDE = 128 * 128  # inputs * outputs from which it pays
TILES = 200  # at once, about: their coefficients should stay in the cache


class WinogradConv2d(Fused):
    """A 3x3 convolution of stride 1, padded by 1."""

    dtypes = (torch.float32,)

    @classmethod
    def fits(cls, conv: nn.Conv2d) -> bool:
        plain = (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
        wide = conv.in_channels * conv.out_channels >= WIDE and conv.groups == 1
        return plain and wide and conv.padding_mode == "zeros" and conv.weight.dtype in cls.dtypes

    def fused(self, x: Tensor, add: Tensor | None, activation: Activation) -> Tensor:
        if self.prepared is None:
            self.prepared = _weights(self.weight)
        height, width = x.shape[2:]
        down, across = -(-height // 4), -(-width // 4)  # tiles
        rows = -(-down // max(1, round(down * across / TILES)))
        inputs, outputs = self.in_channels, self.out_channels
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 4 * across + 1 - width, 1, 4 * down + 1 - height))
        out = x.new_empty(len(x), 4 * down, 4 * across, outputs)
        half = x.new_empty(6, rows, padded.shape[2], inputs)
        tiles = x.new_empty(6, 6, rows, across, inputs)
        products = x.new_empty(6, 6, rows, across, outputs)
        back = x.new_empty(4, 6, rows, across, outputs)
        for i, image in enumerate(padded):
            for first in range(0, down, rows):
                first = min(first, down - rows)  # the last rows may be computed twice
                band = image[4 * first : 4 * (first + rows) + 2]
                _into([band[n : n + 4 * rows - 3 : 4] for n in range(6)], half.unbind())
                _into([half[:, :, n : n + 4 * across - 3 : 4] for n in range(6)], tiles.unbind(1))
                torch.bmm(tiles.view(36, -1, inputs), self.prepared, out=products.view(36, -1, outputs))
                _out_of(products.unbind(), back.unbind())
                made = out[i, 4 * first : 4 * (first + rows)]
                _out_of(back.unbind(1), made.view(rows, 4, across, 4, outputs).permute(3, 1, 0, 2, 4).unbind())
                if self.bias is not None:
                    made += self.bias
                added = None
                if add is not None:
                    added = add[i * len(add) // len(x), :, 4 * first : 4 * (first + rows)].permute(1, 2, 0)
                finish(made[: height - 4 * first, :width], added, activation)
        return out[:, :height, :width].permute(0, 3, 1, 2)


def _weights(weight: Tensor) -> Tensor:
    """[O,C,3,3] to [36,C,O]: what the coefficients of a tile are multiplied by."""
    a, b = 1 / (2 * P * (PP - QQ)), 1 / (2 * Q * (QQ - PP))
    rows = [[1, 0, 0], [a, a * P, a * PP], [a, -a * P, a * PP], [b, b * Q, b * QQ], [b, -b * Q, b * QQ], [0, 0, 1]]
    basis = torch.tensor(rows, dtype=torch.float64)
    found = torch.einsum("ai,ocij,bj->abco", basis, weight.double(), basis)
    return found.float().flatten(0, 1).contiguous()


def _into(d: Sequence[Tensor], out: Sequence[Tensor]) -> None:
    """Six pixels to six coefficients."""
    torch.add(d[0], d[4], out=out[0]).sub_(d[2], alpha=PP + QQ)
    torch.add(d[1], d[5], out=out[5]).sub_(d[3], alpha=PP + QQ)
    for n, point, other in ((1, P, QQ), (3, Q, PP)):
        even, odd = torch.sub(d[4], d[2], alpha=other), torch.sub(d[3], d[1], alpha=other)
        torch.add(even, odd, alpha=point, out=out[n])
        torch.sub(even, odd, alpha=point, out=out[n + 1])


def _out_of(m: Sequence[Tensor], out: Sequence[Tensor]) -> None:
    """Six coefficients to four pixels."""
    sum_p, sum_q = m[1] + m[2], m[3] + m[4]
    torch.add(m[0], sum_p, alpha=1 / P, out=out[0]).add_(sum_q, alpha=1 / Q)
    torch.mul(sum_p, P, out=out[2]).add_(sum_q, alpha=Q)
    sum_p, sum_q = m[1] - m[2], m[3] - m[4]
    torch.add(sum_p, sum_q, out=out[1])
    torch.add(m[5], sum_p, alpha=PP, out=out[3]).add_(sum_q, alpha=QQ)
