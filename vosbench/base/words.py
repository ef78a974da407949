"""Words of captions and messages, and amounts of memory as people write them."""

import re

from vosbench.errors import VosbenchError

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
LEAST = 1000  # bytes, of a number without a unit, which may be forgotten
TRUSTED = "masks taken as they are"  # by a user who knows that they only look smoothed


def data_title(name: str, split: str, frame_mode: str) -> str:
    """`davis2017 val, frames 480p`; a data set that shows its frames in one way has no name for it."""
    return f"{name} {split}" + (f", frames {frame_mode}" if frame_mode else "")


def duration(seconds: float) -> str:
    """`42 s`, `3 min`, `2 h 10 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def too_few(number: int, noun: str) -> str:
    """`1 sequence is too few`, `2 sequences are too few`."""
    return f"{count(number, noun)} {'is' if number == 1 else 'are'} too few"


def count(number: int, noun: str) -> str:
    """`1 sequence`, `2 sequences`, `3 passes`, `4 strategies`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeou":
        return f"{number} {noun[:-1]}ies"
    return f"{number} {noun}" + ("es" if noun.endswith("s") else "s")


def size_in_bytes(size: str | int) -> int:
    """`4GB`, `4G` or `4 gb` as bytes, and `4GiB`, of which one is 1024 MiB; an int is one of bytes.

    Raises VosbenchError for anything else, for nothing, and for a number without a unit that cannot be meant.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(i?B)?|B)?", str(size).strip(), re.IGNORECASE)
    if found is None or not (given := float(found[1])):
        raise VosbenchError(f"{size!r} is no amount of memory", "write it as 4GB or 500MB")
    if str(size).strip() == found[1] and (isinstance(size, str) or given < LEAST):
        units = ("GB", "MB") if given < LEAST else ("B",)
        hint = f"write it as {' or '.join(f'{size}{unit}' for unit in units)}"
        raise VosbenchError(f"{size!r} has no unit: bytes, MB or GB?", hint)
    power = " KMGT".index((found[2] or " ").upper())
    return max(1, int(given * (1024 if len(found[3] or "") == 2 else 1000) ** power))


def as_size(number: float) -> str:
    """Bytes for people: `4.0 GB`."""
    unit = next(unit for unit in ("GB", "MB", "KB", "") if number >= UNITS[unit] or not unit)
    return f"{number / UNITS[unit]:.1f} {unit or 'bytes'}"
