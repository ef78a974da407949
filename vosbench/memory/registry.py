"""Finds strategies: by name in `policies/`, by path of a file, or among the entry points `vosbench.policies`.

A spec is text: `lfu`, `lfu:capacity=4,pin_first=true`, `./idea.py:k=3`. A strategy that wraps another takes it as a
parameter, with parameters of its own in parentheses: `gated:base=lfu(capacity=4),threshold=0.7`. The folder is listed
without importing it; only the strategy that was asked for is loaded.
"""

import hashlib
import importlib
import importlib.util
import inspect
import math
import re
import sys
from dataclasses import Field, dataclass, field, fields
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from vosbench.errors import VosbenchError, unknown
from vosbench.memory.policy import MemoryPolicy
from vosbench.memory.sources import beside

GROUP = "vosbench.policies"


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


def policy_names() -> tuple[str, ...]:
    """Every strategy that can be asked for by name."""
    return tuple(sorted(_own_names() | {point.name for point in entry_points(group=GROUP)}))


def resolve_policy(spec: str) -> PolicySpec:
    """The strategy that a spec names, its parameters checked.

    Raises VosbenchError for an unknown name or parameter (with the near ones), or a value of the wrong type.
    """
    head, _, tail = spec.partition(".py:") if ".py:" in spec else spec.partition(":")
    if head != spec and ".py:" in spec:
        head += ".py"
    kind = _load(head)
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


def _own_names() -> set[str]:
    return {path.stem.replace("_", "-") for path in _folder().glob("[!_]*.py")}


def _name(head: str) -> str:
    return Path(head).stem.replace("_", "-") if head.endswith(".py") else head


def _load(head: str) -> type[MemoryPolicy]:
    if head.endswith(".py"):
        return _only_policy(_import_file(Path(head)))
    if head in _own_names():  # a plugin of the same name must not change what a table calls lfu
        return _only_policy(importlib.import_module(f"vosbench.policies.{head.replace('-', '_')}"))
    for point in entry_points(group=GROUP):
        if point.name == head:
            return _plugin(point)
    raise unknown("policy", head, policy_names())


def _plugin(point: EntryPoint) -> type[MemoryPolicy]:
    try:
        loaded = point.load()
    except Exception as error:
        raise VosbenchError(
            f"policy {point.name!r} ({point.value}) fails to load: {_one_line(error)}",
            "repair or uninstall the package that registers it",
        ) from error
    if isinstance(loaded, ModuleType):
        return _only_policy(loaded)
    if isinstance(loaded, type) and issubclass(loaded, MemoryPolicy):
        return _usable(loaded)
    raise VosbenchError(
        f"policy {point.name!r} ({point.value}) is no memory strategy",
        f"an entry point of {GROUP} names a MemoryPolicy class, or a module that defines one",
    )


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise VosbenchError(f"no policy file {path}", "give the path of a .py file with one MemoryPolicy class")
    name = f"vosbench_policy_{path.stem}_{hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file always has a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up by name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise VosbenchError(f"policy file {path} fails to load: {_one_line(error)}", "repair the file") from error
    return module


def _only_policy(module: ModuleType) -> type[MemoryPolicy]:
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, MemoryPolicy) and value.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise VosbenchError(
            f"{getattr(module, '__file__', None) or module.__name__} defines {len(own)} memory strategies",
            "a strategy's file defines exactly one",
        )
    return _usable(own[0])


def _usable(kind: type[MemoryPolicy]) -> type[MemoryPolicy]:
    """Refuse a class that could not be built from a spec."""
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


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


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
