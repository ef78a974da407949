"""Which pictures a folder holds, in the order of the video."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from vosbench.errors import VosbenchError

FRAMES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
MASKS = frozenset({".png"})


def natural_order(name: str) -> tuple[tuple[int, str], ...]:
    """A sort key under which frame 2 comes before frame 10, padded with zeros or not."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part)


def pictures(folder: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    """Frame name (file stem) -> path of every picture in `folder`, in the order of the video; {} if it is absent.

    Raises VosbenchError if two files are the same frame (`00001.jpg` and `00001.png`).
    """
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))  # macOS leaves ._00000.jpg
    for path in sorted(visible, key=lambda path: (natural_order(path.stem), path.name)):
        if path.suffix.lower() not in suffixes:
            continue
        if path.stem in found:
            raise VosbenchError(
                f"frame {path.stem} is in {folder} twice: {found[path.stem].name} and {path.name}",
                "keep one file per frame",
            )
        found[path.stem] = path
    return found


def gaps(names: Iterable[str]) -> list[str]:
    """The holes in the numbering of a video, each a frame name or `first-last`, judged by its usual step.

    A video in which no step makes up half of all has none: its frames are not numbered evenly.

    >>> gaps(["00000", "00005", "00010", "00020", "00025", "00045"])
    ['00015', '00030-00040']
    """
    numbered = [name for name in names if name.isdecimal()]
    pairs = [(before, int(before), int(after)) for before, after in pairwise(numbered)]
    if not pairs:
        return []
    usual, times = Counter(after - before for _, before, after in pairs).most_common(1)[0]
    if usual < 1 or 2 * times < len(pairs):
        return []
    holes = []
    for name, before, after in pairs:
        missing = range(before + usual, after - usual + 1, usual)
        if missing:
            ends = dict.fromkeys(f"{number:0{len(name)}d}" for number in (missing[0], missing[-1]))
            holes.append("-".join(ends))
    return holes


def a_few(names: Iterable[str], most: int = 4) -> str:
    """Names for a message: the first few, and how many more."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def content_hash(path: Path) -> str:
    """A hash of the bytes of a file. Raises VosbenchError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError as error:
        raise VosbenchError(f"cannot read {path}: {error.strerror}", "copy the file again") from None
