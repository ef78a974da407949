"""Who is at work in the folder of a run or a training: one process with all of it, or several, each with a shard."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vosbench.errors import VosbenchError

LOCK, GATE = ".lock", ".gate"


@contextmanager
def locked(folder: Path, shard: str | None = None, conditions: str = "") -> Iterator[None]:
    """Make the folder, and hold it against other processes; the system lets go of it when this one ends, however.

    With a `shard`, such as `3/8`, it is held against all but the other shards of eight that are under the same
    `conditions`: their sequences are others.
    Raises VosbenchError at once if another process has it, and OSError if it cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number, shards = map(int, shard.split("/")) if shard else (0, 0)  # 01/3 is 1/3
    own = folder / (f"{LOCK}-{number}-of-{shards}" if shard else LOCK)
    with ExitStack() as held:
        with FileLock(folder / GATE), ExitStack() as looked_at:  # of those that begin together, one looks at a time
            for path in folder.glob(f"{LOCK}*"):
                beside = shard and path.match(f"{LOCK}-*-of-{shards}")
                if path != own and not (beside and _lines(path)[1:2] == [conditions]):
                    _hold(path, looked_at, " under other conditions" if beside else "")
            _hold(own, held)
            own.write_text(f"{os.getpid()}\n{conditions}\n")
        yield


def _hold(path: Path, stack: ExitStack, how: str = "") -> None:
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        number = next(iter(_lines(path)), "")  # as far as it is told
        process = f" ({number})" if number.isdecimal() else ""
        hint = "wait until it has ended, or choose another folder (--out)"
        raise VosbenchError(f"another process{process} is at work in {path.parent}{how}", hint) from None
    stack.callback(lock.release)


def _lines(lock: Path) -> list[str]:
    """What a lock tells: the number of the process, and its conditions."""
    try:
        return lock.read_text().split("\n")
    except (OSError, ValueError):
        return []
