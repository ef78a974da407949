"""Work shared out among processes, of which this one is the first.

The processes are loky's, which joblib is built on. joblib's own copy of loky would have every process, and the one
that cleans up after them, import all of joblib first: a quarter of a second of a core each.
"""

import atexit
import gc
import os
import re
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from loky import BrokenProcessPool, ProcessPoolExecutor, cpu_count

from vosbench.base.own_files import find_beside, folders_beside
from vosbench.base.signals import ENDING, held
from vosbench.errors import VosbenchError

T = TypeVar("T")
AHEAD = 3  # tasks that a process has at hand, so that it never waits for this one
WORTHWHILE = 4  # tasks for each process: for less, starting it would take longer than what it saves


def useful(asked: int | None, units: int, on_gpu: bool = False) -> int:
    """How many processes have something to do: as many as are asked for (None: one per core), but no more than there
    are units of work, nor, unless it is GPUs that work, than the cores that this process may use; one at least.
    """
    most = asked if on_gpu and asked else cpu_count()
    return max(1, min(asked or most, most, units))


class DiedError(VosbenchError):
    """A process that was started for work has died."""


def start(work: Callable[..., Any], count: int) -> ProcessPoolExecutor:
    """Processes for `work`, a function of a module, started now; what asks this process to end is not for them.

    They do no linear algebra: the idle threads of a BLAS would cost more than their start.
    """
    workers = None
    try:
        with starting():
            workers = ProcessPoolExecutor(
                count,
                env={"OPENBLAS_NUM_THREADS": "1"},
                initializer=_begin,
                initargs=(work.__module__, os.getpid(), folders_beside()),
            )
            workers.submit(int)  # all of them start with the first thing there is to do
    except BaseException:
        if workers is not None:
            end(workers)
        raise
    return workers


@contextmanager
def starting() -> Iterator[None]:
    """What asks this process to end waits; those started meanwhile inherit that it is blocked, and never see it.

    A terminal sends it to all of them: one that heeded it would print a traceback, or die of it while it imports.
    """
    with held():
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            yield
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            resource_tracker.ensure_running()  # which unblocks SIGINT and SIGTERM when it has started
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@cache
def end_with(parent: int) -> None:
    """Have this process, which `parent` started, end within a second after it, even if that is killed.

    A thread looks: the signal that Linux would send goes by the thread that started a process, not by its process.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def accompany(parent: int, beside: dict[str, Path]) -> None:
    """Have this process end with its `parent`, from before it imports anything; files of one's own from `beside`."""
    end_with(parent)
    find_beside(beside)


def _begin(module: str, parent: int, beside: dict[str, Path]) -> None:
    """Import what the work needs, and never look through it for garbage, as loky would once a second.

    Files of one's own import from `beside`. This process ends without being taken apart, which takes 0.1 s.
    """
    end_with(parent)
    warnings.showwarning = lambda message, *_, **__: _heard.append(message)
    gc.disable()
    import_module(module)
    find_beside(beside)
    gc.freeze()
    gc.enable()
    atexit.register(os._exit, 0)  # loky has sent all results and flushed the standard streams by then


_heard: list[Warning | str] = []  # of this process, if it was started for work: what that warned of


def telling(work: Callable[..., T], *given: Any) -> tuple[T, tuple[Warning | str, ...]]:
    """What `work` gives, and what it warned of where it is not this process that shows warnings."""
    result = work(*given)
    heard = tuple(_heard)
    _heard.clear()
    return result, heard


def told(future: "Future[tuple[T, tuple[Warning | str, ...]]]") -> T:
    """What the work of a future gave, which was `telling`; warns of what that warned of. Raises as `none_dies`."""
    with none_dies():
        result, heard = future.result()
    for message in heard:
        warnings.warn(message, stacklevel=2)
    return result


@contextmanager
def none_dies() -> Iterator[None]:
    """Raises DiedError where loky finds that a process has died."""
    try:
        yield
    except BrokenProcessPool as error:
        how = re.search(r"\{.*\}", str(error))  # e.g. {SIGKILL(-9)}
        hint = "most often memory was short: use fewer jobs (--jobs); what is finished is kept"
        raise DiedError(f"a worker process died{f', {how[0]}' if how else ''}", hint) from None


def end(workers: ProcessPoolExecutor) -> None:
    """Wait until processes have done what they have at hand, which is little, and have ended; killing them may race.

    What asks this process to end waits, too: it would leave them behind.
    """
    with held():
        workers.shutdown(wait=True)


class Crew(Generic[T]):
    """This process and others, for about so many `tasks` of one `work`; a context manager, after which they have ended.

    They start at once and take a third of a second for it, in which this process prepares the tasks and does the first.

    jobs: processes at most, this one among them, as `useful` has it.
    """

    def __init__(self, work: Callable[..., T], tasks: int, jobs: int | None = None) -> None:
        others = useful(jobs, tasks // WORTHWHILE) - 1
        self._work = work
        self._workers = start(work, others) if others > 0 else None
        self._others = others

    def share(self, tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, T]]:
        """(index, `work(*task)`) of every task, in the order in which they are done.

        What `work` raises is raised here, and DiedError if a process dies.
        """
        ahead: dict[Future[tuple[T, tuple[Warning | str, ...]]], int] = {}
        index = 0
        while index < len(tasks) or ahead:
            # Towards the end no process gets more ahead than what is left for this one: all end together.
            while self._workers is not None and len(ahead) < self._others * min(AHEAD, len(tasks) - index):
                with none_dies():
                    ahead[self._workers.submit(telling, self._work, *tasks[index])] = index
                index += 1
            if index < len(tasks):
                yield index, self._work(*tasks[index])
                index += 1
            else:
                wait(ahead, return_when=FIRST_COMPLETED)
            for future in [future for future in ahead if future.done()]:
                yield ahead.pop(future), told(future)

    def map(self, tasks: Sequence[tuple[Any, ...]], progress: Callable[[int, int], None] | None = None) -> list[T]:
        """As `share`, in the order of the tasks; `progress` is told how many are done and how many there are."""
        found: dict[int, T] = {}
        for index, result in self.share(tasks):
            found[index] = result
            if progress is not None:
                progress(len(found), len(tasks))
        return [found[index] for index in range(len(tasks))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._workers is not None:
            end(self._workers)
