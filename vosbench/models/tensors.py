"""Tensors in whatever they are packed in: tuples, lists, mappings, dataclasses."""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

PLAIN = (bool, int, float, str, type(None), torch.dtype, torch.device, torch.memory_format)


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in a value."""
    if isinstance(value, Tensor):
        yield value
    else:
        yield from (tensor for _, part in _parts(value) for tensor in tensors(part))


def each(change: Callable[[Tensor], Any], value: Any) -> Any:
    """A value with every tensor in it changed alike."""
    if isinstance(value, Tensor):
        return change(value)
    parts = {name: each(change, part) for name, part in _parts(value)}
    if isinstance(value, Mapping):
        return parts
    if isinstance(value, list | tuple):
        return value._make(parts.values()) if hasattr(value, "_make") else type(value)(parts.values())
    if parts:
        value = copy(value)
        for name, part in parts.items():
            object.__setattr__(value, name, part)  # a frozen one, too
    return value


def looks(value: Any) -> Any:
    """All of a value but the numbers in its tensors, to be compared and hashed. Raises TypeError for what would hold
    others alive, or cannot be told from others: all but packed tensors and plain constants.
    """
    if isinstance(value, Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, list | tuple | Mapping) or is_dataclass(value):
        return type(value), tuple((name, looks(part)) for name, part in _parts(value))
    if not isinstance(value, PLAIN):
        raise TypeError(f"{type(value).__name__} is neither tensors nor a plain constant")
    return type(value), repr(value) if isinstance(value, float) else value  # 0.0 is not -0.0


def nbytes(*values: Any) -> int:
    """Of all tensors in values."""
    return sum(tensor.nbytes for tensor in tensors(values))


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
