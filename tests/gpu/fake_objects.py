"""Objects of torch on the GPU that is not there: generators of random numbers, and CUDA graphs.

What a captured function asks of the device is noted and not done; a replay does it, on the same tensors, without the
function.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import torch
from cuda_operators import writes


class Generator(torch.Generator):
    """torch.Generator that knows on which device it was asked for."""

    def __new__(cls, device: str | torch.device = "cpu") -> Self:
        made = super().__new__(cls, "cpu")
        made.place = torch.device(device).type
        return made

    @property
    def device(self) -> torch.device:
        return torch.device(self.place)


class Asked(NamedTuple):
    """An operator that the device was asked for, its tensors on the host."""

    func: Any
    args: Any
    kwargs: Any
    result: Any


class CudaGraph:
    """torch.cuda.CUDAGraph."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def replay(self) -> None:
        for func, args, kwargs, result in self.asked:
            again = func(*args, **kwargs)
            if not writes(func):
                for kept, new in zip(_tensors(result), _tensors(again), strict=True):
                    if _place(kept) != _place(new):  # it is no view
                        kept.copy_(new)

    def end(self) -> None:
        """Nothing was computed yet: what the operators gave is nonsense until a replay."""
        for func, args, kwargs, result in self.asked:
            given = {_place(one) for one in _tensors([args, kwargs])}
            for one in _tensors(result):
                if not writes(func) and _place(one) not in given:
                    one.fill_(77)


def capturing(gpu: Callable[[], Any]) -> Callable[..., Any]:
    """torch.cuda.graph for the GPU that `gpu` gives."""

    @contextmanager
    def graph(captured: CudaGraph, **_: object) -> Iterator[None]:
        gpu().note("wait", "torch.cuda.graph")  # which synchronizes
        gpu().graph = captured
        try:
            yield
        finally:
            gpu().graph = None
            captured.end()

    return graph


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
