"""Functions of a network as CUDA graphs: the host launches one graph instead of hundreds of kernels, one by one.

A function that is called again and again with tensors of the same shapes is captured once and replayed from then on.
What it does beside what it returns happens no more: it must depend on its inputs and the weights alone, change nothing
that it is given, and wait for nothing. A graph is used only if it gives what the function gives of other numbers.
"""

import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar, TypeVar
from weakref import ref

import torch
from torch import Tensor

from vosbench.models.tensors import each, looks, nbytes, tensors

R = TypeVar("R")
CALLS = ContextVar("CALLS", default=16)  # after which a function is captured: a capture takes as long as many calls
NEVER = sys.maxsize
LARGE = 2**27  # bytes of inputs and outputs from which kernels take longer than their launches
SHARE = 16  # the part of the GPU's memory that inputs and outputs of all graphs may take
KNOWN = 256  # functions and shapes that are counted, at most


@contextmanager
def capture_after(calls: int) -> Iterator[None]:
    """Capture what is called for that time, within the block. 0: capture nothing, and replay nothing."""
    token = CALLS.set(calls)
    try:
        yield
    finally:
        CALLS.reset(token)


def owner_of(function: Callable[..., Any]) -> tuple[Any, Any]:
    """What a function lives with, and which of its functions it is: a module, an object or a class; mostly itself."""
    owner = getattr(function, "__self__", None)
    owner = getattr(function, "__objclass__", function) if owner is None else owner
    return owner, None if owner is function else getattr(function, "__func__", getattr(function, "__name__", None))


class Graphs:
    """The graphs of one network on a GPU, by function and by what its inputs look like; those used last are kept.

    A function that is made anew for each frame is called as it is.
    """

    failed: ClassVar[bool] = False  # a capture, after which torch before 2.13 bears no other

    def __init__(self) -> None:
        self._lock = Lock()
        self._stream: Any = None  # of captures
        self._clear()

    def __reduce__(self) -> Any:
        return Graphs, ()  # a copy of the network has other weights

    def __call__(self, function: Callable[..., R], *inputs: Any) -> R:
        """function(*inputs), of tensors however they are packed, and constants; the result is the caller's own."""
        calls, device = CALLS.get(), next((one.device for one in tensors(inputs)), None)
        if not calls or torch.is_grad_enabled() or device is None or device.type != "cuda":
            return function(*inputs)
        with self._lock, capture_after(0):
            try:
                return self._answer(function, inputs, device, calls)
            except torch.OutOfMemoryError:
                self._clear()
            torch.cuda.empty_cache()
            return function(*inputs)

    def _clear(self) -> None:
        self._known: OrderedDict[Any, _Calls] = OrderedDict()  # by what tells one graph from another
        self._pool: Any = None  # of what graphs compute in between: one is replayed at a time
        self.spare = 0  # bytes of it that are free between two replays, which torch does not count as allocated

    def _answer(self, function: Callable[..., R], inputs: Any, device: torch.device, enough: int) -> R:
        owner, name = owner_of(function)
        try:
            key = id(owner), name, torch.is_inference_mode_enabled(), looks(inputs)
            calls, alive = self._known.pop(key, None), ref(owner)
        except TypeError:
            return function(*inputs)
        if calls is None or calls.owner() is not owner:  # that is gone, and another has come to lie there
            calls = _Calls(alive)
        self._known[key] = calls
        if calls.graph is not None:
            return calls.graph.replay(inputs)
        result = function(*inputs)
        calls.number += 1
        if calls.number >= enough and not (calls.tried or Graphs.failed) and nbytes(inputs, result) <= LARGE:
            calls.tried, calls.graph = True, self._capture(function, inputs, device)
        self._forget(device)
        return result

    def _capture(self, function: Callable[..., Any], inputs: Any, device: torch.device) -> "_Graph | None":
        if not any(calls.graph for calls in self._known.values()):
            self._pool, self.spare = torch.cuda.graph_pool_handle(), 0  # torch takes one of no graph for a fault
        self._stream = self._stream or torch.cuda.Stream(device)
        try:
            graph = _Graph(inputs)
            torch.cuda.empty_cache()  # as a capture does first
            before = _free(device)
            graph.capture(function, self._pool, self._stream)
            free = _free(device) - before
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            Graphs.failed = True
            wrong = str(error.__context__ or error).split("\n", 1)[0]  # what broke the capture
        else:
            if graph.gives_what(function, inputs):
                self.spare += free
                return graph
            wrong = "replayed, it gives other numbers"
        name = getattr(function, "__qualname__", type(function).__qualname__)
        warnings.warn(f"{name} is slower than it might be, since it makes no CUDA graph: {wrong}", stacklevel=2)
        return None

    def _forget(self, device: torch.device) -> None:
        """Drop what is of functions that are gone; where graphs hold too much, those that were not used for longest."""
        for key in [key for key, calls in self._known.items() if calls.owner() is None]:
            del self._known[key]
        held = {key: 0 if calls.graph is None else calls.graph.held for key, calls in self._known.items()}
        limit = torch.cuda.get_device_properties(device).total_memory // SHARE
        while sum(held.values()) > limit or len(held) > KNOWN:
            del self._known[oldest := next(iter(held))], held[oldest]


class _Graph:
    """A captured call: the tensors that it reads and writes."""

    def __init__(self, inputs: Any) -> None:
        self._inputs = each(torch.clone, inputs)
        self._graph = torch.cuda.CUDAGraph()

    def capture(self, function: Callable[..., Any], pool: Any, stream: Any) -> None:
        """Note what a function launches."""
        with (  # of a capture that fails torch would leave the stream of the capture in use
            torch.cuda.stream(torch.cuda.current_stream(stream.device)),
            torch.cuda.graph(self._graph, pool=pool, stream=stream, capture_error_mode="thread_local"),
        ):
            self._outputs = function(*self._inputs)
        self.held = nbytes(self._inputs, self._outputs)

    def replay(self, inputs: Any) -> Any:
        """What the function gives of them."""
        for mine, given in zip(tensors(self._inputs), tensors(inputs), strict=True):
            mine.copy_(given)
        self._graph.replay()
        return each(torch.clone, self._outputs)  # the next graph may write where this one did

    def gives_what(self, function: Callable[..., Any], inputs: Any) -> bool:
        """Whether it gives what a function gives of other inputs than those of the capture, but for rounding."""
        other = each(_changed, inputs)
        pairs = zip(tensors(self.replay(other)), tensors(function(*other)), strict=True)
        return all(_close(mine.float(), known.float()) for mine, known in pairs)


@dataclass
class _Calls:
    owner: Callable[[], Any]  # the function, or whose method it is, while that lives
    number: int = 0
    tried: bool = False
    graph: _Graph | None = None


def _free(device: torch.device) -> int:
    """Bytes that torch has of the GPU and that no tensor takes."""
    return torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _changed(one: Tensor) -> Tensor:
    """Other numbers: with 0.5 to 1 added; whole ones, which may be indices, in another order."""
    if not one.is_floating_point():
        return one.flip(-1) if one.dim() else one
    return one + torch.linspace(0.5, 1, one.numel(), dtype=one.dtype, device=one.device).view(one.shape)


def _close(one: Tensor, other: Tensor) -> bool:
    scale = other.nan_to_num(0, 0, 0).abs().max() if other.numel() else 0
    return torch.allclose(one, other, rtol=0, atol=0.01 * float(scale), equal_nan=True)
