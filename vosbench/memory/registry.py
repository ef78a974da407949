"""Finds strategies: by name in `policies/`, by path of a file, or among the entry points `vosbench.policies`.

A spec is text: `lfu`, `lfu:capacity=4,pin_first=true`, `./idea.py:k=3`. A strategy that wraps another takes it as a
parameter, with parameters of its own in parentheses: `gated:base=lfu(capacity=4),threshold=0.7`. The folder is listed
without importing it; only the strategy that was asked for is loaded.
"""

import hashlib
import importlib.util
import inspect
import math
import re
import sys
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import Any

from vosbench.base.registry import Registry, only
from vosbench.errors import VosbenchError, unknown
from vosbench.memory.policy import MemoryPolicy
from vosbench.memory.sources import beside


@dataclass(frozen=True)
class PolicySpec:
    """A strategy as named by the user: spec text, name, the class, its parameters and the hash of its source.

    `parameters` are plain values, a wrapped strategy among them as text; `wrapped` has those made ready, and
    `source_hash` covers their sources too, and what lies beside it and is imported.
    """

    spec: str
    name: str
    kind: type[MemoryPolicy]
    parameters: dict[str, Any]
    source_hash: str
    wrapped: dict[str, "PolicySpec"] = field(default_factory=dict)

    def build(self) -> MemoryPolicy:
        """A fresh instance, and fresh ones of what it wraps."""
        return self.kind(**(self.parameters | {name: spec.build() for name, spec in self.wrapped.items()}))


def resolve_policy(spec: str) -> PolicySpec:
    """The strategy that a spec names, its parameters checked.

    Raises VosbenchError for an unknown name or parameter (with the near ones), or a value of the wrong type.
    """
    head, _, tail = spec.partition(".py:") if ".py:" in spec else spec.partition(":")
    if head != spec and ".py:" in spec:
        head += ".py"
    kind = POLICIES.find(head)
    values = _parameters(spec, kind, tail)
    wrapped = {
        f.name: _wrapped(spec, f.name, values.get(f.name, f.default))
        for f in fields(kind)
        if f.metadata.get("strategy")
    }
    module = sys.modules[kind.__module__]
    hasher = hashlib.blake2b(inspect.getsource(module).encode(), digest_size=8)
    for file in beside(module, _folder()):
        hasher.update(file.name.encode() + b"\0" + file.read_bytes())
    for inner in wrapped.values():
        hasher.update(inner.source_hash.encode())
    return PolicySpec(spec, _name(head), kind, values, hasher.hexdigest(), wrapped)


def load_policy(spec: str) -> MemoryPolicy:
    """The strategy of a spec, e.g. `lfu:capacity=4`, ready for `propagate`."""
    return resolve_policy(spec).build()


def describe(kind: type[MemoryPolicy]) -> dict[str, dict[str, Any]]:
    """The parameters of a strategy: {name: {default, unit, about, at_least}}."""
    return {f.name: {"default": f.default, **f.metadata} for f in fields(kind) if f.init}


def _wrapped(spec: str, name: str, text: str) -> PolicySpec:
    """The strategy that `lfu(capacity=4)` names as parameter `name` of `spec`."""
    parts = re.fullmatch(r"([^()]+)(?:\((.*)\))?", text)
    if parts is None:
        raise VosbenchError(f"policy {spec!r}: {name} is no strategy: {text!r}", f"write {name}=NAME(KEY=VALUE,…)")
    head, inside = parts.groups()
    return resolve_policy(f"{head}:{inside}" if inside else head)


def _folder() -> Path:
    spec = importlib.util.find_spec("vosbench.policies")
    if spec is None or not spec.submodule_search_locations:
        raise VosbenchError("the folder of strategies is not installed", "install vosbench: pip install -e .")
    return Path(next(iter(spec.submodule_search_locations)))


def _shipped() -> dict[str, str]:
    return {path.stem.replace("_", "-"): f"vosbench.policies.{path.stem}" for path in _folder().glob("[!_]*.py")}


def _name(head: str) -> str:
    return Path(head).stem.replace("_", "-") if head.endswith(".py") else head


def _strategy(loaded: Any, origin: str) -> type[MemoryPolicy]:
    """What was loaded as a strategy's class: a module, which defines one, or the class. A class that could not be
    built from a spec is refused.
    """
    kind = only(loaded, MemoryPolicy, "memory strategy") if isinstance(loaded, ModuleType) else loaded
    if not (isinstance(kind, type) and issubclass(kind, MemoryPolicy)):
        raise VosbenchError(
            f"{origin} is no memory strategy", "name a MemoryPolicy class, or a module that defines one"
        )
    name = f"{kind.__module__}.{kind.__qualname__}"
    if missing := sorted(getattr(kind, "__abstractmethods__", ())):
        raise VosbenchError(f"strategy {name} does not define {', '.join(missing)}", "see MemoryPolicy for the methods")
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


def _parameters(spec: str, kind: type[MemoryPolicy], text: str) -> dict[str, Any]:
    known = {f.name: f for f in fields(kind) if f.init}
    values: dict[str, Any] = {}
    for item in filter(None, _split(spec, text)):
        name, equals, value = item.partition("=")
        if name not in known:
            raise unknown(f"parameter of {spec.partition(':')[0]}", name, known)
        if not equals or name in values:
            raise VosbenchError(f"policy {spec!r}: {name} needs one value", f"write {name}=VALUE once")
        values[name] = _convert(spec, known[name], value)
        least = known[name].metadata.get("at_least")
        if least is not None and values[name] < least:
            raise VosbenchError(f"policy {spec!r}: {name} must be at least {least}, not {value}", _about(known[name]))
    return values


def _split(spec: str, text: str) -> list[str]:
    """At the commas that no parentheses enclose."""
    items, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
        if character == "," and not depth:
            items.append("")
        else:
            items[-1] += character
    if depth:
        raise VosbenchError(f"policy {spec!r}: its parentheses do not match", "write base=NAME(KEY=VALUE,…)")
    return items


def _convert(spec: str, field: Field[Any], text: str) -> Any:
    kind: Any = type(field.default)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        value = kind(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError
        return value
    except (KeyError, ValueError):
        expected = "true or false" if kind is bool else f"of type {kind.__name__}"
        raise VosbenchError(f"policy {spec!r}: {field.name} must be {expected}, not {text!r}", _about(field)) from None


def _about(field: Field[Any]) -> str:
    """A parameter in a few words, from what `parameter` was told."""
    unit = f" [{field.metadata['unit']}]" if field.metadata.get("unit") else ""
    return f"{field.name}{unit}: {field.metadata.get('about', 'a parameter')}, {field.default} by default"
