"""Who of vosbench is at work on this machine: times are taken while nobody else is, or are known not to be."""

import os
import secrets
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # as on Windows, where nobody waits and nobody is seen
    fcntl = None  # type: ignore[assignment]

MARK = 8  # bytes that each who comes leaves in the gate


class WaitingWarning(UserWarning):
    """What is to be timed alone has to wait."""


@contextmanager
def at_work(alone: bool = False) -> Iterator[Callable[[], bool]]:
    """Be at work on this machine beside other processes, or `alone`: this waits until they have ended, none of them
    begins before the end of it, and a WaitingWarning says so. Gives a function that tells whether any other has been at
    work in the meantime.

    They see each other by a lock in the folder for temporary files; one process may hold it once. Those who come pass
    a gate, one after the other, and who waits to be alone holds it meanwhile, so that nobody overtakes.
    """
    if fcntl is None:
        yield lambda: False
        return
    stem = Path(tempfile.gettempdir()) / f"vosbench-{os.getuid()}"
    with stem.with_suffix(".lock").open("w") as lock, stem.with_suffix(".gate").open("a+b") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if not alone:
            fcntl.flock(lock, fcntl.LOCK_SH)  # waits for one who is alone
        if (others := not _got(lock.fileno())) and alone:
            warnings.warn(WaitingWarning("others are at work on this machine: waiting to be alone"), stacklevel=3)
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        mark = secrets.token_bytes(MARK)
        os.ftruncate(gate.fileno(), 0)
        os.write(gate.fileno(), mark)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield lambda: not alone and (others or os.pread(gate.fileno(), MARK, 0) != mark)


def _got(lock: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
