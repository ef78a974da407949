"""A strategy and its parameters as a value: read from text and written as text, compared, and varied.

`lfu`, `lfu:capacity=4,pin_first=true`, `./idea.py:k=3`, with a label of one's own `Mine=./idea.py:k=3`. A strategy that
wraps another takes it as a parameter: `gated:base=lfu(capacity=4),threshold=0.7`. See `grammar`.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from vosbench.base.values import checked
from vosbench.errors import VosbenchError, unknown
from vosbench.memory import grammar
from vosbench.memory.policy import MemoryPolicy
from vosbench.memory.registry import POLICIES, sources
from vosbench.memory.strategy import Strategy


@dataclass(frozen=True, eq=False)
class PolicySpec:
    """A strategy with all its parameters.

    `head` is the name or path by which it was named, `kind` its class, `sources` its source code. `parameters` are all
    that it has, defaults filled in, a wrapped strategy as a PolicySpec; those in `given` were set. `label` is what
    tables and figures call it.

    Two are equal if class, source and all parameters are, however they are written: `lfu` is `lfu:capacity=2`.
    """

    head: str
    kind: type[MemoryPolicy]
    sources: bytes = field(repr=False)
    parameters: Mapping[str, Any]
    given: tuple[str, ...] = ()
    label: str | None = None

    def __post_init__(self) -> None:
        if self.label is not None and not grammar.is_label(self.label):
            hint = "write a few words, without / \\ : = and commas"
            raise VosbenchError(f"{self.label!r} cannot be the label of {self.text}", hint)

    @classmethod
    @checked('vosbench.PolicySpec.parse("lfu:capacity=4")')
    def parse(cls, entry: "str | Path | PolicySpec") -> "PolicySpec":
        """The strategy of a text, file or PolicySpec. VosbenchError for an unknown name, parameter, value, label."""
        return entry if isinstance(entry, PolicySpec) else cls._made(str(entry), grammar.read(str(entry)))

    @classmethod
    def _made(cls, text: str, written: grammar.Written) -> "PolicySpec":
        try:
            kind = POLICIES.find(written.name)
        except VosbenchError as error:
            if "=" in written.name:
                error.hint = f"if {written.name.partition('=')[0]} is a label, write it without / and \\; {error.hint}"
            raise
        parameters: dict[str, Any] = {f.name: f.default for f in fields(kind) if f.init}
        for name in (f.name for f in fields(kind) if f.metadata.get("strategy")):
            parameters[name] = cls._made(parameters[name], grammar.read_wrapped(parameters[name]))
        made = cls(written.name, kind, sources(kind), parameters)
        for key, value in written.items:
            if key in parameters and (value is None or key in made.given):
                raise VosbenchError(f"strategy {text!r}: {key} needs one value", f"write {key}=VALUE once")
            if key not in parameters and value and (value.endswith(".py") or value in POLICIES.names()):
                hint = f"if it is the label of another strategy, give that a -p of its own: -p {key}={value}"
                raise VosbenchError(f"strategy {text!r}: {written.name} has no parameter {key}", hint)
            made = made._set(key, value)
        return replace(made, label=written.label)

    @property
    def name(self) -> str:
        """What records call it, see `grammar.short_name`."""
        return grammar.short_name(self.head)

    @property
    def text(self) -> str:
        """The strategy and the parameters given, without its label."""
        return grammar.write(self.head, self._given_texts())

    @property
    def title(self) -> str:
        """What tables and figures of a run call it: its label, or its text."""
        return self.label or self.text

    @property
    def strategy(self) -> Strategy:
        """Name and parameters, as records hold them."""
        plain = {key: v.strategy if isinstance(v, PolicySpec) else v for key, v in self.parameters.items()}
        return Strategy(self.name, plain)

    @property
    def source_hash(self) -> str:
        """Of all sources, those of wrapped strategies too; 16 hexadecimal digits."""
        hasher = hashlib.blake2b(self.sources, digest_size=8)
        for inner in self.wrapped.values():
            hasher.update(inner.source_hash.encode())
        return hasher.hexdigest()

    @property
    def wrapped(self) -> dict[str, "PolicySpec"]:
        """The parameters that are strategies."""
        return {name: value for name, value in self.parameters.items() if isinstance(value, PolicySpec)}

    def build(self) -> MemoryPolicy:
        """A fresh instance, and fresh ones of what it wraps."""
        return self.kind(**{**self.parameters, **{name: spec.build() for name, spec in self.wrapped.items()}})

    @property
    def is_reference(self) -> bool:
        """Whether it is a reference, see `MemoryPolicy`. One that cannot be built is none: it fails when it runs."""
        with suppress(Exception):
            return self.build().is_reference
        return False

    def owner(self, name: str) -> "PolicySpec | None":
        """Whose parameter `name` is: this strategy's own, or that of the one wrapped strategy that has it."""
        if name in self.parameters:
            return self
        owners = [owner for inner in self.wrapped.values() if (owner := inner.owner(name))]
        return owners[0] if len(owners) == 1 else None

    def takes(self, name: str) -> bool:
        """Whether there is a parameter `name`, and none was given for it yet."""
        owner = self.owner(name)
        return owner is not None and name not in owner.given

    def with_(self, **values: Any) -> "PolicySpec":
        """The same with other parameters, checked as those of a text are; a strategy is a PolicySpec or a text.

        A parameter that the strategy does not have itself is set in what it wraps, see `owner`:
        `gated` with capacity 4 is `gated:base=lfu(capacity=4)`.
        """
        changed = self
        for name, value in values.items():
            inside = {key: inner for key, inner in changed.wrapped.items() if inner.owner(name)}
            if name not in changed.parameters and len(inside) == 1:
                ((key, inner),) = inside.items()
                changed = changed._set(key, inner.with_(**{name: value}))
            else:
                changed = changed._set(name, value)
        return changed

    def sweep(self, axes: Mapping[str, Sequence[Any]]) -> Iterator["PolicySpec"]:
        """`with_` each combination of values. A label is told apart by what varies: `Mine (capacity=4)`."""
        for choice in product(*axes.values()):
            values = dict(zip(axes, choice, strict=True))
            varying = ",".join(f"{name}={_plain(value)}" for name, value in values.items() if len(axes[name]) > 1)
            label = f"{self.label} ({varying})" if self.label and varying else self.label
            yield replace(self.with_(**values), label=label)

    def __str__(self) -> str:
        """The text that `parse` makes this of."""
        return self.text if self.label is None else f"{self.label}={self.text}"

    def __eq__(self, other: object) -> bool:
        return self._identity() == other._identity() if isinstance(other, PolicySpec) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str, bytes, tuple[tuple[str, Any], ...]]:
        return self.kind.__qualname__, self.sources, tuple(self.parameters.items())

    def _given_texts(self) -> dict[str, str]:
        return {name: _plain(self.parameters[name]) for name in self.given}

    def _set(self, name: str, value: Any) -> "PolicySpec":
        known = {f.name: f for f in fields(self.kind) if f.init}
        if name not in known:
            raise unknown(f"parameter of {self.head}", name, known)
        checked = self._checked(known[name], value)
        given = self.given if name in self.given else (*self.given, name)
        return replace(self, parameters={**self.parameters, name: checked}, given=given)

    def _checked(self, parameter: Field[Any], value: Any) -> Any:
        """A value, or the text of one, as the parameter holds it."""
        text, least = _plain(value), parameter.metadata.get("at_least")
        attempt = grammar.write(self.head, {**self._given_texts(), parameter.name: text})
        wrong = f"strategy {attempt!r}: {parameter.name}"
        if parameter.metadata.get("strategy"):
            try:
                written = grammar.read_wrapped(text)
            except ValueError:
                hint = f"write {parameter.name}=NAME(KEY=VALUE,…)"
                raise VosbenchError(f"{wrong} is no strategy: {text!r}", hint) from None
            return replace(value, label=None) if isinstance(value, PolicySpec) else self._made(text, written)
        try:
            found = _converted(text, type(parameter.default))
        except (KeyError, ValueError):
            kind = type(parameter.default)
            expected = {bool: "true or false", str: "text that fits into a spec"}.get(kind, f"of type {kind.__name__}")
            raise VosbenchError(f"{wrong} must be {expected}, not {text!r}", _about(parameter)) from None
        if least is not None and found < least:
            raise VosbenchError(f"{wrong} must be at least {least}, not {text}", _about(parameter))
        return found


def parse_policies(entries: Iterable[str | Path | PolicySpec]) -> tuple[PolicySpec, ...]:
    """The strategies to compare. Raises as `PolicySpec.parse`, for none, one named twice, and a label that is taken."""
    found: list[PolicySpec] = []
    for spec in map(PolicySpec.parse, entries):
        if spec.label in {*POLICIES.names()} - {spec.name}:
            raise VosbenchError(f"the label of {spec} is the name of another strategy", "give it a label of its own")
        for other in found:
            if spec == other:
                hint = "leave out one of the two"
                raise VosbenchError(f"{other} and {spec} are the same strategy: name each once", hint)
            if (spec.label or other.label) and spec.title.casefold() == other.title.casefold():
                raise VosbenchError(f"{other} and {spec} have the same label", "give each a label of its own")
        found.append(spec)
    if not found:
        hint = "e.g. policies=['lfu:capacity=2'] (--policies lfu:capacity=2)"
        raise VosbenchError("name at least one strategy", hint)
    return tuple(found)


@checked('vosbench.load_policy("lfu:capacity=4")')
def load_policy(spec: str | Path | PolicySpec) -> MemoryPolicy:
    """The strategy of a spec, `lfu:capacity=4`, or of a .py file, for `propagate`. Raises as `PolicySpec.parse`."""
    return PolicySpec.parse(spec).build()


def _plain(value: Any) -> str:
    """A value as a spec has it."""
    if isinstance(value, PolicySpec):
        return grammar.write_wrapped(value.head, value._given_texts())
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _converted(text: str, kind: type) -> Any:
    if kind is bool:
        return {"true": True, "false": False}[text.lower()]
    value = kind(text)
    if (kind is float and not math.isfinite(value)) or (kind is str and not grammar.is_value(text)):
        raise ValueError
    return value


def _about(parameter: Field[Any]) -> str:
    """A parameter in a few words, from what `parameter` was told."""
    unit = f" [{parameter.metadata['unit']}]" if parameter.metadata.get("unit") else ""
    about = parameter.metadata.get("about", "a parameter")
    return f"{parameter.name}{unit}: {about}, {_plain(parameter.default)} by default"
