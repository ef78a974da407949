"""Scores finished sequences in other processes while inference goes on.

A record is written at once; to `Task.unscored`, where nobody takes it for a result, until it has its scores.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self

from loky import ProcessPoolExecutor

from vosbench.base import processes
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import RunRecord, write_record
from vosbench.bench.scored import as_recorded
from vosbench.datasets.label_pngs import LabelPng
from vosbench.errors import VosbenchError
from vosbench.metrics.evaluate import object_scores, score_sequence
from vosbench.metrics.statistics import ObjectTrace


class AtOnce(Executor):
    """Does what it is given at once, in this process."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """`work(*args, **kwargs)`, done."""
        future = Future[Any]()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


Told = tuple[tuple[ObjectTrace, ...], tuple[Warning | str, ...]]
Waiting = tuple[Task, RunRecord, Future[Told]]


class BackgroundScoring:
    """The records of a plan that wait for their scores, in the order in which their masks were finished.

    As a context manager: left in good order it waits for all of them; left by an error it completes what the error
    does not concern; left by an interrupt it waits for none, and the rest is scored next time.

    pool: who scores (None: processes of its own, as many as the suite has jobs, and are of use for `count` records).
    """

    def __init__(self, plan: Plan, count: int, pool: Executor | None = None) -> None:
        self._plan, self._count = plan, count
        self._waiting: deque[Waiting] = deque()
        self._pool = pool
        self._workers: ProcessPoolExecutor | None = None

    def add(self, task: Task, record: RunRecord) -> None:
        """Write the record of a task, and have its masks scored, if it has any; complete those that are scored."""
        if self._plan.protocol is None or record.failure or record.unscored:
            write_record(task.record, record)
            return
        write_record(task.unscored, record)
        if self._pool is None:
            self._pool = self._workers = processes.start(
                score_sequence, processes.useful(self._plan.suite.jobs, self._count)
            )
        truth = self._plan.truths[task.name]
        masks = {name: LabelPng(task.masks / truth.sequence / f"{name}.png") for name in truth.masks}
        with processes.none_dies():
            future = self._pool.submit(processes.telling, score_sequence, truth, masks, self._plan.protocol)
        self._waiting.append((task, record, future))
        while self._waiting and self._waiting[0][2].done():
            self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        try:
            while self._waiting and kind is None:
                self._finish()
        except (VosbenchError, OSError):
            self._keep()
            raise
        else:
            if kind is not None:
                self._keep(wait=issubclass(kind, Exception))
        finally:
            if self._workers is not None:
                for _, _, future in self._waiting:
                    future.cancel()
                processes.end(self._workers)

    def _keep(self, wait: bool = True) -> None:
        while self._waiting:
            with suppress(VosbenchError, OSError):
                if wait or self._waiting[0][2].done():
                    self._finish()
                else:
                    self._waiting.popleft()[2].cancel()

    def _finish(self) -> None:
        """Wait for the scores of the first record and complete it."""
        task, record, future = self._waiting.popleft()
        protocol = self._plan.protocol
        assert protocol is not None
        try:
            traces = processes.told(future)
        except processes.DiedError:
            raise
        except VosbenchError as error:  # a true mask that is broken, as a rule
            record = replace(record, unscored=f"{error.message}: {error.hint}")
        else:
            record = replace(record, scores=as_recorded(object_scores(traces, protocol), traces, protocol))
        write_record(task.unscored, record)
        task.unscored.replace(task.record)
