"""Hashes of source and of all that it is built on, so that nothing stale is reused after an edit."""

import ast
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
LINES = re.compile(
    rb"^[ \t]*((?:from(?:[ \t]|\\\n)+[\w.]+(?:[ \t]|\\\n)+)?import\s[^\n(]*(?:\([^)]*\))?)", re.MULTILINE
)
WORD = re.compile(rb"import\b")
NAMED = re.compile(rb"\"(vosbench(?:\.\w+)+)(?::\w+)?\"")  # as a registry does


def digest(facts: Mapping[str, Any]) -> str:
    """A hash of plain values (BLAKE2b, 32 hex digits); the order of keys does not matter."""
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16).hexdigest()


@cache
def source_hash(*modules: str) -> str:
    """A hash (BLAKE2b, 16 hex digits) of the source of modules of vosbench and of all of it that they need."""
    hasher = hashlib.blake2b(digest_size=8)
    for file in sources(*modules):
        hasher.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    return hasher.hexdigest()


def sources(*modules: str) -> list[Path]:
    """The files of modules of vosbench and of all of it that they need.

    That is what they import, at their top or in a function, and what they name in a text of its own
    ("vosbench.datasets.davis:DAVIS"), directly or through one another. Nothing is imported. A strategy is not part
    of it, as its source has a hash of its own, nor is `vosbench/__init__.py`, which only hands names on.
    """
    return closure((file for module in modules for file in _files(module)), _files)


def closure(files: Iterable[Path], find: Callable[[str], Iterable[Path]]) -> list[Path]:
    """`files` and all that they import, directly or through one another; `find` gives the files of a dotted name."""
    todo, found, names = list(files), set[Path](), set[str]()
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            new = {*_needed(file)} - names
            names |= new
            todo += (path for name in new for path in find(name))
    return sorted(found)


def beside(folder: Path, name: str) -> Iterator[Path]:
    """The files in a folder that a dotted name may be of: a module, or a package with all that is in it."""
    first = name.partition(".")[0]
    yield from (folder / first).rglob("*.py")
    yield from filter(Path.is_file, [folder / f"{first}.py"])


def _files(name: str) -> Iterator[Path]:
    """The files of vosbench behind `vosbench.a.b.c`, where c may also be what b holds: those of a, b and c."""
    first, *parts = name.split(".")
    if first != "vosbench" or parts[:1] == ["policies"]:
        return
    path = str(PACKAGE)
    for part in parts:
        path += f"{os.sep}{part}"
        yield from (Path(file) for file in (f"{path}.py", f"{path}{os.sep}__init__.py") if os.path.isfile(file))


def _needed(file: Path) -> Iterator[str]:
    """Names of all modules that a file imports, of what it imports from them, and of what it names as text."""
    source = file.read_bytes()
    yield from (name.decode() for name in NAMED.findall(source))
    for node in _import_statements(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _import_statements(source: bytes) -> Iterable[ast.AST]:
    """The import statements of a source, among other nodes; none of one that is no Python."""
    lines = b"\n".join(LINES.findall(source))
    with suppress(SyntaxError):  # where words that are none look like them
        if len(WORD.findall(lines)) == len(WORD.findall(source)):  # there are no others: a tenth of the time
            return ast.parse(lines).body
    with suppress(SyntaxError):  # then it was not imported: another of this name was
        return ast.walk(ast.parse(source))
    return ()
