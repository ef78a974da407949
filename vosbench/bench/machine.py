"""Who of vosbench is at work on this machine: times are taken while nobody else is, or are known not to be."""

import os
import secrets
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # as on Windows, where nobody waits and nobody is seen
    fcntl = None  # type: ignore[assignment]

MARK = 8  # bytes that each who comes leaves in the gate
PASSING = 0.5  # seconds that passing the gate takes at most, if nobody in it waits
_FOR_OTHERS = (
    "others are at work on this machine: waiting to be alone; without --timing it would go on, and mark times that are "
    "taken beside others"
)
_FOR_ONE = (
    "another process is timed alone on this machine, or is about to be: waiting for its end; or stop this one, and "
    "start it again later: what is finished is kept"
)


class WaitingWarning(UserWarning):
    """What is to be timed alone waits for others, or they wait for it."""


@contextmanager
def at_work(alone: bool = False) -> Iterator[Callable[[], bool]]:
    """Be at work on this machine beside other processes, or `alone`: this waits until they have ended, and none of them
    begins before the end of it. A WaitingWarning tells each that has to wait. Gives a function that tells whether any
    other has been at work in the meantime.

    Processes of one user see each other by a lock in the folder for temporary files; one process may hold it once.
    Those who come pass a gate, one after the other, and who waits holds it meanwhile, so that nobody overtakes.
    """
    if fcntl is None:
        yield lambda: False
        return
    stem = Path(tempfile.gettempdir()) / f"vosbench-{os.getuid()}"
    with stem.with_suffix(".lock").open("w") as lock, stem.with_suffix(".gate").open("a+b") as gate:
        how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        free = _got(gate, fcntl.LOCK_EX, PASSING)
        if not free or not _got(lock, how):
            warnings.warn(WaitingWarning(_FOR_OTHERS if alone else _FOR_ONE), stacklevel=3)
            if not free:
                fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(lock, how)
        others = not alone and not _got(lock, fcntl.LOCK_EX)
        fcntl.flock(lock, how)
        mark = secrets.token_bytes(MARK)
        os.ftruncate(gate.fileno(), 0)
        os.write(gate.fileno(), mark)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield lambda: not alone and (others or os.pread(gate.fileno(), MARK, 0) != mark)


def _got(file: IO[Any], how: int, seconds: float = 0.0) -> bool:
    """Lock a file if that is possible within so many seconds."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)
        else:
            return True
