"""Amounts of memory as people write them."""

import re

from vosbench.errors import VosbenchError

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def size_in_bytes(size: str | int) -> int:
    """`4GB` as bytes; a number alone is one of bytes. Raises VosbenchError for anything else, and for nothing."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?B)?", str(size).strip(), re.IGNORECASE)
    number = int(float(found[1]) * UNITS.get((found[2] or "").upper(), 1)) if found else 0
    if number < 1:
        raise VosbenchError(f"{size!r} is no amount of memory", "write it as 4GB or 500MB")
    return number


def as_size(number: float) -> str:
    """Bytes for people: `4.0 GB`."""
    unit = next(unit for unit in ("GB", "MB", "KB", "") if number >= UNITS[unit] or not unit)
    return f"{number / UNITS[unit]:.1f} {unit or 'bytes'}"
