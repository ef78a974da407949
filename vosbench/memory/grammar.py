"""The text of a strategy: what it is made of, before anything is known of the strategy.

    strategies = strategy {"," strategy}
    strategy   = [label "="] name [":" parameters]      lfu:capacity=4    Mine=./idea.py:k=3
    parameters = key "=" value {"," key "=" value}
    value      = text | name ["(" parameters ")"]       base=lfu(capacity=4)

A name is that of a strategy or the path of a .py file. Commas and `=` in parentheses part nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import PurePath

from vosbench.errors import VosbenchError


@dataclass(frozen=True)
class Written:
    """A strategy as it is written: `items` are its parameters in order, the value None where there is no `=`."""

    name: str
    items: tuple[tuple[str, str | None], ...] = ()
    label: str | None = None


@lru_cache(1024)
def read(text: str) -> Written:
    """The parts of one strategy, `[label=]name[:parameters]`. Raises VosbenchError if its parentheses do not match."""
    colon = _colon(text)
    head, tail = (text, "") if colon is None else (text[:colon], text[colon + 1 :])
    if head.endswith(")") and "(" in head:
        name, _, inside = head.partition("(")
        wanted = ":".join(filter(None, (name, inside[:-1])))
        raise VosbenchError(f"strategy {text!r} has parentheses, as one within another has", f"write {wanted}")
    if colon is not None and not tail.strip(","):
        raise VosbenchError(f"strategy {text!r} has no parameter after its colon", f"write {head}, or {head}:KEY=VALUE")
    parts = _split(head, "=", text)
    label, rest = parts[0], "=".join(parts[1:]).strip()
    if len(parts) > 1 and _is_path(label) and not head.endswith(".py"):
        raise VosbenchError(f"strategy {text!r}: the label {label!r} holds a / or \\", "write a label without them")
    if len(parts) == 1 or _is_path(label):  # a path may hold a `=`
        return Written(head, _items(tail, text))
    if len(parts) > 2 and not _is_path(parts[1]):
        hint = "write LABEL=NAME:KEY=VALUE, and a path with its /"
        raise VosbenchError(f"strategy {text!r} has two `=` before its parameters", hint)
    return Written(rest, _items(tail, text), label.strip())


def read_wrapped(text: str) -> Written:
    """The parts of a strategy that stands as the value of a parameter, `name[(parameters)]`. ValueError on another."""
    name, inside = text, ""
    if is_value(text) and text.endswith(")"):
        opening = max(place for place, depth in enumerate(_depths(text)) if depth == 1 and text[place] == "(")
        name, inside = text[:opening], text[opening + 1 : -1]
    if not name or not is_value(text):
        raise ValueError(text)
    return Written(name, _items(inside, text))


def several(text: str) -> list[str]:
    """The strategies in a list with commas: `lfu:capacity=4,pin_first=true,lru` is two.

    After a strategy that has parameters, KEY=VALUE is one more, unless a `:` says that it is a label and a strategy.
    """
    found: list[str] = []
    for part in _split(text, ",", text):
        key = part.partition("=")[0]
        if found and key != part and key.isidentifier() and _colon(found[-1]) is not None and _colon(part) is None:
            found[-1] += f",{part}"
        elif part:
            found.append(part)
    return found


def write(name: str, values: Mapping[str, str]) -> str:
    """The text that `read` takes apart."""
    return ":".join(filter(None, (name, _joined(values))))


def write_wrapped(name: str, values: Mapping[str, str]) -> str:
    """The text that `read_wrapped` takes apart."""
    return f"{name}({_joined(values)})" if values else name


def title(text: str) -> str:
    """What tables and figures call the strategy: its label, or the whole text."""
    return read(text).label or text


def without(text: str, key: str) -> str:
    """The text of a strategy without a parameter, its own or else that of what it wraps; and without its label."""
    written = read(text)
    return write(written.name, _without(written.items, key))


def _without(items: Iterable[tuple[str, str | None]], key: str) -> dict[str, str]:
    values = {name: value or "" for name, value in items}
    if key in values:
        del values[key]
        return values
    for name, value in values.items():
        inner = read_wrapped(value) if value.endswith(")") and value[0] != "(" else Written(value)
        if all(text is not None for _, text in inner.items):  # or it is a text with parentheses
            values[name] = write_wrapped(inner.name, _without(inner.items, key))
    return values


def short_name(name: str) -> str:
    """What records call a strategy: `my-idea` of `./my_idea.py`."""
    return PurePath(name).stem.replace("_", "-") if name.endswith(".py") else name


def is_value(text: str) -> bool:
    """Whether `text` can be the value of a parameter: its parentheses match, and no comma stands outside them."""
    try:
        return len(_split(text, ",", text)) == 1
    except VosbenchError:
        return False


def is_label(text: str) -> bool:
    """Whether `text` can be a label."""
    plain = text.isprintable() and text == text.strip() and not set(text) & set(":/\\")
    return bool(text) and plain and is_value(text) and len(_split(text, "=", text)) == 1


def _items(text: str, whole: str) -> tuple[tuple[str, str | None], ...]:
    parts = (item.partition("=") for item in _split(text, ",", whole) if item)
    return tuple((key, value if equals else None) for key, equals, value in parts)


def _joined(values: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in values.items())


def _colon(text: str) -> int | None:
    """Where the `:` is that ends a name: not one in a path, whose name ends in `.py`, nor in parentheses."""
    for place, (character, depth) in enumerate(zip(text, _depths(text), strict=True)):
        before, after = text[:place], text[place + 1 : place + 2]
        if character == ":" and not depth and (before.endswith(".py") or not _is_path(before + after)):
            return place
    return None


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text


def _split(text: str, at: str, whole: str) -> list[str]:
    """`text` at the characters `at` that no parentheses enclose. `whole` is for the message."""
    depths = [0, *_depths(text)]
    if min(depths) < 0 or depths[-1]:
        raise VosbenchError(f"strategy {whole!r}: its parentheses do not match", "write base=NAME(KEY=VALUE,…)")
    cuts = [place for place, depth in enumerate(depths[1:]) if text[place] == at and not depth]
    return [text[begin + 1 : end] for begin, end in pairwise([-1, *cuts, len(text)])]


def _depths(text: str) -> list[int]:
    """How many parentheses are open after each character."""
    return list(accumulate((character == "(") - (character == ")") for character in text))
