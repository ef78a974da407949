"""A GPU that is not there: tensors that say they are on `cuda:0` and compute on the CPU.

    with FakeGPU() as gpu: ...; gpu.events

Every wait of the host for the device, every transfer and every operator whose result may differ from one time to the
next on CUDA becomes an `Event`. What a copy for which nobody waits brings to the host is nonsense until an event after
it, or the device, was waited for. What CUDA would refuse (operands of two devices, a generator of the host for a tensor
of the device) raises RuntimeError. Import this before vosbench: torch's inference tensors and these do not mix.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import torch
from cuda_operators import INDEXING, UNREPEATABLE, WAITING, name_of, writes
from fake_objects import Asked, Capture, CudaGraph, Generator, InStream, Stream
from guard import load_guard
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

torch.inference_mode = torch.no_grad
CUDA = torch.device("cuda:0")
INDEXED = {torch.Tensor.__setitem__, torch.Tensor.__getitem__}
SPECIAL = INDEXED | {torch.Tensor.pin_memory, torch.Tensor.tolist, torch.Tensor.new_tensor, torch.tensor}
SOURCES = tuple(str(Path(__file__).parents[2] / name) + os.sep for name in ("vosbench", "policies"))


class Event(NamedTuple):
    """`kind` is "wait", "copy" (a transfer that nobody waits for), "unrepeatable" or "refused"; `where` the line."""

    kind: str
    what: str
    where: str


class DeviceTensor(torch.Tensor):
    """A tensor on the device; `data_on_host` is the CPU tensor that holds its numbers."""

    data_on_host: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, tensor: torch.Tensor) -> Self:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            tensor.shape,
            strides=tensor.stride(),
            storage_offset=tensor.storage_offset(),
            dtype=tensor.dtype,
            layout=tensor.layout,
            device=CUDA,
            requires_grad=tensor.requires_grad,
        )
        made.data_on_host = tensor
        return made

    def __repr__(self) -> str:
        return f"DeviceTensor({self.data_on_host!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        return (FakeGPU.current or FakeGPU()).carry_out(func, args, kwargs or {})  # outside the mode nothing is noted


class CudaEvent:
    """torch.cuda.Event on the clock of the host."""

    def __init__(self, **_: object) -> None:
        self.at: float | None = None
        self.number = 0

    def record(self, *_: object) -> None:
        assert FakeGPU.current is not None
        self.at, self.number = time.perf_counter(), FakeGPU.current.launch()

    def synchronize(self) -> None:
        assert FakeGPU.current is not None
        FakeGPU.current.wait_for(self.number)

    def elapsed_time(self, other: "CudaEvent") -> float:
        """Milliseconds."""
        assert self.at is not None
        assert other.at is not None
        return 1000 * (other.at - self.at)


class _Functions(TorchFunctionMode):
    """Functions that make tensors of the device out of Python's numbers, which torch copies and waits for."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if not kwargs and func not in SPECIAL:  # nearly all
            return func(*args)
        kwargs, gpu = kwargs or {}, FakeGPU.current
        assert gpu is not None
        gpu.generator_place = getattr(kwargs.get("generator"), "place", "cpu")  # the dispatcher sees a bare generator
        ours = bool(args) and isinstance(args[0], DeviceTensor)
        if func is torch.Tensor.pin_memory:
            (host := args[0].clone()).pinned = True
            return host
        if func is torch.Tensor.tolist and ours:
            gpu.note("wait", "tolist")
            return args[0].data_on_host.tolist()
        if func is torch.Tensor.new_tensor and ours and torch.device(kwargs.get("device", CUDA)).type == "cuda":
            return self._given(gpu, args[1], kwargs.get("dtype") or args[0].dtype)
        if func is torch.tensor and torch.device(kwargs.get("device") or "cpu").type == "cuda":
            return self._given(gpu, args[0], kwargs.get("dtype"))
        if func in INDEXED and ours:
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            index = tuple(self._given(gpu, part, None) if isinstance(part, list) else part for part in index)
            args = (args[0], index if isinstance(args[1], tuple) else index[0], *args[2:])
        return func(*args, **kwargs)

    @staticmethod
    def _given(gpu: "FakeGPU", numbers: Any, dtype: torch.dtype | None) -> DeviceTensor:
        gpu.note("wait", "numbers of Python become a tensor of the device")
        return DeviceTensor(torch.tensor(numbers, dtype=dtype))


class FakeGPU(TorchDispatchMode):
    """While it lasts this machine has a GPU, and what happens on it is noted in `events`."""

    current: ClassVar["FakeGPU | None"] = None

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.generator_place = "cpu"
        self.graph: CudaGraph | None = None  # that is captured
        self._launched = self._reached = 0  # what the device was asked for and has done, as numbers in order
        self._under_way: list[tuple[int, torch.Tensor, torch.Tensor]] = []  # copies: number, from, to
        self._stack = ExitStack()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would load its compiler and go through it with every operator

    def launch(self) -> int:
        """The number of one more thing that the device is asked for."""
        self._launched += 1
        return self._launched

    def wait_for(self, number: int) -> None:
        """Wait until the device has done that; noted if it has not yet."""
        if number > self._reached:
            self.note("wait", "Event.synchronize", number)

    def note(self, kind: str, what: str, number: int | None = None) -> None:
        """Note an event, and the innermost line of vosbench or its strategies that brought it about. A wait is for what
        has that number (None: for all that the device was asked for).
        """
        if self.graph is not None and kind in ("wait", "copy"):
            raise RuntimeError(f"CUDA would not capture this: {what}")
        if kind == "wait":
            self._reached = number or self._launched
            for _, source, target in (copy for copy in self._under_way if copy[0] <= self._reached):
                target.copy_(source)
            self._under_way = [copy for copy in self._under_way if copy[0] > self._reached]
        frame = sys._getframe(1)
        while frame.f_back is not None and not frame.f_code.co_filename.startswith(SOURCES):
            frame = frame.f_back
        file = os.sep.join(Path(frame.f_code.co_filename).parts[-2:])
        self.events.append(Event(kind, what, f"{file}:{frame.f_lineno}"))

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        return self.carry_out(func, args, kwargs or {})

    def carry_out(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Do on the CPU what an operator does, and note what CUDA would have made of it."""
        ours: list[DeviceTensor] = []
        hosts: list[torch.Tensor] = []
        target = None if kwargs.get("device") is None else torch.device(kwargs["device"]).type
        host_args = _on_host(args, ours, hosts)
        host_kwargs = {key: _on_host(value, ours, hosts) for key, value in kwargs.items()}
        host_kwargs |= {} if target is None else {"device": torch.device("cpu")}
        if not ours and target != "cuda":
            return func(*args, **kwargs)
        if kwargs.get("generator") is not None and self.generator_place != "cuda":
            self._refuse(func, "a generator of the CPU for a tensor of the GPU")
        name = name_of(func)
        if name in ("aten._to_copy", "aten.to") and bool(ours) != ((target or "cuda") == "cuda"):
            return self._transfer(func, host_args, host_kwargs, to_device=not ours)
        if name == "aten.copy_" and isinstance(args[0], DeviceTensor) != isinstance(args[1], DeviceTensor):
            self.note("wait", "copy_ between CPU and GPU")
            func(*host_args, **host_kwargs)
            return args[0]
        self._look_at(func, name, args, ours, hosts)
        result = func(*host_args, **host_kwargs)
        if self.graph is not None:
            self.graph.asked.append(Asked(func, host_args, host_kwargs, result))
        if writes(func):
            outs = [kwargs[a.name] for a in func._schema.arguments if a.is_out and a.name in kwargs]
            return (outs[0] if len(outs) == 1 else tuple(outs)) if outs else args[0]
        return _on_device(result)

    def _transfer(self, func: Any, args: Any, kwargs: Any, to_device: bool) -> Any:
        waits = not kwargs.get("non_blocking") or (to_device and not hasattr(args[0], "pinned"))
        self.note("wait" if waits else "copy", f"{args[0].numel()} numbers go to the {'GPU' if to_device else 'CPU'}")
        result = func(*args, **kwargs)
        if not (waits or to_device):
            self._under_way.append((self.launch(), result.clone(), result.fill_(77)))
        return DeviceTensor(result) if to_device else result

    def _look_at(self, func: Any, name: str, args: Any, ours: list[Any], hosts: list[torch.Tensor]) -> None:
        """Note the waits of an operator and what in it is not repeatable; refuse what mixes devices."""
        if any(tensor.dim() > 0 for tensor in hosts) and ours:
            if name in INDEXING and isinstance(args[0], DeviceTensor):
                self.note("wait", "an index that is on the CPU")
            else:
                self._refuse(func, "tensors of the CPU and of the GPU")
        if name in WAITING:
            self.note("wait", name)
        if name in INDEXING:
            places = [part for part in args[1] if part is not None]
            by_mask = any(part.dtype in (torch.bool, torch.uint8) for part in places)
            fills = name != "aten.index" and args[2].numel() == 1 and len(places) == 1
            if by_mask and not fills:  # a single number is filled in without counting the places
                self.note("wait", "a boolean index")
            if not by_mask and name != "aten.index" and not isinstance(args[2], DeviceTensor):
                self.note("wait", "tensor[index] = number")
        if name in UNREPEATABLE and any(tensor.is_floating_point() for tensor in ours):
            self.note("unrepeatable", name)

    def _refuse(self, func: Any, what: str) -> None:
        self.note("refused", f"{func}: {what}")
        raise RuntimeError(f"{func} would be refused by CUDA: {what}")

    def __enter__(self) -> Self:
        load_guard()
        pretended: dict[str, Callable[..., Any]] = {
            "_lazy_init": lambda: None,
            "is_available": lambda: True,
            "device_count": lambda: 1,
            "current_device": lambda: 0,
            "Event": CudaEvent,
            "CUDAGraph": CudaGraph,
            "is_current_stream_capturing": lambda: self.graph is not None,
            "Stream": Stream,
            "stream": InStream,
            "current_stream": lambda *_: InStream.current,
            "graph": Capture,
            "graph_pool_handle": lambda: next(Capture.handles),
            "memory_reserved": lambda *_: Capture.reserved,
            "memory_allocated": lambda *_: Capture.allocated,
            "get_device_properties": lambda *_: Capture.device,
            "synchronize": lambda *_: self.note("wait", "torch.cuda.synchronize"),
            "get_device_name": lambda *_: Capture.device.name,
            "reset_peak_memory_stats": lambda *_: None,
            "max_memory_allocated": lambda *_: 0,
            "empty_cache": lambda: None,
        }
        for owner, name, value in (
            *((torch.cuda, *pair) for pair in pretended.items()),
            (torch, "Generator", Generator),
        ):
            self._stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        FakeGPU.current, Capture.gpu = self, FakeGPU
        self._stack.enter_context(_Functions())
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        FakeGPU.current = None
        self._stack.close()


def moved(model: torch.nn.Module) -> torch.nn.Module:
    """A network with its parameters and buffers on the device that is not there."""
    for module in model.modules():
        for name, tensor in module._parameters.items():
            if tensor is not None:
                module._parameters[name] = torch.nn.Parameter(DeviceTensor(tensor.detach()), requires_grad=False)
        for name, tensor in module._buffers.items():
            if tensor is not None:
                module._buffers[name] = DeviceTensor(tensor)
    return model


def _on_host(value: Any, ours: list[DeviceTensor], hosts: list[torch.Tensor]) -> Any:
    """What an operator is given, with its tensors on the CPU; those of the device and of the CPU join the lists."""
    if isinstance(value, DeviceTensor):
        ours.append(value)
        return value.data_on_host
    if isinstance(value, torch.Tensor):
        hosts.append(value)
    elif type(value) in (list, tuple):
        return type(value)([part if type(part) is int else _on_host(part, ours, hosts) for part in value])
    return value


def _on_device(value: Any) -> Any:
    """What an operator gives, with its tensors on the device."""
    if isinstance(value, torch.Tensor):
        return DeviceTensor(value)
    return type(value)(map(_on_device, value)) if type(value) in (list, tuple) else value
