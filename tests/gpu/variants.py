"""STCN at full size with random weights, as it ships and in ways it might run on a GPU, to learn what each is worth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vosbench.models.base import FrameStep, Keys, Network, Spec, State
from vosbench.models.folding import for_inference
from vosbench.models.precision import Precision, require
from vosbench.models.stcn.network import CONFIGS, STCN, KeyFeatures


@dataclass(frozen=True)
class Variant:
    """How the network runs. `graphs`: CUDA graphs."""

    precision: Precision = "fp32"
    channels_last: bool = True
    benchmark: bool = False
    graphs: bool = False


VARIANTS = {  # the most telling first: time may run out
    "as shipped: fp32, channels last": Variant(),
    "fp16": Variant("fp16"),
    "fp16, graphs": Variant("fp16", graphs=True),
    "fp32, graphs": Variant(graphs=True),
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


class Captured(Network):
    """STCN, every call of it one CUDA graph."""

    def __init__(self, model: STCN) -> None:
        super().__init__()
        self.model, self.training = model, False
        self._captured: dict[Any, Any] = {}

    @property
    def spec(self) -> Spec:
        return self.model.spec

    def encode(self, frame: Tensor) -> KeyFeatures:
        return self._call("encode_key", self.model.encode_key, frame.to(self.model.dtype))

    def tokens(self, features: KeyFeatures) -> Keys:
        return Keys(features.key.float()[0].flatten(1).T)

    def scores(self, keys: Keys, query: Keys, out: Tensor | None = None) -> Tensor:
        return self.model.scores(keys, query, out)

    def decode(
        self,
        readout: Tensor,
        features: KeyFeatures,
        state: State,
        joint: Tensor,  # noqa: ARG002
        step: FrameStep,  # noqa: ARG002
    ) -> tuple[Tensor, State]:
        def decode(readout: Tensor, thin: Tensor, f8: Tensor, f4: Tensor) -> Tensor:
            return self.model.decoder(readout, self.model.decoder.of_frame(thin, f8, f4))[:, 0]

        rest = features.thin, features.f8, features.f4
        return self._call("decode", decode, readout.to(self.model.dtype), *rest).float(), state

    def encode_value(
        self,
        frame: Tensor,
        features: KeyFeatures,
        masks: Tensor,
        before: State,  # noqa: ARG002
        state: State,
        step: FrameStep,  # noqa: ARG002
    ) -> tuple[Tensor, State]:
        def values(frame: Tensor, f16: Tensor, masks: Tensor) -> Tensor:
            return self.model.object_values(frame, self.model.value_encoder.of_frame(f16), masks)

        inputs = frame.to(self.model.dtype), features.f16, masks[None].to(self.model.dtype)
        return self._call("object_values", values, *inputs)[0].float(), state

    def _call(self, name: str, function: Callable[..., Any], *inputs: Tensor) -> Any:
        if not inputs[0].is_cuda:
            return function(*inputs)
        key = name, tuple((tuple(x.shape), x.stride(), x.dtype) for x in inputs)
        if key not in self._captured:
            self._captured[key] = _capture(function, inputs)
        graph, held, outputs = self._captured[key]
        for mine, given in zip(held, inputs, strict=True):
            mine.copy_(given)
        graph.replay()
        return outputs  # overwritten at the next frame, when the bank has copied what it keeps


def _capture(
    function: Callable[..., Any], inputs: tuple[Tensor, ...]
) -> tuple[torch.cuda.CUDAGraph, list[Tensor], Any]:
    held = [torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=x.device).copy_(x) for x in inputs]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            function(*held)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = function(*held)
    return graph, held, outputs


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
        yield Captured(model) if how.graphs else model
    finally:
        cudnn.allow_tf32, cudnn.benchmark = before
