"""Finds strategies: by name in `policies/`, by path of a file, or among the entry points `vosbench.policies`.

The folder is listed without importing it; only the strategy that was asked for is loaded.
"""

from dataclasses import Field, fields
from inspect import isfunction
from typing import Any

from vosbench.base.registry import Registry, as_class, folder_of, modules
from vosbench.base.sources import sources as base_sources
from vosbench.errors import VosbenchError
from vosbench.memory.policy import MemoryPolicy

PACKAGE = "vosbench.policies"  # the group of entry points, too
QUALITIES = ("needs_truth", "needs_future", "needs_length", "is_reference")  # a method of that name is always true


def describe(kind: type[MemoryPolicy]) -> dict[str, dict[str, Any]]:
    """The parameters of a strategy: {name: {default, unit, about, at_least}}."""
    return {f.name: {"default": f.default, **f.metadata} for f in fields(kind) if f.init}


def sources(kind: type[MemoryPolicy]) -> bytes:
    """The source of a strategy, and of what lies beside it and is imported."""
    return base_sources(kind, folder_of(PACKAGE))


def _strategy(loaded: Any, origin: str) -> type[MemoryPolicy]:
    """What was loaded as a strategy's class; one that could not be built from a spec is refused."""
    kind: type[MemoryPolicy] = as_class(loaded, MemoryPolicy, "memory strategy", origin)
    name = f"{origin}: {kind.__qualname__}"
    if any(isinstance(value, Field) for value in vars(kind).values()):
        raise VosbenchError(f"strategy {name} has parameters but is no dataclass", "put @dataclass above the class")
    if methods := [known for known in QUALITIES if isfunction(getattr(kind, known))]:
        raise VosbenchError(f"strategy {name}: {' and '.join(methods)} must be a property", "put @property above it")
    for known in fields(kind):
        if known.init and type(known.default) not in {bool, int, float, str}:
            told = f"strategy {name}: parameter {known.name} has no bool, int, float or str as its default"
            raise VosbenchError(told, "write NAME: TYPE = parameter(DEFAULT, UNIT, ABOUT)")
    return kind


POLICIES: Registry[type[MemoryPolicy]] = Registry("strategy", PACKAGE, lambda: modules(PACKAGE), _strategy)
