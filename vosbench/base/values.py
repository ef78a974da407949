"""Values held against type hints: the keys of a TOML or JSON file, the fields of a dataclass, a function's arguments.

A value of another type is one line that names it, and what is of the right type in another form (a list for a tuple,
a text for a path, a path for a text, a whole number for a float, a number of numpy) becomes what the hint says.
"""

import math
from collections import abc
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache, wraps
from inspect import Parameter, signature
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from vosbench.errors import VosbenchError, unknown

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class AtLeast:
    """Beside the type of a number: the least that it may be, its unit, a lower value that means something, and the
    most.
    """

    least: float
    unit: str = ""
    special: float | None = None
    most: float = math.inf


_EXAMPLES: dict[Any, str] = {
    str: "a text in quotes",
    Path: "the path of a file or folder",
    int: "a whole number, such as 4",
    float: "a number, such as 0.5",
    bool: "true or false",
}
MOST_THREADS = 1024  # more is a slip: a system that cannot start them ends the process without a word
Count = Annotated[int, AtLeast(1)]
Threads = Annotated[int, AtLeast(1, most=MOST_THREADS)]
Side = Annotated[int, AtLeast(16, " pixels", special=0)]  # of a frame at inference; 0: its own


def checked(example: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A public function that refuses an argument that is not of its annotated type, in one line that names it.

    `example` is a call that works, for the hint.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @cache
        def annotations() -> Any:
            return signature(function), get_type_hints(function, include_extras=True)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            shape, hints = annotations()
            bound = shape.bind(*args, **kwargs)
            for name, value in bound.arguments.items():
                if name in hints:
                    default = shape.parameters[name].default
                    how = "; ".join(filter(None, (_default(default, Parameter.empty), f"e.g. {example}")))
                    bound.arguments[name] = converted(value, hints[name], name, how)
            return function(*bound.args, **bound.kwargs)

        return call

    return decorate


def conform(instance: Any) -> None:
    """Hold the fields of a dataclass, also a frozen one, against their annotations; for its `__post_init__`."""
    hints = _hints(type(instance))  # type: ignore[arg-type]
    for field in fields(instance):
        value = converted(getattr(instance, field.name), hints[field.name], field.name, _default(field.default))
        object.__setattr__(instance, field.name, value)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def build(kind: type[T], table: Mapping[str, Any], file: str, place: str = "", **others: Any) -> T:
    """An instance of the dataclass `kind` from a TOML table or JSON object; `place` names it in `file`, for messages.
    `others` are fields that are no part of it.

    Raises VosbenchError for an unknown or lacking key, for what `kind` finds wrong (ValueError), and as `converted`.
    """
    known = {f.name: f for f in fields(kind) if f.name not in others}  # type: ignore[arg-type]
    hints = _hints(kind)  # type: ignore[arg-type]
    inside = f" [{place}]" if place else ""
    if strange := [key for key in table if key not in known]:
        raise unknown(f"setting in {file}{inside}", strange[0], known)
    needed = [name for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    if lacking := [name for name in needed if name not in table]:
        raise VosbenchError(f"{file}:{inside} lacks {', '.join(lacking)}", "add what is lacking")
    prefix = f"{place}." if place else ""
    values = {k: converted(v, hints[k], prefix + k, _default(known[k].default), file) for k, v in table.items()}
    try:
        return kind(**values, **others)
    except ValueError as error:
        raise VosbenchError(f"{file}: {prefix}{error}", "correct it") from None


def converted(value: Any, hint: Any, where: str, how: str = "", file: str = "") -> Any:
    """The value as `hint`, a type as annotations have it: str, int, float, bool, Path, Literal, AtLeast, tuples,
    sequences and mappings of these, functions, any class; in a `file` dataclasses, too, and null for a float is NaN.

    Raises VosbenchError for another, which calls it `where` and has `how` as its hint.
    """
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin is Annotated:
        value = converted(value, parts[0], where, how, file)
        for bound in parts[1:]:
            if isinstance(bound, AtLeast) and value < bound.least and value != bound.special:
                least = f"{bound.least}{bound.unit}" + ("" if bound.special is None else f" or {bound.special}")
                raise _wrong(value, f"at least {least}", where, how or f"give {bound.least}", file)
            if isinstance(bound, AtLeast) and value > bound.most:
                raise _wrong(value, f"at most {bound.most}{bound.unit}", where, how or "give fewer", file)
        return value
    if origin in (UnionType, Union):
        return _member(value, hint, where, how, file)
    if origin is Literal:
        if value not in parts:
            raise unknown(f"{where} in {file}" if file else where, str(value), map(str, parts))
        return value
    if origin in (tuple, abc.Sequence):
        return _several(value, hint, where, how, file)
    if origin is abc.Mapping and isinstance(value, Mapping):
        return {key: converted(one, parts[1], f"{where}[{key!r}]", how, file) for key, one in value.items()}
    if origin is abc.Callable and callable(value):
        return value
    if hint is Path and isinstance(value, str | PathLike):
        return Path(value)
    if hint is str and isinstance(value, PathLike):
        return str(value)  # of one's own file, in the place of a name
    if file and hint is float and value is None:
        return math.nan  # as `codec.encode` writes it; TOML has none
    if hint in (int, float) and isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool):
        return hint(value)
    if file and is_dataclass(hint) and isinstance(value, dict):
        return build(hint, value, file, where)  # type: ignore[arg-type]
    if hint not in (int, float) and isinstance(hint, type) and isinstance(value, hint):
        return value
    raise _wrong(value, f"of type {_name(hint, file)}", where, how or f"give {_example(hint)}", file)


def _member(value: Any, union: Any, where: str, how: str, file: str) -> Any:
    """The value as the first member that takes it, or as it is where it is of the type of one."""
    members = [part for part in get_args(union) if part is not NoneType]
    if type(value) in get_args(union):
        return value
    if len(members) == 1:
        return converted(value, members[0], where, how, file)
    for member in members:
        with suppress(VosbenchError):
            return converted(value, member, where, how, file)
    raise _wrong(value, f"of type {_name(union, file)}", where, how or f"give {_example(union)}", file)


def _several(value: Any, hint: Any, where: str, how: str, file: str) -> tuple[Any, ...]:
    parts = get_args(hint)
    fixed = get_origin(hint) is tuple and parts[1:] != (...,)
    if not isinstance(value, abc.Sequence) or isinstance(value, str | bytes) or (fixed and len(value) != len(parts)):
        expected = f"a list of {len(parts) if fixed else _name(parts[0], file)}"
        raise _wrong(value, expected, where, how or f"give {_example(hint)}", file)
    if not fixed and all(type(one) is parts[0] for one in value):
        return tuple(value)  # thousands of frames: no call for each
    kinds = parts if fixed else [parts[0]] * len(value)
    pairs = enumerate(zip(value, kinds, strict=True))
    return tuple(converted(one, kind, f"{where}[{i}]", how, file) for i, (one, kind) in pairs)


def _wrong(value: Any, expected: str, where: str, how: str, file: str) -> VosbenchError:
    shown = f"{value.dtype} {value.shape}" if hasattr(value, "shape") and hasattr(value, "dtype") else repr(value)
    text = shown if len(shown) <= 60 else f"{shown[:59]}…"
    return VosbenchError(f"{file and f'{file}: '}{where} must be {expected}, not {text}", how)


def _example(hint: Any) -> str:
    """What is of a type, for people."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return " or ".join(dict.fromkeys(_example(part) for part in parts if part is not NoneType))
    if origin in (tuple, abc.Sequence):
        return f"a list in brackets, of {_example(parts[0])} each"
    kind = parts[0] if origin is Annotated else hint
    return _EXAMPLES.get(kind, f"a {_name(kind, '')}")


def _default(default: Any, none: Any = MISSING) -> str:
    return "" if default is none or default is None else f"it is {default!r} by default"


def _name(hint: Any, file: str) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return " or ".join(_name(part, file) for part in parts if part is not NoneType)
    if origin is Annotated:
        return _name(parts[0], file)
    if origin in (tuple, abc.Sequence):
        return f"list of {_name(parts[0], file)}"
    if origin is abc.Callable:
        return "function"
    return "table" if file and is_dataclass(hint) else getattr(origin or hint, "__name__", str(hint))
