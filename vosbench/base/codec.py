"""Dataclasses as JSON values; `values.build` makes dataclasses of them again.

One convention: a float that is not defined is NaN in Python and null in JSON, since JSON has no NaN.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

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
