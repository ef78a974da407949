"""Work shared out among processes, of which this one is the first.

The processes are loky's, which joblib is built on. joblib's own copy of loky would have every process, and the one
that cleans up after them, import all of joblib first: a quarter of a second of a core each.
"""

import atexit
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Any, Self, TypeVar

from loky import ProcessPoolExecutor, cpu_count

T = TypeVar("T")
AHEAD = 3  # tasks that a process has at hand, so that it never waits for this one
WORTHWHILE = 4  # tasks for each process: for less, starting it would take longer than what it saves


def start(count: int) -> ProcessPoolExecutor:
    """Processes that score, started now. Ctrl-C is for this process alone, which ends them.

    They do no linear algebra: the idle threads of a BLAS would cost more than their start.
    """
    workers = ProcessPoolExecutor(count, env={"OPENBLAS_NUM_THREADS": "1"}, initializer=_end_at_once)
    with interrupts_held():
        workers.submit(int)  # all of them start with the first thing there is to do
    return workers


@contextmanager
def interrupts_held() -> Iterator[None]:
    """SIGINT waits until the end; processes started meanwhile inherit that it is blocked, and never see it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # where it starts, it unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_at_once() -> None:
    """Let this process end without taking apart what it has imported, for which its parent would wait for 0.1 s."""
    atexit.register(os._exit, 0)  # loky has sent all results and flushed the standard streams by then


class Crew:
    """This process and others, for about so many `tasks`; a context manager, after which all others have ended.

    They start at once and take a third of a second for it, in which this process prepares the tasks and does the first.

    jobs: processes, this one among them (None: one per core).
    """

    def __init__(self, tasks: int, jobs: int | None = None) -> None:
        others = min(jobs or cpu_count(), tasks // WORTHWHILE) - 1
        self._workers = start(others) if others > 0 else None
        self._room = AHEAD * others

    def share(self, work: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, T]]:
        """(index, `work(*task)`) of every task, in the order in which they are done.

        What `work` raises is raised here, and loky's BrokenProcessPool if a process dies.
        """
        ahead: dict[Future[T], int] = {}
        index = 0
        while index < len(tasks) or ahead:
            while self._workers is not None and index < len(tasks) and len(ahead) < self._room:
                ahead[self._workers.submit(work, *tasks[index])] = index
                index += 1
            if index < len(tasks):
                yield index, work(*tasks[index])
                index += 1
            else:
                wait(ahead, return_when=FIRST_COMPLETED)
            for future in [future for future in ahead if future.done()]:
                yield ahead.pop(future), future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._workers is not None:
            self._workers.shutdown(wait=True)  # after a fault too: what they have at hand is little; killing may race
