"""The whole source of what is plugged in, beside its own file too, so that no result outlives a change of it."""

import hashlib
import inspect
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType

from vosbench.base.hashing import beside, closure

SHARED = {"site-packages", "dist-packages"}  # folders in which what lies side by side does not belong together


def sources(kind: type, shipped: Path | None = None) -> bytes:
    """The source of the module of a class, and of what lies beside it and is imported; `shipped` is the folder of the
    strategies that ship, which a strategy may import.
    """
    module = sys.modules[kind.__module__]
    files = (
        file.name.encode(errors="surrogateescape") + b"\0" + file.read_bytes() for file in _beside(module, shipped)
    )
    return inspect.getsource(module).encode() + b"".join(files)


@cache
def source_of(kind: type) -> str:
    """A hash of the files outside vosbench that define a class or its bases, with what those that stand alone import
    from beside them; empty where there are none.
    """
    modules = {sys.modules[base.__module__] for base in kind.__mro__}
    own = [m for m in modules if m.__name__.partition(".")[0] not in {"vosbench", *sys.stdlib_module_names}]
    files = {Path(file) for module in own if (file := getattr(module, "__file__", None))}
    files.update(file for module in own if not module.__package__ for file in _beside(module, None))
    return hashlib.blake2b(b"".join(file.read_bytes() for file in sorted(files))).hexdigest() if files else ""


def _beside(module: ModuleType, shipped: Path | None) -> list[Path]:
    """The other files: those of the package that a module is part of, or, of a file that stands alone, what it imports,
    directly or through one another, of its folder and of `shipped`.
    """
    own = Path(str(module.__file__))
    package = (module.__package__ or "").partition(".")[0]
    if package == "vosbench" or own.parent.name in SHARED:
        return []  # what ships is in the version of the code; a strategy imports none of the others

    def find(name: str) -> Iterable[Path]:
        first, *rest = name.split(".")
        if first != "vosbench":
            return beside(own.parent, name)
        ships = shipped and rest[:1] == ["policies"] and len(rest) > 1
        return filter(Path.is_file, [shipped / f"{rest[1]}.py"] if shipped and ships else [])

    if package:
        files = [file for folder in sys.modules[package].__path__ for file in Path(folder).rglob("*.py")]
    else:
        files = closure([own], find)
    return sorted({*files} - {own})
