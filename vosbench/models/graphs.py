"""Functions of a network as CUDA graphs: the host launches one graph instead of hundreds of kernels, one by one.

A function of tensors that is called again and again with tensors of the same shapes is captured once and replayed from
then on. What it does beside its tensors happens no more: it must depend on these and the weights alone, and wait for
nothing. A graph is used only if it gives what the function gave.
"""

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import torch
from torch import Tensor

R = TypeVar("R")  # a tensor, or tuples of them
CALLS = 3  # before a capture: the libraries choose their kernels, and a short-lived number of objects is not worth one
HELD = 2**29  # bytes of inputs and outputs that all graphs hold, at most
KNOWN = 1024  # functions and shapes that are counted, at most
ALLOWED = ContextVar("ALLOWED", default=True)


@contextmanager
def without_graphs() -> Iterator[None]:
    """Call functions as they are, within the block: graphs hold memory that nobody counts."""
    token = ALLOWED.set(False)
    try:
        yield
    finally:
        ALLOWED.reset(token)


class Graphs:
    """The graphs of one network on a GPU, by function and by what its tensors look like; those used last are kept."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, _Calls] = OrderedDict()
        self._lock = Lock()
        self._pool: Any = None  # of what graphs compute in between: one is replayed at a time

    def __reduce__(self) -> Any:
        return Graphs, ()  # a copy of the network has other weights

    def __call__(self, function: Callable[..., R], *inputs: Any) -> R:
        """function(*inputs), of tensors and tuples of tensors; the result is the caller's own."""
        given = flat(inputs)
        if torch.is_grad_enabled() or not ALLOWED.get() or given[0].device.type != "cuda":
            return function(*inputs)
        looks = tuple((one.shape, one.stride(), one.dtype) for one in given)
        key = function, torch.is_inference_mode_enabled(), looks
        with self._lock, without_graphs():
            calls = self._known.setdefault(key, _Calls())
            self._known.move_to_end(key)
            if calls.graph is not None:
                return calls.graph.replay(inputs)
            result = self._eager(function, inputs)
            calls.number += 1
            if calls.number == CALLS:
                calls.graph = self._capture(function, inputs, result)
            self._forget()
        return result

    def _eager(self, function: Callable[..., R], inputs: Any) -> R:
        try:
            return function(*inputs)
        except torch.OutOfMemoryError:
            self._known.clear()
        torch.cuda.empty_cache()
        return function(*inputs)

    def _capture(self, function: Callable[..., R], inputs: Any, result: R) -> "_Graph | None":
        if 4 * _bytes(inputs, result) > HELD:
            return None  # so much work takes longer than to launch its kernels
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        try:
            graph = _Graph(function, inputs, self._pool)
            if graph.gives(result):
                return graph
            wrong = "replayed, it gives other numbers"
        except RuntimeError as error:
            wrong = str(error).split("\n", 1)[0]
        name = getattr(function, "__qualname__", type(function).__qualname__)
        warnings.warn(f"{name} is slower than it might be, since it makes no CUDA graph: {wrong}", stacklevel=2)
        return None

    def _forget(self) -> None:
        """Drop the graphs that were not used for longest where all hold too much, and so much else that is known."""
        held = {key: 0 if calls.graph is None else calls.graph.held for key, calls in self._known.items()}
        while sum(held.values()) > HELD or len(held) > KNOWN:
            del self._known[oldest := next(iter(held))], held[oldest]


class _Graph:
    """A captured call: the tensors that it reads and writes."""

    def __init__(self, function: Callable[..., Any], inputs: Any, pool: Any) -> None:
        self._inputs = each(torch.clone, inputs)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
            self._outputs = function(*self._inputs)
        self.held = _bytes(self._inputs, self._outputs)

    def replay(self, inputs: Any) -> Any:
        """What the function gives of them."""
        for mine, given in zip(flat(self._inputs), flat(inputs), strict=True):
            mine.copy_(given)
        self._graph.replay()
        return each(torch.clone, self._outputs)  # the next graph may write where this one did

    def gives(self, result: Any) -> bool:
        """Whether it gives that of the inputs with which it was captured, but for rounding."""
        self._graph.replay()
        pairs = zip(flat(self._outputs), flat(result), strict=True)
        return all(_close(mine.float(), known.float()) for mine, known in pairs)


@dataclass
class _Calls:
    number: int = 0
    graph: _Graph | None = None


def _close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=0.01 * float(other.abs().nan_to_num().max()), equal_nan=True)


def each(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Tensors and tuples of tensors, named or not, with every tensor changed alike."""
    if isinstance(value, Tensor):
        return change(value)
    parts = [each(change, part) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def flat(value: Any) -> Sequence[Tensor]:
    """The tensors in it."""
    return [value] if isinstance(value, Tensor) else [one for part in value for one in flat(part)]


def _bytes(*values: Any) -> int:
    return sum(one.nbytes for one in flat(values))
