"""Frozen dataclasses to JSON values and back, checked against their type hints.

One convention: a float that is not defined is NaN in Python and null in JSON, since JSON has no NaN.
"""

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np


def encode(value: Any) -> Any:
    """`value` (dataclass, mapping, sequence, scalar, one of numpy) as what `json` writes. ValueError on infinity."""
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return encode(value.tolist())
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError("an infinite number cannot be recorded")
        return None if math.isnan(value) else value
    if value is None or isinstance(value, str | bool | int):
        return value
    raise ValueError(f"a {type(value).__name__} cannot be recorded")


def decode(hint: Any, value: Any, where: str = "") -> Any:
    """`value`, as `json` read it, as an instance of `hint`: a dataclass of scalars, tuples, mappings and dataclasses;
    Any is whatever JSON gave.

    Raises ValueError that names the field (`scores.objects[2].j.mean`) on a lacking or unknown field or a wrong type.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if is_dataclass(hint):
        return _decode_dataclass(hint, value, where)
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{where} must be one of {', '.join(map(repr, arguments))}, not {value!r}")
        return value
    if origin in (Union, types.UnionType):
        members = [member for member in arguments if member is not type(None)]
        if (value is None and len(members) < len(arguments)) or type(value) in members:
            return value
        if len(members) > 1:
            members = [member for member in members if is_dataclass(member) and isinstance(value, dict)]
        if not members:
            raise _wrong(hint, value, where)
        return decode(members[0], value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong("a list", value, where)
        return tuple(decode(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise _wrong("an object", value, where)
        return {key: decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is float:
        if value is None:
            return math.nan
        if type(value) in (int, float):
            return float(value)
    elif type(value) is hint:
        return value
    raise _wrong(hint, value, where)


def _decode_dataclass(hint: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong("an object", value, where)
    prefix = f"{where}." if where else ""
    hints = get_type_hints(hint)
    required = {f.name for f in fields(hint) if f.default is MISSING and f.default_factory is MISSING}
    if lacking := sorted(required - value.keys()):
        raise ValueError(f"{prefix}{lacking[0]} is lacking")
    if strange := sorted(value.keys() - hints.keys()):
        raise ValueError(f"{prefix}{strange[0]} is not a known field")
    try:
        return hint(**{name: decode(hints[name], item, prefix + name) for name, item in value.items()})
    except ValueError as error:
        raise error if str(error).startswith(prefix) else ValueError(f"{prefix}{error}") from None


def _wrong(expected: Any, value: Any, where: str) -> ValueError:
    name = expected if isinstance(expected, str) else getattr(expected, "__name__", None) or str(expected)
    return ValueError(f"{where or 'the record'} must be {name}, not {value!r:.60}")
