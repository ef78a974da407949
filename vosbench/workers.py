"""Work spread over processes, of which this one is the first."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, TypeVar

from joblib.externals.loky.process_executor import ProcessPoolExecutor

T = TypeVar("T")
AHEAD = 2  # tasks that a worker has at hand, so that it never waits for this process
WORTHWHILE = 4  # tasks for each process: for less, starting it would take longer than what it saves


def start(count: int) -> ProcessPoolExecutor:
    """Processes that score. They do no linear algebra: the idle threads of a BLAS would cost more than their start."""
    return ProcessPoolExecutor(count, env={"OPENBLAS_NUM_THREADS": "1"})


def spread(work: Callable[..., T], tasks: Sequence[tuple[Any, ...]], jobs: int) -> Generator[tuple[int, T], None, None]:
    """(index, `work(*task)`) of every task, in the order in which they are done, on up to `jobs` processes.

    This process works too: a new one takes the better part of a second to start, in which much is done already.
    What `work` raises is raised here, and BrokenProcessPool if a worker dies. All workers have ended afterwards.
    """
    others = min(jobs, len(tasks) // WORTHWHILE) - 1
    if others < 1:
        for index, task in enumerate(tasks):
            yield index, work(*task)
        return
    workers = start(others)
    try:
        ahead: dict[Future[T], int] = {}
        index = 0
        while index < len(tasks) or ahead:
            while index < len(tasks) and len(ahead) < AHEAD * others:
                ahead[workers.submit(work, *tasks[index])] = index
                index += 1
            if index < len(tasks):
                yield index, work(*tasks[index])
                index += 1
            else:
                wait(ahead, return_when=FIRST_COMPLETED)
            for future in [future for future in ahead if future.done()]:
                yield ahead.pop(future), future.result()
    finally:
        workers.shutdown(wait=True)  # after a fault too: what they have at hand is little, and killing them may race
