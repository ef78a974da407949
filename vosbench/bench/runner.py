"""Carries out a suite: inference in this process, scoring in others beside it, one record per strategy and sequence.

A record is written when its masks are scored, and reused while what determines it is unchanged, so a run that was
stopped goes on where it was. A strategy for which memory does not suffice, or that breaks its contract, leaves a
record of its failure, and so does every strategy on a sequence that is faulty.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from vosbench.base.values import checked
from vosbench.bench.folder import is_finished, masks_hash, prepare, unfinished
from vosbench.bench.lock import locked
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import Failure, Memory, RunRecord, Timing, read_record
from vosbench.bench.scoring import BackgroundScoring
from vosbench.bench.suite import Suite
from vosbench.errors import MissingTruthError, NotANumberError, PolicyError, SequenceError, VosbenchError
from vosbench.images import write_labels
from vosbench.inference.controls import Control
from vosbench.inference.pace import Pace
from vosbench.inference.propagate import propagate
from vosbench.inference.session import Prediction
from vosbench.inference.timing import FrameTiming
from vosbench.memory.blame import gpu_failed, out_of_memory
from vosbench.memory.spec import PolicySpec
from vosbench.memory.trace import MemoryWatch
from vosbench.video import Sequence

WARMUP_FRAMES = 3
OF_STRATEGY = (PolicyError, NotANumberError, MissingTruthError)  # what is no fault of others
Progress = Callable[[str, str, int, int], None]  # strategy, sequence, frames done, frames in all


@checked('vosbench.run(vosbench.Suite(policies=["lfu", "fifo"]), "out")')
def run(
    suite: Suite, folder: Path | str | None = None, progress: Progress | None = None, fresh: bool = False
) -> tuple[RunRecord, ...]:
    """Carry out `suite` in `folder` (None: one named after what determines its results) and return its records.

    What is finished already and still valid is not done again, unless `fresh`. A sequence with a frame or mask that
    cannot be read leaves records that say so (`RunRecord.failure`), or, where only its ground truth is broken, records
    without scores (`RunRecord.unscored`). Raises VosbenchError as `Plan` does, and if a file cannot be written, a
    scoring process dies, another run is at work in the folder, or, unless `fresh`, the folder holds results of other
    conditions; finished records stay.
    """
    return execute(Plan(suite, None if folder is None else Path(folder)), progress, fresh)


def execute(plan: Plan, progress: Progress | None = None, fresh: bool = False) -> tuple[RunRecord, ...]:
    """Carry out what is not done yet of a plan; see `run`."""
    if any(_to_do(plan, fresh)):
        try:
            with locked(plan.folder, plan.suite.shard), _threads(plan.environment.threads):
                prepare(plan, fresh)
                _work_off(plan, *_to_do(plan, fresh), progress)
        except OSError as error:
            raise VosbenchError(
                f"cannot write {error.filename or plan.folder}: {error.strerror or error}",
                "free space or choose another --out; what is finished is kept",
            ) from None
    return tuple(read_record(task.record) for task in plan.tasks)


def _to_do(plan: Plan, fresh: bool) -> tuple[list[Task], list[tuple[Task, RunRecord]]]:
    """The tasks that are not finished; and those that are, with their records, but for scores that failed."""
    todo: list[Task] = []
    to_score: list[tuple[Task, RunRecord]] = []
    for task in plan.tasks:
        if fresh or not is_finished(task) or _lacks_trace(plan, task):
            todo.append(task)
        elif (record := read_record(task.record)).unscored and not plan.unscored(task.name):
            to_score.append((task, record))
    return todo, to_score


def _lacks_trace(plan: Plan, task: Task) -> bool:
    return plan.suite.keep_memory_trace and isinstance(task.what, PolicySpec) and not task.trace.exists()


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """So many threads for torch, until the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _work_off(plan: Plan, todo: list[Task], to_score: list[tuple[Task, RunRecord]], progress: Progress | None) -> None:
    with BackgroundScoring(plan) as scoring:
        for task, record in to_score:
            scoring.add(task, replace(record, unscored=None))
        for task in todo:
            if task.video is not None and isinstance(task.what, PolicySpec):
                _warm_up(plan, task, task.video)
                break
        for _, tasks in groupby(todo, lambda task: task.name):
            for task, record in _repeated(plan, list(tasks), progress):
                scoring.add(task, record)


def _repeated(plan: Plan, tasks: list[Task], progress: Progress | None) -> Iterator[tuple[Task, RunRecord]]:
    """The tasks of one sequence, each with its record without scores when it is done for the last time.

    Repetitions take turns, A, B, A, B, so that a machine that slows down for a while is unfair to nobody.
    """
    timings: dict[str, tuple[Timing, ...]] = {}
    video, fault = tasks[0].video, plan.faults.get(tasks[0].name)
    for repetition in range(1, plan.suite.repeats + 1):
        for task in tuple(tasks):
            record, spec = plan.blank_record(task), task.policy.spec
            try:
                if video is not None and fault is None:
                    record = _infer(plan, task, video, record, progress)
            except SequenceError as error:
                fault = error  # no other strategy need find it again
            if fault is not None:
                reason = f"{fault.message}: {fault.hint}"
                record = replace(record, unscored=None, failure=Failure(reason, 0, 0, cause="sequence"))
                _forget(task)
            timings[spec] = timings.get(spec, ()) + record.timings
            if not record.timings or repetition == plan.suite.repeats:  # controls and failures have none
                tasks.remove(task)
                yield task, record if record.failure else replace(record, timings=timings[spec])


def _forget(task: Task) -> None:
    """Delete the older record, masks and trace of a task."""
    task.record.unlink(missing_ok=True)
    task.trace.unlink(missing_ok=True)
    if (folder := task.masks / task.name).exists():
        shutil.rmtree(folder)


def _warm_up(plan: Plan, task: Task, sequence: Sequence) -> None:
    """Let the libraries choose their kernels on a few frames, outside every clock. A failure will show itself again."""
    count = sequence.first_masks[0].frame_index + WARMUP_FRAMES
    first = tuple(mask for mask in sequence.first_masks if mask.frame_index < count)
    beginning = replace(sequence, frames=sequence.frames[:count], first_masks=first, outputs=None)
    try:
        for _ in _predict(plan, task, beginning):
            pass
    except SequenceError:
        pass
    except (*OF_STRATEGY, RuntimeError, MemoryError) as error:
        if _failure_of_strategy(error) is None:
            raise


def _predict(plan: Plan, task: Task, sequence: Sequence) -> Iterator[Prediction]:
    assert isinstance(task.what, PolicySpec)  # a control predicts nothing but masks
    policy, side, truth = task.what.build(), plan.suite.shorter_side, plan.truths.get(sequence.name)
    return propagate(plan.model, sequence, policy, top_k=plan.top_k, shorter_side=side, truth=truth)


def _infer(plan: Plan, task: Task, sequence: Sequence, record: RunRecord, progress: Progress | None) -> RunRecord:
    """Segment one sequence, write its masks, and return its record without scores.

    Masks take the place of older ones together, and first of all the older record goes. Raises SequenceError for a
    frame or a first mask that cannot be used.
    """
    folder = task.masks / task.name
    part = unfinished(task)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    outputs = set(sequence.output_frames)
    watch = MemoryWatch() if plan.suite.keep_memory_trace and isinstance(task.what, PolicySpec) else None

    def write(index: int, mask: np.ndarray) -> None:
        if index in outputs:
            write_labels(part / f"{sequence.frames[index].name}.png", mask)
        if progress is not None:
            progress(task.policy.label, sequence.name, index + 1, len(sequence.frames))

    try:
        if isinstance(task.what, PolicySpec):
            record = _measure(plan, task, sequence, record, write, watch)
        else:
            for index, mask in enumerate(_controlled(task.what, sequence)):
                write(index, mask)
        _forget(task)
        if record.failure:
            return record
        part.rename(folder)
        if watch is not None:
            watch.trace().write(task.trace)
        return replace(record, masks=masks_hash(task.masks, sequence))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _controlled(control: Control, sequence: Sequence) -> Iterator[np.ndarray]:
    try:
        yield from control(sequence)
    except VosbenchError as error:
        raise SequenceError(error.message, error.hint) from None


def _measure(
    plan: Plan,
    task: Task,
    sequence: Sequence,
    record: RunRecord,
    write: Callable[[int, np.ndarray], None],
    watch: MemoryWatch | None,
) -> RunRecord:
    """Segment a sequence with the model, and put into the record what it cost, or why and where it failed."""
    on_gpu = plan.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(plan.device)
    timings: list[FrameTiming] = []
    reason, pace = None, Pace(plan.device)
    started = time.perf_counter()
    try:
        for prediction in pace.beside(_predict(plan, task, sequence)):
            write(prediction.frame_index, prediction.mask)
            if watch is not None:
                watch.look(prediction.bank, prediction.geometry)
            timings.append(prediction.timing)
    except (*OF_STRATEGY, RuntimeError, MemoryError) as error:
        if (reason := _failure_of_strategy(error)) is None:
            raise
    seconds = time.perf_counter() - started
    bank_bytes = max((t.memory_bytes for t in timings), default=0)
    device_bytes = torch.cuda.max_memory_allocated(plan.device) if on_gpu else None
    if reason is not None:
        if on_gpu:
            torch.cuda.empty_cache()
        return replace(record, unscored=None, failure=Failure(reason, len(timings), bank_bytes, device_bytes))
    tokens = tuple(t.tokens for t in timings)
    memory = Memory(tokens, timings[0].tokens_per_frame, bank_bytes, device_bytes)
    return replace(record, timings=(_timing(timings, pace, seconds),), memory=memory)


def _failure_of_strategy(error: Exception) -> str | None:
    """Why a strategy failed, in one line: for want of memory or true masks, by a breach of its contract, or NaN."""
    if isinstance(error, NotANumberError | MissingTruthError):
        return error.message
    if isinstance(error, PolicyError):
        return f"broke its contract: {error.message}"
    text = " ".join(str(error).split())
    if gpu_failed(error):
        raise VosbenchError(f"the GPU failed: {text[:200]}", "run again: what is finished is kept") from error
    return f"out of memory: {text[:200]}".removesuffix(": ") if out_of_memory(error) else None


def _timing(frames: list[FrameTiming], pace: Pace, end_to_end: float) -> Timing:
    stages = {name: sum(frame.stages[name] for frame in frames) for name in frames[0].stages}
    seconds = sum(stages.values()), end_to_end - pace.seconds
    latency, objects = tuple(1000 * frame.seconds for frame in frames), tuple(frame.objects for frame in frames)
    return Timing(*seconds, stages, latency, objects, WARMUP_FRAMES, tuple(pace.cpu_ms), tuple(pace.reference_ms))
