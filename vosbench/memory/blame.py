"""Tells whose fault an error is: that of a strategy is reported with its file, its line and where it happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from inspect import getsourcefile

import torch

from vosbench.base.registry import place
from vosbench.base.signals import by_code
from vosbench.errors import PolicyError, VosbenchError
from vosbench.memory.answer import WrongAnswerError
from vosbench.memory.policy import MemoryPolicy

_EXHAUSTED = (
    "can't allocate memory",  # of a CPU
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC_FAILED",
    "unable to find an engine to execute this computation",  # cuDNN, where no algorithm has the room that it needs
)


@contextmanager
def blamed(policy: MemoryPolicy, where: str) -> Iterator[None]:
    """Make any error but Ctrl-C, exhausted memory or a failed GPU a PolicyError with the strategy's file and line."""
    try:
        yield
    except BaseException as error:
        if not by_code(error) or isinstance(error, PolicyError) or out_of_memory(error) or gpu_failed(error):
            raise
        reason, hint = f"{type(error).__name__}: {error}", "repair the strategy; see MemoryPolicy"
        if told := isinstance(error, VosbenchError):
            reason, hint = error.message, error.hint
        fault = PolicyError(f"{location(policy, error)}: {where}: {' '.join(reason.split())}", hint)
        raise fault from (None if told else error)


def location(policy: MemoryPolicy, error: BaseException | None = None) -> str:
    """`FILE:LINE` of a method that answers wrongly, else of the innermost call in the strategy's file, or a wrapped
    one's; else of where its class begins.
    """
    kinds = _kinds(policy)
    if isinstance(error, WrongAnswerError) and getsourcefile(error.method) in map(getsourcefile, kinds):
        return place([error.method])
    return place(kinds, error)


def _kinds(policy: MemoryPolicy) -> list[type[MemoryPolicy]]:
    """The class of a strategy, and of those that it wraps."""
    assert is_dataclass(policy)
    values = [getattr(policy, f.name, None) for f in fields(policy)]
    inner = [kind for value in values if isinstance(value, MemoryPolicy) for kind in _kinds(value)]
    return [type(policy), *inner]


def gpu_failed(error: BaseException) -> bool:
    """Whether an error ends the use of the GPU in this process, as a failed assertion in a kernel does."""
    return "CUDA error" in str(error) and not out_of_memory(error)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says, in one of the many ways of PyTorch and its libraries, that memory was exhausted."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in str(error) for sign in _EXHAUSTED)
