"""Finds strategies: by name in `policies/`, by path of a file, or among the entry points `vosbench.policies`.

The folder is listed without importing it; only the strategy that was asked for is loaded.
"""

import importlib.util
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from vosbench.base.registry import Registry, as_class
from vosbench.base.sources import sources as base_sources
from vosbench.errors import VosbenchError
from vosbench.memory.policy import MemoryPolicy


def describe(kind: type[MemoryPolicy]) -> dict[str, dict[str, Any]]:
    """The parameters of a strategy: {name: {default, unit, about, at_least}}."""
    return {f.name: {"default": f.default, **f.metadata} for f in fields(kind) if f.init}


def sources(kind: type[MemoryPolicy]) -> bytes:
    """The source of a strategy, and of what lies beside it and is imported."""
    return base_sources(kind, _folder())


def _folder() -> Path:
    spec = importlib.util.find_spec("vosbench.policies")
    if spec is None or not spec.submodule_search_locations:
        raise VosbenchError("the folder of strategies is not installed", "install vosbench: pip install -e .")
    return Path(next(iter(spec.submodule_search_locations)))


def _shipped() -> dict[str, str]:
    return {path.stem.replace("_", "-"): f"vosbench.policies.{path.stem}" for path in _folder().glob("[!_]*.py")}


def _strategy(loaded: Any, origin: str) -> type[MemoryPolicy]:
    """What was loaded as a strategy's class; one that could not be built from a spec is refused."""
    kind: type[MemoryPolicy] = as_class(loaded, MemoryPolicy, "memory strategy", origin)
    name = f"{origin}: {kind.__qualname__}"
    if any(isinstance(value, Field) for value in vars(kind).values()):
        raise VosbenchError(f"strategy {name} has parameters but is no dataclass", "put @dataclass above the class")
    for known in fields(kind):
        if known.init and type(known.default) not in {bool, int, float, str}:
            raise VosbenchError(
                f"strategy {name}: parameter {known.name} has no bool, int, float or str as its default",
                "write NAME: TYPE = parameter(DEFAULT, UNIT, ABOUT)",
            )
    return kind


POLICIES: Registry[type[MemoryPolicy]] = Registry("strategy", "vosbench.policies", _shipped, _strategy)
