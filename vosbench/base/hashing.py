"""A hash of vosbench's own source, so that nothing stale is reused after an edit."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def source_hash(package: Path, parts: Iterable[str]) -> str:
    """A hash (BLAKE2b, 16 hex digits) of the files `parts` of a package, and of all modules in folders of it."""
    hasher = hashlib.blake2b(digest_size=8)
    for part in parts:
        path = package / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            hasher.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return hasher.hexdigest()
