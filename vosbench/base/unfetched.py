"""What lies on disk in the place of a file that was not fetched: a pointer of Git LFS or git-annex, or a link."""

import os
from contextlib import suppress
from pathlib import Path

from vosbench.errors import VosbenchError

LFS, ANNEX = b"version https://git-lfs", b"/annex/objects/"


def read_bytes(path: Path, hint: str, what: str = "") -> bytes:
    """The content of a file, which a message calls `what`. Raises VosbenchError, with the `hint`, if there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        require_fetched(path)
        raise VosbenchError(f"cannot read {what and f'{what} '}{path}: {error.strerror}", hint) from None


def require_fetched(path: Path, data: bytes | None = None) -> None:
    """Raise VosbenchError if the content of a file is elsewhere; `data` are its bytes, where they have been read."""
    target = os.readlink(path) if path.is_symlink() else ""
    if data is None:
        data = b""
        with suppress(OSError), path.open("rb") as file:
            data = file.read(64)
    begin = data[:64].lstrip(b"\xef\xbb\xbf \r\n\t")
    if begin.startswith(LFS):
        raise VosbenchError(f"{path} is a Git LFS pointer, not the file itself", "git lfs pull, or download the file")
    if begin.startswith(ANNEX) or (".git/annex/" in target and not path.exists()):
        raise VosbenchError(f"{path} is of git-annex, and its content is not here", f"git annex get {path.name}")
    if target and not path.exists():
        raise VosbenchError(f"{path} is a link to {target}, which is not there", "copy the file itself there")
