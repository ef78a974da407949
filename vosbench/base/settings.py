"""From TOML to frozen dataclasses: an unknown key names its near misses, a wrong value its type and its default."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from vosbench.errors import VosbenchError, unknown

T = TypeVar("T")


def read_toml(path: Path) -> dict[str, Any]:
    """Raises VosbenchError for a missing file and broken TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VosbenchError(f"cannot read {path}: {error.strerror}", "name a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise VosbenchError(f"{path} is not TOML: {error}", "write lines like size = 480") from None


def shipped(folder: Path) -> dict[str, str]:
    """Names of the TOML files that ship in `folder`, and the first line of each."""
    paths = sorted(folder.glob("*.toml"))
    return {path.stem: path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for path in paths}


def find(name: str | Path, folder: Path, kind: str) -> Path:
    """The file that ships in `folder` under `name`, or `name` as a path. Raises VosbenchError for what is neither."""
    path = Path(name)
    if str(name) in shipped(folder):
        return folder / f"{name}.toml"
    if not path.suffix and not path.exists():
        error = unknown(kind, str(name), shipped(folder))
        error.hint += "; one's own is given by the path of a .toml file"
        raise error
    return path


def build(kind: type[T], table: Mapping[str, Any], file: str, place: str = "", **others: Any) -> T:
    """An instance of the dataclass `kind` from a TOML table; `place` is the table's name in `file`, for messages.
    `others` are fields that are no part of the table.

    Fields may be str, int (also where a float is wanted), float, bool, Path, Literal, tuples of these, and dataclasses.
    Raises VosbenchError for an unknown or lacking key and a value of the wrong type.
    """
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in known:
            raise unknown(f"setting in {file}{f' [{place}]' if place else ''}", key, known)
        where = f"{place}.{key}" if place else key
        default = known[key].default
        hint = "" if default in (MISSING, None) else f"it is {default!r} by default"
        values[key] = _convert(value, hints[key], file, where, hint)
    lacking = [name for name, f in known.items() if name not in {**values, **others} and f.default is MISSING]
    if lacking:
        raise VosbenchError(f"{file}: [{place}] lacks {', '.join(lacking)}", "add what is lacking")
    return kind(**values, **others)


def _convert(value: Any, wanted: Any, file: str, where: str, hint: str) -> Any:
    """The value as `wanted`, a type as annotations have it."""
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (UnionType, Union):  # X | None: TOML has no null, so what is given is an X
        wanted = next(part for part in parts if part is not NoneType)
        return _convert(value, wanted, file, where, hint)
    if origin is Literal:
        if value not in parts:
            raise unknown(f"{where} in {file}", str(value), parts)
        return value
    if origin is tuple:
        kinds = [parts[0]] * len(value) if parts[1:] == (...,) and isinstance(value, list) else list(parts)
        if isinstance(value, list) and len(value) == len(kinds):
            pairs = enumerate(zip(value, kinds, strict=True))
            return tuple(_convert(v, kind, file, f"{where}[{i}]", hint) for i, (v, kind) in pairs)
        raise VosbenchError(f"{file}: {where} must be a list of {len(kinds)}, not {value!r}", hint)
    if wanted is Path and isinstance(value, str):
        return Path(value)
    if is_dataclass(wanted) and isinstance(value, dict):
        return build(wanted, value, file, where)  # type: ignore[arg-type]
    if type(value) is not wanted and not (wanted is float and type(value) is int):
        raise VosbenchError(f"{file}: {where} must be of type {_name(wanted)}, not {value!r}", hint or "correct it")
    return float(value) if wanted is float else value


def _name(kind: Any) -> str:
    return "table" if is_dataclass(kind) else kind.__name__
