"""Tensors in whatever they are packed in: tuples, lists, mappings, dataclasses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from torch import Tensor


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
    if not (parts := {name: each(change, part) for name, part in _parts(value)}):
        return value
    if isinstance(value, Mapping):
        return parts
    if is_dataclass(value):
        return replace(value, **parts)  # type: ignore[type-var]
    return type(value)(*parts.values()) if hasattr(value, "_fields") else type(value)(parts.values())


def looks(value: Any) -> Any:
    """All of a value but the numbers in its tensors, to be compared and hashed."""
    if isinstance(value, Tensor):
        return value.shape, value.stride(), value.dtype
    parts = tuple((name, looks(part)) for name, part in _parts(value))
    return (type(value), parts) if parts else value


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
