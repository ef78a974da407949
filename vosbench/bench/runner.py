"""Carries out a suite: inference in this process, scoring in others beside it, one record per strategy and sequence.

A record is written when its masks are scored, and reused while what determines it is unchanged, so a run that was
stopped goes on where it was. A strategy for which memory does not suffice, or that breaks its contract, leaves a
record of its failure.
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

from vosbench.base.atomic import UNFINISHED
from vosbench.base.values import checked
from vosbench.bench.folder import is_finished, locked, masks_hash, prepare
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import Failure, Memory, RunRecord, Timing, read_record
from vosbench.bench.scoring import BackgroundScoring
from vosbench.bench.suite import Suite
from vosbench.errors import NotANumberError, PolicyError, VosbenchError
from vosbench.images import write_labels
from vosbench.inference.pace import Pace
from vosbench.inference.propagate import propagate
from vosbench.inference.session import FrameTiming, Prediction
from vosbench.memory.blame import gpu_failed, out_of_memory
from vosbench.memory.spec import PolicySpec
from vosbench.video import Sequence

WARMUP_FRAMES = 3
Progress = Callable[[str, str, int, int], None]  # strategy, sequence, frames done, frames in all


@checked('vosbench.run(vosbench.Suite(policies=["lfu", "fifo"]), "out")')
def run(
    suite: Suite, folder: Path | str | None = None, progress: Progress | None = None, fresh: bool = False
) -> tuple[RunRecord, ...]:
    """Carry out `suite` in `folder` (None: one named after what determines its results) and return its records.

    What is finished already and still valid is not done again, unless `fresh`. Raises VosbenchError as `Plan`
    does, and if a frame or mask cannot be read, a file cannot be written, a scoring process dies, another run is at
    work in the folder, or, unless `fresh`, the folder holds results of other conditions; finished records stay.
    """
    return execute(Plan(suite, None if folder is None else Path(folder)), progress, fresh)


def execute(plan: Plan, progress: Progress | None = None, fresh: bool = False) -> tuple[RunRecord, ...]:
    """Carry out what is not done yet of a plan; see `run`."""
    if fresh or not all(map(is_finished, plan.tasks)):
        try:
            with locked(plan.folder), _threads(plan.environment.threads):
                prepare(plan, fresh)
                _work_off(plan, [task for task in plan.tasks if fresh or not is_finished(task)], progress)
        except OSError as error:
            raise VosbenchError(
                f"cannot write {error.filename or plan.folder}: {error.strerror or error}",
                "free space or choose another --out; what is finished is kept",
            ) from None
    return tuple(read_record(task.record) for task in plan.tasks)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """So many threads for torch, until the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _work_off(plan: Plan, todo: list[Task], progress: Progress | None) -> None:
    with BackgroundScoring(plan) as scoring:
        first = next((task for task in todo if isinstance(task.what, PolicySpec)), None)
        if first is not None:
            _warm_up(plan, first)
        for _, tasks in groupby(todo, lambda task: task.sequence.name):
            for task, record in _repeated(plan, list(tasks), progress):
                scoring.add(task, record)


def _repeated(plan: Plan, tasks: list[Task], progress: Progress | None) -> Iterator[tuple[Task, RunRecord]]:
    """The tasks of one sequence, each with its record without scores when it is done for the last time.

    Repetitions take turns, A, B, A, B, so that a machine that slows down for a while is unfair to nobody.
    """
    timings: dict[str, tuple[Timing, ...]] = {}
    for repetition in range(1, plan.suite.repeats + 1):
        for task in tuple(tasks):
            record, spec = _infer(plan, task, progress), task.policy.spec
            timings[spec] = timings.get(spec, ()) + record.timings
            if not record.timings or repetition == plan.suite.repeats:  # controls and failures have none
                tasks.remove(task)
                yield task, record if record.failure else replace(record, timings=timings[spec])


def _warm_up(plan: Plan, task: Task) -> None:
    """Let the libraries choose their kernels on a few frames, outside every clock. A failure will show itself again."""
    sequence = task.sequence
    count = sequence.first_masks[0].frame_index + WARMUP_FRAMES
    first = tuple(mask for mask in sequence.first_masks if mask.frame_index < count)
    beginning = replace(sequence, frames=sequence.frames[:count], first_masks=first, outputs=None)
    try:
        for _ in _predict(plan, task, beginning):
            pass
    except (PolicyError, NotANumberError, RuntimeError, MemoryError) as error:
        if _failure_of_strategy(error) is None:
            raise


def _predict(plan: Plan, task: Task, sequence: Sequence) -> Iterator[Prediction]:
    assert isinstance(task.what, PolicySpec)  # a control predicts nothing but masks
    policy, side, truth = task.what.build(), plan.suite.shorter_side, plan.truths.get(sequence.name)
    return propagate(plan.model, sequence, policy, top_k=plan.top_k, shorter_side=side, truth=truth)


def _infer(plan: Plan, task: Task, progress: Progress | None) -> RunRecord:
    """Segment one sequence, write its masks, and return its record without scores.

    Masks take the place of older ones together, and first of all the older record goes.
    """
    sequence, folder = task.sequence, task.masks / task.sequence.name
    part = folder.with_name(f".{folder.name}{UNFINISHED}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    outputs = set(sequence.output_frames)

    def write(index: int, mask: np.ndarray) -> None:
        if index in outputs:
            write_labels(part / f"{sequence.frames[index].name}.png", mask)
        if progress is not None:
            progress(task.policy.label, sequence.name, index + 1, len(sequence.frames))

    record = plan.blank_record(task)
    try:
        if isinstance(task.what, PolicySpec):
            record = _measure(plan, task, record, write)
        else:
            for index, mask in enumerate(task.what(sequence)):
                write(index, mask)
        task.record.unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        if record.failure:
            return record
        part.rename(folder)
        return replace(record, masks=masks_hash(task.masks, sequence))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _measure(plan: Plan, task: Task, record: RunRecord, write: Callable[[int, np.ndarray], None]) -> RunRecord:
    """Segment a sequence with the model, and put into the record what it cost, or why and where it failed."""
    on_gpu = plan.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(plan.device)
    timings: list[FrameTiming] = []
    reason, pace = None, Pace(plan.device)
    started = time.perf_counter()
    try:
        for prediction in pace.beside(_predict(plan, task, task.sequence)):
            write(prediction.frame_index, prediction.mask)
            timings.append(prediction.timing)
    except (PolicyError, NotANumberError, RuntimeError, MemoryError) as error:
        if (reason := _failure_of_strategy(error)) is None:
            raise
    seconds = time.perf_counter() - started
    bank_bytes = max((t.memory_bytes for t in timings), default=0)
    device_bytes = torch.cuda.max_memory_allocated(plan.device) if on_gpu else None
    if reason is not None:
        if on_gpu:
            torch.cuda.empty_cache()
        return replace(record, failure=Failure(reason, len(timings), bank_bytes, device_bytes))
    tokens = tuple(t.tokens for t in timings)
    memory = Memory(tokens, timings[0].tokens_per_frame, bank_bytes, device_bytes)
    return replace(record, timings=(_timing(timings, pace, seconds),), memory=memory)


def _failure_of_strategy(error: Exception) -> str | None:
    """Why a strategy failed, in one line, if it was for want of memory, a breach of its contract, or NaN."""
    if isinstance(error, NotANumberError):
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
