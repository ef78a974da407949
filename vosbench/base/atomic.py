"""Files that are complete or not there, whatever happens while they are written."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vosbench.errors import VosbenchError

FULL = {errno.ENOSPC, errno.EDQUOT}
UNFINISHED = ".tmp"  # how the name of a file ends that is being written


@contextmanager
def replacing(path: Path, what: str = "", hint: str = "", *, durable: bool = False) -> Iterator[Path]:
    """A path beside `path` to write to; when the block ends well, the new file takes the place of `path` at once.

    Whoever reads `path` sees the old file or the whole new one; after a power failure too, if it is `durable`.
    `what` is the kind of file, and `hint` what to do, for the message. Raises VosbenchError if the folder cannot be
    made or the file cannot be written; then nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        with writing(path, what, hint):
            made = [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            if durable:
                _sync(temporary)
            temporary.replace(path)
            if durable:
                for folder in (path.parent, *(folder.parent for folder in made)):
                    _sync(folder)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def writing(path: Path, what: str = "", hint: str = "") -> Iterator[None]:
    """Raises VosbenchError for what the system refuses in the block, which writes to `path`; see `replacing`."""
    try:
        yield
    except OSError as error:
        room = "free some space or choose another folder" if error.errno in FULL else "choose another folder"
        named = f"{what} {path}" if what else path
        raise VosbenchError(f"cannot write {named}: {error.strerror or error}", hint or room) from None


@contextmanager
def replacing_folder(folder: Path, what: str = "", hint: str = "", old: Iterable[str] = ("*",)) -> Iterator[Path]:
    """As `replacing`, of a folder with all that is in it. One that is there stays itself, and gets the new content,
    since somebody may work in it; what is in it already goes if its name fits one of the patterns `old`.
    """
    whole = folder.resolve()  # which has a name where `.` has none
    part = whole.with_name(f".{whole.name}{UNFINISHED}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with writing(folder, what, hint):
            yield part
            if not whole.exists():
                part.rename(whole)
                return
            for path in {path for pattern in old for path in whole.glob(pattern)}:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            for new in sorted(part.iterdir()):
                new.rename(whole / new.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_writable(path: Path, hint: str, folder: bool = False) -> None:
    """Raise VosbenchError unless a file, or a folder of files, can be written there; nothing is written yet."""
    place = next(place for place in (path, *path.parents) if place.exists())
    if path.is_dir() and not folder:
        reason = "it is a folder"
    elif not place.is_dir() and (folder or place != path):
        reason = f"{'it' if place == path else place} is not a folder"
    elif not os.access(place, os.W_OK):
        reason = f"{place} does not permit it"
    else:
        return
    raise VosbenchError(f"cannot write {path}: {reason}", hint)


def _sync(path: Path) -> None:
    """Have the system bring a file, or the entries of a folder, to disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
