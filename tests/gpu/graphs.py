"""CUDA graphs of functions, on the GPU that is not there. Prints as JSON what is found; not a test itself.

python tests/gpu/graphs.py
"""

import copy
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fake_gpu import DeviceTensor, FakeGPU, moved  # isort: skip  # before vosbench

import torch
from clips import clip
from torch import Tensor

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models import graphs
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.folding import for_inference
from vosbench.models.graphs import CALLS, Graphs, without_graphs
from vosbench.video import Sequence

RGB, LABELS = clip(8, 40, 56, 2)
CLIP = Sequence.from_arrays(RGB, {0: LABELS[0]})


def there(*numbers: float) -> DeviceTensor:
    return DeviceTensor(torch.tensor(numbers))


def numbers(value: Any) -> list[float]:
    return value.data_on_host.tolist()


class Function:
    """Doubles a tensor and adds one, as often as it is called; it waits for the GPU if it is told to."""

    def __init__(self, act: Callable[[int], float] = lambda _: 1, waits: bool = False, fails: int = -1) -> None:
        self.calls, self.act, self.waits, self.fails = 0, act, waits, fails

    def __call__(self, x: Tensor, more: tuple[Tensor, ...] = ()) -> tuple[Tensor, Tensor]:
        self.calls += 1
        if self.calls == self.fails:
            raise torch.OutOfMemoryError("CUDA out of memory")
        if self.waits:
            x.sum().item()
        return (2 * x).add_(self.act(self.calls)), sum(more, x)


@contextmanager
def on_gpu() -> Iterator[list[warnings.WarningMessage]]:
    with FakeGPU(), torch.no_grad(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield told


def replayed() -> dict[str, Any]:
    """Eight calls of a function with other numbers; what came of each, read after the last."""
    function, call = Function(), Graphs()
    with on_gpu() as told:
        results = [call(function, there(t, -t), (there(1, 1),)) for t in range(8)]
    doubled = [numbers(double) for double, _ in results]
    return {"calls": function.calls, "doubled": doubled, "sums": [numbers(s) for _, s in results], "told": len(told)}


def other_shapes() -> dict[str, int]:
    """Calls in turns with two shapes; with gradients, on a CPU, and where graphs are not wanted."""
    counts = {}
    for name, given in {"two shapes": (there(1), there(1, 2)), "a CPU": (torch.ones(1),) * 2}.items():
        function, call = Function(), Graphs()
        with on_gpu():
            for t in range(20):
                call(function, given[t % 2])
        counts[name] = function.calls
    function, call = Function(), Graphs()
    with FakeGPU(), torch.enable_grad():
        for _ in range(20):
            call(function, there(1))
    with on_gpu(), without_graphs():
        for _ in range(20):
            call(function, there(1))
    return counts | {"not wanted": function.calls}


def not_captured() -> dict[str, Any]:
    """A function that waits, and one that does something else each time: what they give, and what is told."""
    found = {}
    for name, function in {"waits": Function(waits=True), "counts": Function(act=lambda calls: 10 * calls)}.items():
        call = Graphs()
        with on_gpu() as told:
            results = [numbers(call(function, there(t))[0]) for t in range(6)]
        found[name] = {"results": results, "told": [str(one.message) for one in told], "calls": function.calls}
    return found


def memory() -> dict[str, Any]:
    """Graphs that together hold more than they may; one that is too large; a GPU without memory for a while."""
    found, held, known = {}, graphs.HELD, graphs.KNOWN

    def captured(call: Graphs) -> list[int]:
        return [key[2][0][0].numel() for key, calls in call._known.items() if calls.graph is not None]

    def ask(call: Graphs, function: Function, sizes: list[int]) -> None:
        for size in sizes:
            for _ in range(CALLS + 1):
                call(function, DeviceTensor(torch.ones(size)))

    try:
        graphs.HELD = 400  # bytes; a graph of n numbers holds 12 n, one of more than 8 is too large
        function, call = Function(), Graphs()
        with on_gpu():
            ask(call, function, [8, 7, 6, 5, 4, 3])
            ask(call, function, [8, 2, 9])
            found["captured"], before = captured(call), function.calls
            ask(call, function, [9])
            found["calls of a large one"] = function.calls - before
            graphs.KNOWN = 2
            ask(call, function, [1])
            found["known"] = captured(call)
    finally:
        graphs.HELD, graphs.KNOWN = held, known
    function, call = Function(fails=CALLS + 2), Graphs()  # one call is that of the capture
    with on_gpu():
        ask(call, function, [1])
        found["without memory"] = numbers(call(function, there(1, 2))[0])
        found["captured after that"] = captured(call)
    return found


def network() -> dict[str, Any]:
    """The network's own functions, through a video twice: how often they are called; copies; a limit of memory."""
    model = read_checkpoint("stcn-tiny").network()
    for_inference(model, torch.device("cuda"))
    want = [one.mask for one in propagate(model, CLIP, load_policy("every-k:k=1"))]
    model, calls, found = moved(copy.deepcopy(model)), [], {}
    plain = type(model).encode_key
    type(model).encode_key = lambda self, frames: calls.append(1) or plain(self, frames)
    try:
        for name, limit in {"free": None, "again": None, "limited": "4GB"}.items():
            calls.clear()
            with FakeGPU():
                masks = [one.mask for one in propagate(model, CLIP, load_policy("every-k:k=1"), memory_limit=limit)]
            found[name] = {"calls": len(calls), "alike": all((a == b).all() for a, b in zip(want, masks, strict=True))}
    finally:
        type(model).encode_key = plain
    found["graphs"] = sum(calls.graph is not None for calls in model.graphs._known.values())
    found["of a copy"] = len(copy.deepcopy(model.graphs)._known)
    model.graphs, before = Graphs(), model.graphs
    before._known, model.graphs._known = type(before._known)(), before._known
    model._apply(lambda tensor: tensor)
    found["of one that moved"] = len(model.graphs._known)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    acts = (replayed, other_shapes, not_captured, memory, network)
    print(json.dumps({act.__name__: act() for act in acts}, indent=1))
