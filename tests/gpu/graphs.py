"""CUDA graphs of functions, on the GPU that is not there. Prints as JSON what is found; not a test itself.

python tests/gpu/graphs.py
"""

import copy
import gc
import json
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from fake_gpu import DeviceTensor, FakeGPU, moved  # isort: skip  # before vosbench
import torch
from clips import clip
from command_line import parsed
from fake_objects import DEFAULT, Capture, InStream, Stream
from torch import Tensor

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models import graphs
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.folding import for_inference
from vosbench.models.graphs import NEVER, Graphs, capture_after
from vosbench.video import Sequence

RGB, LABELS = clip(8, 40, 56, 2)
CLIP = Sequence.from_arrays(RGB, {0: LABELS[0]})
CALLS = 3  # before a capture


def there(*numbers: float) -> DeviceTensor:
    return DeviceTensor(torch.tensor(numbers, dtype=torch.float32))


def numbers(value: Any) -> list[float]:
    return value.data_on_host.tolist()


def captured(call: Graphs) -> int:
    return sum(calls.graph is not None for calls in call._known.values())


class Function(torch.nn.Module):
    """Doubles a tensor and adds one, as often as it is called; it waits for the GPU, or has no memory, when told to."""

    def __init__(self, act: Callable[[int], float] = lambda _: 1, waits: bool = False, fails: int = -1) -> None:
        super().__init__()
        self.calls, self.act, self.waits, self.fails = 0, act, waits, fails

    def forward(self, x: Tensor, more: tuple[Tensor, ...] = ()) -> tuple[Tensor, Tensor]:
        self.calls += 1
        if self.calls == self.fails:
            raise torch.OutOfMemoryError("CUDA out of memory")
        if self.waits:
            x.sum().item()
        return 2 * x + self.act(self.calls), x + sum(more)


class Packed(NamedTuple):
    x: Tensor
    name: str


def unpack(packed: Packed, factor: int, rest: Mapping[str, Any]) -> dict[str, Any]:
    return {"x": Packed(packed.x * factor + rest["y"][0], packed.name), "nothing": None}


def first_of(x: Tensor, _: object) -> Tensor:
    return x


@contextmanager
def on_gpu() -> Iterator[list[warnings.WarningMessage]]:
    with FakeGPU(), torch.no_grad(), capture_after(CALLS), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield told
        assert InStream.current == DEFAULT


def replayed() -> dict[str, Any]:
    """Eight calls of a function with other numbers; what came of each, read after the last."""
    function, call = Function(), Graphs()
    with on_gpu() as told:
        results = [call(function, there(t, -t), (there(1, 1),)) for t in range(8)]
    doubled = [numbers(double) for double, _ in results]
    return {"calls": function.calls, "doubled": doubled, "sums": [numbers(s) for _, s in results], "told": len(told)}


def packed() -> list[Any]:
    """Eight calls with tensors in a named tuple and a mapping, and constants, of which one changes."""
    call, results = Graphs(), []
    with on_gpu():
        for t in range(24):
            given = Packed(there(t), "a"), (0.0, True, -0.0)[t // 8], {"y": [there(100)], "z": None, "empty": []}
            found = call(unpack, *given)
            results.append([numbers(found["x"].x)[0], found["x"].name, found["nothing"]])
        return [*results, captured(call)]


def made_anew() -> dict[str, Any]:
    """Functions that are others in each frame, called up to eight times in it; one that cannot be hashed; torch's."""
    call, alive, results = Graphs(), [], []
    with on_gpu():
        for t in range(40):
            x = there(t)
            alive.append(weakref.ref(x))
            anew = lambda y, x=x: x + y  # noqa: E731
            results.append([numbers(call(anew, there(1)))[0] for _ in range(1 + t % 8)][-1])
            call(x.add, there(1))
            call(first_of, there(1), {t})
            call(first_of, there(1), partial(torch.add, x))
        del x, anew
        gc.collect()
        call(torch.sigmoid, there(1))
        found = {"results": results, "alive": sum(one() is not None for one in alive), "graphs": captured(call)}
        pooled = torch.nn.functional.max_pool1d, there(1, 2)[None], 2
        for function, *given in ((torch.sigmoid, there(1)), (torch.Tensor.add, there(1), there(1)), pooled):
            for _ in range(CALLS + 1):
                call(function, *given)
        return found | {"lasting": captured(call)}


def in_its_place() -> list[float]:
    """A function after another one, at the same place in the memory of the host."""
    call, graphs.id = Graphs(), lambda _: 7
    try:
        with on_gpu():
            for add in (1, 100):
                function = Function(act=lambda _, add=add: add)
                results = [numbers(call(function, there(t))[0])[0] for t in range(CALLS + 2)]
    finally:
        del graphs.id
    return results


def other_shapes() -> dict[str, int]:
    """Calls in turns with two shapes; on a CPU; with gradients, and where graphs are not wanted, or no more of them."""
    counts = {}
    for name, given in {"two shapes": (there(1), there(1, 2)), "a CPU": (torch.ones(1),) * 2}.items():
        function, call = Function(), Graphs()
        with on_gpu():
            for t in range(20):
                call(function, given[t % 2])
        counts[name] = function.calls
    with FakeGPU(), torch.enable_grad():
        for _ in range(20):
            call(function := Function(), there(1))
    with on_gpu(), capture_after(0):
        for _ in range(20):
            call(function, there(1))
    counts["not wanted"] = function.calls
    with on_gpu(), capture_after(NEVER):
        for _ in range(20):
            call(function, there(1))
    return counts | {"no more": function.calls}


def not_captured() -> dict[str, Any]:
    """A function that waits, and one that does something else each time: what they give, and what is told."""
    found = {}
    for name, function in {"counts": Function(act=lambda calls: 10 * calls), "waits": Function(waits=True)}.items():
        call = Graphs()
        with on_gpu() as told:
            results = [numbers(call(function, there(t))[0]) for t in range(6)]
        found[name] = {"results": results, "told": [str(one.message) for one in told], "calls": function.calls}
    function, call = Function(), Graphs()
    with on_gpu():
        found["after one that waits"] = [numbers(call(function, there(t))[0]) for t in range(6)], function.calls
    Graphs.failed = False
    with on_gpu() as told:
        torch.cuda.Stream = lambda _: Stream("cuda:1")  # nothing that is done on cuda:0 is captured
        function, call = Function(), Graphs()
        results = [numbers(call(function, there(t))[0]) for t in range(6)]
    found["empty"] = {"results": results, "told": [str(one.message) for one in told]}
    there_is, almost = there(float("inf"), 1), there(float("inf"), 77)
    return found | {"close": [graphs._close(there_is, one) for one in (there_is, almost)]}


def memory() -> dict[str, Any]:
    """Graphs that together hold more than they may; one that is too large; a GPU without memory for a while."""
    found, before = {}, (graphs.LARGE, graphs.KNOWN, Capture.device.total_memory)

    def sizes(call: Graphs) -> list[int]:
        return [calls.graph.held // 12 for calls in call._known.values() if calls.graph is not None]

    def ask(call: Graphs, function: Function, sizes: list[int]) -> None:
        for size in sizes:
            for _ in range(CALLS + 1):
                call(function, DeviceTensor(torch.ones(size)))

    try:
        graphs.LARGE, Capture.device.total_memory = 100, 400 * graphs.SHARE  # a graph of n numbers holds 12 n bytes
        function, call = Function(), Graphs()
        with on_gpu():
            ask(call, function, [8, 7, 6, 5, 4, 3])
            ask(call, function, [8, 2, 9])
            found["captured"], calls = sizes(call), function.calls
            ask(call, function, [9])
            found["calls of a large one"] = function.calls - calls
            graphs.KNOWN = 2
            ask(call, function, [1])
            found["known"] = sizes(call)
    finally:
        graphs.LARGE, graphs.KNOWN, Capture.device.total_memory = before
    function, call = Function(fails=CALLS + 3), Graphs()  # two calls are of the capture
    with on_gpu():
        ask(call, function, [10])
        found["spare"] = [call.spare, captured(call)]
        found["without memory"] = numbers(call(function, there(1, 2))[0])
        found["captured after that"] = [captured(call), call.spare]
        ask(call, function, [10, 10])
        found["captured again"] = captured(call)
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
            with on_gpu():
                masks = [one.mask for one in propagate(model, CLIP, load_policy("every-k:k=1"), memory_limit=limit)]
            found[name] = {"calls": len(calls), "alike": all((a == b).all() for a, b in zip(want, masks, strict=True))}
    finally:
        type(model).encode_key = plain
    found["graphs"] = captured(model.graphs)
    found["of a copy"] = len(copy.deepcopy(model.graphs)._known)
    model._apply(lambda tensor: tensor)
    found["of one that moved"] = len(model.graphs._known)
    switch = torch.backends.cudnn
    with on_gpu():
        for model.precision in ("tf32", "fp32"):
            list(propagate(model, Sequence.from_arrays(RGB[:1], {0: LABELS[0]}), load_policy("every-k")))
            found[model.precision] = switch.allow_tf32
    return found


if __name__ == "__main__":
    parsed(__doc__)
    torch.set_num_threads(1)
    acts = (replayed, packed, made_anew, in_its_place, other_shapes, not_captured, memory, network)
    print(json.dumps({act.__name__: act() for act in acts}, indent=1))
