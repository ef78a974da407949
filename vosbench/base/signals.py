"""What asks a process to end: Ctrl-C (SIGINT), SIGTERM and SIGHUP, all alike, and each only where it is not ignored.

One that comes while a module is loaded waits until it is, ten seconds at most: torch aborts the process if it is
interrupted there, and what was loaded by half cannot be loaded again to say what is kept.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
PAUSE, PAUSES = 0.05, 200  # seconds until it is looked again whether a module is still loaded; how often
Handler = Callable[[int, FrameType | None], None]
_open: list[tuple[Handler, list[int], list[int]]] = []  # of each `as_interrupts`: its handler, what came, what waits


@contextmanager
def as_interrupts(to_the_last: bool = False) -> Iterator[list[int]]:
    """Each of them raises KeyboardInterrupt until the end; gives the list of the numbers of those that have come.

    One that is ignored stays so (under nohup; in the background of a shell). If any has come, or if this is all that
    the process does (`to_the_last`), it is about to end, and further ones change nothing.
    """
    came: list[int] = []
    waits: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if hasattr(signal, "setitimer") and len(waits) < PAUSES and _loads(frame):
            waits.append(number)
            signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
            signal.setitimer(signal.ITIMER_REAL, PAUSE, PAUSE)
            return
        if waits:
            signal.setitimer(signal.ITIMER_REAL, 0)
        came.append(number)
        if number != signal.SIGINT:
            _let_go_of_a_lost_terminal()
        raise KeyboardInterrupt

    before = _replaced(interrupt, lambda handler: handler not in (signal.SIG_IGN, None))
    _open.append((interrupt, came, waits))
    try:
        yield came
        if waits and not came:
            interrupt(waits[0], None)
    finally:
        _open.pop()
        if waits:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if came or to_the_last else handler)


def by_code(error: BaseException) -> bool:
    """Whether the code that raised an error is at fault, and nobody has asked the process to end: so it is with any but
    KeyboardInterrupt; with that where no signal can have raised it: beside the main thread, where signals are blocked,
    and within `as_interrupts`, unless one has come.
    """
    if not isinstance(error, KeyboardInterrupt) or threading.current_thread() is not threading.main_thread():
        return True
    if hasattr(signal, "pthread_sigmask") and signal.pthread_sigmask(signal.SIG_BLOCK, ()).issuperset(ENDING):
        return True
    ours, came, waits = _open[-1] if _open else (None, [], [])
    handlers = {signal.getsignal(number) for number in ENDING}
    return ours in handlers and handlers <= {ours, signal.SIG_IGN, None} and not came and not waits


@contextmanager
def held() -> Iterator[None]:
    """Those that raise KeyboardInterrupt wait until the end."""
    came: list[int] = []
    before = _replaced(lambda number, _: came.append(number), callable)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _replaced(handler: Handler, wanted: Callable[[Any], bool]) -> dict[int, Any]:
    """Put a handler in the place of the wanted ones, which are returned; only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in ENDING}
    return {number: signal.signal(number, handler) for number, old in before.items() if wanted(old)}


def _loads(frame: FrameType | None) -> bool:
    """Whether a module is being loaded where a signal came."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib."):
        frame = frame.f_back
    return frame is not None


def _let_go_of_a_lost_terminal() -> None:
    """Nothing can be written to a terminal that was closed: let what is still written go nowhere."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
