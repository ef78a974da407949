"""STCN at full size with random weights, as it ships and in ways it might run on a GPU, to learn what each is worth."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from vosbench.models.base import Network
from vosbench.models.folding import for_inference
from vosbench.models.precision import Precision, require
from vosbench.models.stcn.network import CONFIGS, STCN


@dataclass(frozen=True)
class Variant:
    """How the network runs. `graphs`: CUDA graphs."""

    precision: Precision = "fp32"
    channels_last: bool = True
    benchmark: bool = False
    graphs: bool = True


VARIANTS = {  # the most telling first: time may run out
    "as shipped: fp32, channels last, graphs": Variant(),
    "fp16": Variant("fp16"),
    "fp16, no graphs": Variant("fp16", graphs=False),
    "fp32, no graphs": Variant(graphs=False),
    "bf16": Variant("bf16"),
    "tf32": Variant("tf32"),
    "fp32, contiguous": Variant(channels_last=False),
    "fp32, cudnn.benchmark": Variant(benchmark=True),
}


def full_size(config: str, device: torch.device, precision: Precision = "fp32") -> STCN:
    """The network with random weights that neither explode nor vanish: what it predicts means nothing."""
    require(precision, device)
    torch.manual_seed(0)
    model = STCN(CONFIGS[config]).eval().requires_grad_(False)
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            module.weight *= 0.7
    for_inference(model, device, precision)
    return model.to(device, memory_format=torch.channels_last)


@contextmanager
def made(config: str, device: torch.device, how: Variant) -> Iterator[Network]:
    """The network in a variant; the switches of torch that it needs hold until the end."""
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32, cudnn.benchmark
    cudnn.benchmark = how.benchmark
    try:
        model = full_size(config, device, how.precision)
        if not how.channels_last:
            model = model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        if not how.graphs:
            model.graphs = None
        yield model
    finally:
        cudnn.allow_tf32, cudnn.benchmark = before
