"""Objects of torch on the GPU that is not there: generators of random numbers, streams, and CUDA graphs.

What a captured function asks of the device is noted and not done; a replay does it, on the same tensors, without the
function. As with torch 2.13, what another stream is asked for is no part of a graph, a capture that fails leaves its
stream in use, and a pool whose graphs are all gone cannot be used again.
"""

import weakref
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple, Self

import torch
from cuda_operators import writes
from torch.utils._python_dispatch import _disable_current_modes

DEFAULT = "the default stream"


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


class Stream:
    """torch.cuda.Stream."""

    def __init__(self, device: Any = None) -> None:
        self.device = device


class InStream:
    """torch.cuda.stream."""

    current: ClassVar[Any] = DEFAULT

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __enter__(self) -> None:
        self._before, InStream.current = InStream.current, self._stream

    def __exit__(self, *_: object) -> None:
        InStream.current = self._before


class CudaGraph:
    """torch.cuda.CUDAGraph."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    @_disable_current_modes()
    def replay(self) -> None:
        for func, args, kwargs, result in self.asked:
            again = func(*args, **kwargs)
            if not writes(func):
                for kept, new in zip(_tensors(result), _tensors(again), strict=True):
                    if _place(kept) != _place(new):  # it is no view
                        kept.copy_(new)

    def end(self) -> tuple[int, int]:
        """Nothing was computed yet: what the operators gave is nonsense until a replay. Returns the bytes of all that
        they gave, and those of what none of them took.
        """
        given = [{_place(one) for one in _tensors([args, kwargs])} for _, args, kwargs, _ in self.asked]
        every, made, kept = set().union(*given), 0, 0
        for (func, _, _, result), own in zip(self.asked, given, strict=True):
            for one in _tensors(result):
                if not writes(func) and _place(one) not in own:
                    made += one.fill_(77).nbytes
                    kept += one.nbytes * (_place(one) not in every)
        return made, kept


class Capture:
    """torch.cuda.graph. Without a stream, as with one of another device, nothing is captured that the device does."""

    gpu: ClassVar[Any] = None  # FakeGPU
    device: ClassVar[Any] = SimpleNamespace(name="a GPU that is not there", total_memory=2**33)
    reserved: ClassVar[int] = 0  # bytes of all pools, and what of it tensors take
    allocated: ClassVar[int] = 0
    handles: ClassVar[Iterator[int]] = count()
    _pools: ClassVar[dict[int, list[Any]]] = {}  # the graphs of each

    def __init__(self, graph: CudaGraph, pool: int, stream: Stream | None = None, **_: object) -> None:
        self._graph, self._pool, self._recorded = graph, pool, stream is not None and str(stream.device) == "cuda:0"
        self._context = InStream(stream or Stream())

    def __enter__(self) -> None:
        self.gpu.current.note("wait", "torch.cuda.graph")  # which synchronizes
        self._context.__enter__()
        users = self._pools.setdefault(self._pool, [])
        if users and not any(user() for user in users):
            raise RuntimeError("it->second->use_count > 0 INTERNAL ASSERT FAILED")
        users.append(weakref.ref(self._graph))
        self.gpu.current.graph = self._graph if self._recorded else None

    def __exit__(self, kind: object, *_: object) -> None:
        self.gpu.current.graph = None
        made, kept = self._graph.end()
        Capture.reserved += made
        Capture.allocated += kept
        if kind is not None:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")
        self._context.__exit__()


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
