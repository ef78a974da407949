"""Work shared out among processes, of which this one is the first.

The processes are loky's, which joblib is built on. joblib's own copy of loky would have every process, and the one
that cleans up after them, import all of joblib first: a quarter of a second of a core each.
"""

import atexit
import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from loky import ProcessPoolExecutor, cpu_count

T = TypeVar("T")
AHEAD = 3  # tasks that a process has at hand, so that it never waits for this one
WORTHWHILE = 4  # tasks for each process: for less, starting it would take longer than what it saves


def start(work: Callable[..., Any], count: int) -> ProcessPoolExecutor:
    """Processes for `work`, a function of a module, started now. Ctrl-C is for this process alone, which ends them.

    They do no linear algebra: the idle threads of a BLAS would cost more than their start.
    """
    workers = ProcessPoolExecutor(
        count, env={"OPENBLAS_NUM_THREADS": "1"}, initializer=_begin, initargs=(work.__module__,)
    )
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


def _begin(module: str) -> None:
    """Import what the work needs, and never look through it for garbage, as loky would once a second.

    This process ends without taking it apart, for which its parent would wait for 0.1 s.
    """
    gc.disable()
    import_module(module)
    gc.freeze()
    gc.enable()
    atexit.register(os._exit, 0)  # loky has sent all results and flushed the standard streams by then


class Crew(Generic[T]):
    """This process and others, for about so many `tasks` of one `work`; a context manager, after which they have ended.

    They start at once and take a third of a second for it, in which this process prepares the tasks and does the first.

    jobs: processes, this one among them (None: one per core).
    """

    def __init__(self, work: Callable[..., T], tasks: int, jobs: int | None = None) -> None:
        others = min(jobs or cpu_count(), tasks // WORTHWHILE) - 1
        self._work = work
        self._workers = start(work, others) if others > 0 else None
        self._others = others

    def share(self, tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, T]]:
        """(index, `work(*task)`) of every task, in the order in which they are done.

        What `work` raises is raised here, and loky's BrokenProcessPool if a process dies.
        """
        ahead: dict[Future[T], int] = {}
        index = 0
        while index < len(tasks) or ahead:
            # Towards the end no process gets more ahead than what is left for this one: all end together.
            while self._workers is not None and len(ahead) < self._others * min(AHEAD, len(tasks) - index):
                ahead[self._workers.submit(self._work, *tasks[index])] = index
                index += 1
            if index < len(tasks):
                yield index, self._work(*tasks[index])
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
