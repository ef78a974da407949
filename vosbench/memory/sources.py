"""What belongs to the source of a strategy beside its own file, so that no result outlives a change of it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

SHARED = {"site-packages", "dist-packages"}  # folders in which what lies side by side does not belong together


def beside(module: ModuleType, shipped: Path) -> list[Path]:
    """The other files of a strategy: those of the package that it is part of, or, of a file that stands alone, what it
    imports, directly or through one another, of its folder and of the strategies that ship, whose folder is `shipped`.
    """
    own = Path(str(module.__file__))
    package = (module.__package__ or "").partition(".")[0]
    if package == "vosbench" or own.parent.name in SHARED:
        return []  # a strategy that ships imports none of the others; the rest is in the version of the code
    found: set[Path] = set()
    if package:
        found.update(*(Path(folder).rglob("*.py") for folder in sys.modules[package].__path__))
    else:
        _follow(own, own.parent, shipped, found)
    return sorted(found - {own})


def _follow(file: Path, folder: Path, shipped: Path, found: set[Path]) -> None:
    for name in set(_imported(file)):
        first, *rest = name.split(".")
        if first == "vosbench":
            files = [shipped / f"{rest[1]}.py"] if rest[:1] == ["policies"] and len(rest) > 1 else []
        else:
            files = [folder / f"{first}.py", *(folder / first).rglob("*.py")]
        for path in files:
            if path.is_file() and path not in found:
                found.add(path)
                _follow(path, folder, shipped, found)


def _imported(file: Path) -> Iterator[str]:
    """Names of all modules that a file imports, and of what it imports from them."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:  # then it was not imported: another of this name was
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
