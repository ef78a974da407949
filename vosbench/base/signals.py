"""What asks a process to end: Ctrl-C (SIGINT), SIGTERM and SIGHUP, all alike, and each only where it is not ignored."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
Handler = Callable[[int, FrameType | None], None]


@contextmanager
def as_interrupts(to_the_last: bool = False) -> Iterator[list[int]]:
    """Each of them raises KeyboardInterrupt until the end; gives the list of the numbers of those that have come.

    One that is ignored stays so (under nohup; in the background of a shell). If any has come, or if this is all that
    the process does (`to_the_last`), it is about to end, and further ones change nothing.
    """
    came: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        came.append(number)
        if number != signal.SIGINT:
            _let_go_of_a_lost_terminal()
        raise KeyboardInterrupt

    before = _replaced(interrupt, lambda handler: handler not in (signal.SIG_IGN, None))
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if came or to_the_last else handler)


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


def _let_go_of_a_lost_terminal() -> None:
    """Nothing can be written to a terminal that was closed: let what is still written go nowhere."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
