"""Carries out a suite: inference in this process, scoring in others beside it, one record per strategy and sequence.

Strategies go through a sequence together; in the sequences that are timed each goes alone. A record is written when
the masks are made, and completed when they are scored. It is reused while what determines it is unchanged, so a run
that was stopped goes on where it was.
"""

import warnings
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from vosbench.base.values import checked
from vosbench.bench.folder import finished, forget, prepare, unfinished
from vosbench.bench.limit import require_room
from vosbench.bench.lock import locked
from vosbench.bench.machine import at_work
from vosbench.bench.passes import Progress, Recorded, alone, controlled, together, warm_up
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import Failure, RunRecord, Timing, read_record
from vosbench.bench.scoring import BackgroundScoring
from vosbench.bench.suite import Suite
from vosbench.errors import SequenceError, VosbenchError, a_few
from vosbench.inference.reader import loaded
from vosbench.inference.threads import threads
from vosbench.memory.spec import PolicySpec
from vosbench.video import Sequence


@runtime_checkable
class Workers(Protocol):
    """Other processes that carry out a plan."""

    def adapted(self, suite: Suite) -> Suite:
        """The suite as they can carry it out."""

    def work_off(self, plan: Plan, todo: list[Task], to_score: list[Recorded], progress: Progress) -> None:
        """Do what `runner.work_off` does."""


@checked('vosbench.run(vosbench.Suite(policies=["lfu", "fifo"]), "out")')
def run(
    suite: Suite,
    folder: Path | str | None = None,
    progress: Progress = None,
    fresh: bool = False,
    cluster: Workers | None = None,
) -> tuple[RunRecord, ...]:
    """Carry out `suite` in `folder` (None: one named after what determines its results) and return its records.

    `cluster` are other processes that carry it out instead of this one: a `vosbench.Cluster`. What is finished
    already and still valid is not done again, unless `fresh`. A sequence with a frame or mask that
    cannot be read leaves records that say so (`RunRecord.failure`), or, where only its ground truth is broken, records
    without scores (`RunRecord.unscored`). Raises VosbenchError as `Plan` does, and if a file cannot be written, a
    scoring process dies, another run is at work in the folder, the limit of memory is too small for every sequence, or,
    unless `fresh`, the folder holds results of other conditions; finished records stay.
    """
    plan = Plan(cluster.adapted(suite) if cluster else suite, None if folder is None else Path(folder))
    return execute(plan, progress, fresh, cluster)


def execute(
    plan: Plan,
    progress: Progress = None,
    fresh: bool = False,
    cluster: Workers | None = None,
    begin: Callable[[int], None] = lambda _: None,
) -> tuple[RunRecord, ...]:
    """Carry out what is not done yet of a plan; see `run`. `begin` is told first how many passes that takes."""
    if any(found := to_do(plan, fresh)):
        require_room(plan, found[0])
        try:
            with locked(plan.folder, plan.suite.shard, plan.conditions), threads(plan.environment.threads):
                prepare(plan, fresh)
                todo, to_score = to_do(plan, fresh)
                begin(plan.passes_of(todo))
                (cluster.work_off if cluster else work_off)(plan, todo, to_score, progress)
        except OSError as error:
            hint = "free space or choose another folder (--out); what is finished is kept"
            where = error.filename or plan.folder
            raise VosbenchError(f"cannot write {where}: {error.strerror or error}", hint) from None
    return tuple(plan.as_asked(task, read_record(task.record)) for task in plan.tasks)


def to_do(plan: Plan, fresh: bool) -> tuple[list[Task], list[Recorded]]:
    """The tasks that are not finished; and those that are, with their records, but for scores."""
    todo: list[Task] = []
    to_score: list[Recorded] = []
    for task in plan.tasks:
        record = None if fresh else finished(task)
        if record is None or _lacks(plan, task, record):
            todo.append(task)
        elif task.unscored.exists() or (record.scores is None and not plan.unscored(task.name)):
            to_score.append((task, record))
    return todo, to_score


def _lacks(plan: Plan, task: Task, record: RunRecord) -> bool:
    """Whether a record lacks the trace of the memory that is to be kept, or times alone, if those are asked for."""
    traceless = plan.suite.keep_memory_trace and isinstance(task.what, PolicySpec) and not task.trace.exists()
    return traceless or (plan.suite.timing is not None and task.timed and any(t.shared for t in record.timings))


def work_off(
    plan: Plan,
    todo: list[Task],
    to_score: list[Recorded],
    progress: Progress,
    pool: Executor | None = None,
) -> None:
    """Do the tasks in `todo`, and score those in `to_score` again; `pool` as `BackgroundScoring` has it."""
    with BackgroundScoring(plan, len(todo) + len(to_score), pool) as scoring:
        for task, record in to_score:
            scoring.add(task, replace(record, unscored=None))
        warm: set[Any] = set()  # sizes and numbers of objects for which kernels are chosen
        instead = False  # of a sequence that was to be timed and is faulty, the next is timed
        for group in _groups(todo):
            tasks = [replace(t, timed=t.timed or (instead and isinstance(t.what, PolicySpec))) for t in group]
            instead = False
            alone = plan.suite.timing is not None and any(task.timed for task in tasks)
            with at_work(alone) as others, closing(_of_sequence(plan, tasks, warm, progress)) as done:
                for task, record in done:
                    shared = bool(record.timings) and others()
                    timings = tuple(replace(timing, shared=shared) for timing in record.timings)
                    scoring.add(task, replace(record, timings=timings))
                    _say_done(task, record, progress)
                    instead |= task.timed and record.failure is not None and record.failure.cause == "sequence"


def _groups(todo: list[Task]) -> Iterator[list[Task]]:
    """The tasks of each sequence; at last, each by itself, those that a process had in hand when it died: if one of
    them kills this process too, all else is done. The one that was in hand last comes last.
    """
    begun = {task.record: unfinished(task).stat().st_mtime for task in todo if unfinished(task).exists()}
    for _, group in groupby((task for task in todo if task.record not in begun), lambda task: task.name):
        yield list(group)
    last = sorted((task for task in todo if task.record in begun), key=lambda task: begun[task.record])
    if last:
        had = a_few(f"{task.policy.label} on {task.name}" for task in last)
        then = "they come last, each alone; with --workers 1 the run outlives it, and records that it failed"
        warnings.warn(f"a process died at work on {had}: {then}", stacklevel=2)
    for task in last:
        yield [task]


def _say_done(task: Task, record: RunRecord, progress: Progress) -> None:
    """Once the record is written, or is one of several passes."""
    if progress is not None and task.video and not record.failure:
        progress(task.policy.label, task.name, len(task.video.frames), len(task.video.frames))


def _of_sequence(plan: Plan, tasks: list[Task], warm: set[Any], progress: Progress) -> Generator[Recorded, None, None]:
    """The tasks of one sequence, each with its record without scores."""
    video, fault, left = tasks[0].video, plan.faults.get(tasks[0].name), {task.record: task for task in tasks}
    if video is not None and fault is None:
        try:
            for task, record in _passes(plan, tasks, video, warm, progress):
                del left[task.record]
                yield task, record
        except SequenceError as error:
            fault = error  # no other strategy need find it again
    if fault is not None:
        failure = Failure(f"{fault.message}: {fault.hint}", 0, 0, cause="sequence")
        for task in left.values():
            forget(task)
            yield task, replace(plan.blank_record(task), unscored=None, failure=failure)


def _passes(plan: Plan, tasks: list[Task], video: Sequence, warm: set[Any], progress: Progress) -> Iterator[Recorded]:
    """What is to be timed alone; then the other strategies together; then the controls."""
    timed = [task for task in tasks if task.timed]
    if timed and (kind := (loaded(video.frames[0]).shape, len(video.object_ids))) not in warm:
        warm.add(kind)
        warm_up(plan, video)
    yield from _by_turns(plan, timed, video, progress)
    if untimed := [task for task in tasks if not task.timed and isinstance(task.what, PolicySpec)]:
        yield from together(plan, untimed, video, progress)
    for task in tasks:
        if not isinstance(task.what, PolicySpec):
            yield task, controlled(plan, task, task.what, video, progress)


def _by_turns(plan: Plan, tasks: list[Task], video: Sequence, progress: Progress) -> Iterator[Recorded]:
    """Each task alone, as often as it is to be timed: A, B, A, B, so that a slow while is unfair to nobody."""
    timings: dict[Path, tuple[Timing, ...]] = {task.record: () for task in tasks}
    for repetition in range(1, plan.suite.repeats + 1):
        for task in tuple(tasks):
            record = alone(plan, task, video, progress)
            timings[task.record] += record.timings
            if record.failure or repetition == plan.suite.repeats:
                tasks.remove(task)
                yield task, record if record.failure else replace(record, timings=timings[task.record])
            else:
                _say_done(task, record, progress)
