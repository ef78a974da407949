"""Files that are complete or not there, whatever happens while they are written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vosbench.errors import VosbenchError


@contextmanager
def replacing(path: Path, what: str = "") -> Iterator[Path]:
    """A path beside `path` to write to; when the block ends well, the new file takes the place of `path` at once.

    Whoever reads `path` sees the old file or the whole new one. `what` is the kind of file, for the message.
    Raises VosbenchError if the folder cannot be made or the file cannot be written; then nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        named = f"{what} {path}" if what else path
        raise VosbenchError(
            f"cannot write {named}: {error.strerror or error}", "free some space or choose another folder"
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
