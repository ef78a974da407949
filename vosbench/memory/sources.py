"""What belongs to the source of a strategy beside its own file, so that no result outlives a change of it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from vosbench.base.hashing import closure

SHARED = {"site-packages", "dist-packages"}  # folders in which what lies side by side does not belong together


def beside(module: ModuleType, shipped: Path) -> list[Path]:
    """The other files of a strategy: those of the package that it is part of, or, of a file that stands alone, what it
    imports, directly or through one another, of its folder and of the strategies that ship, whose folder is `shipped`.
    """
    own = Path(str(module.__file__))
    package = (module.__package__ or "").partition(".")[0]
    if package == "vosbench" or own.parent.name in SHARED:
        return []  # a strategy that ships imports none of the others; the rest is in the version of the code

    def find(name: str) -> Iterator[Path]:
        first, *rest = name.split(".")
        if first != "vosbench":
            yield from (own.parent / first).rglob("*.py")
            files = [own.parent / f"{first}.py"]
        else:
            files = [shipped / f"{rest[1]}.py"] if rest[:1] == ["policies"] and len(rest) > 1 else []
        yield from filter(Path.is_file, files)

    if package:
        files = [file for folder in sys.modules[package].__path__ for file in Path(folder).rglob("*.py")]
    else:
        files = closure([own], find)
    return sorted({*files} - {own})
