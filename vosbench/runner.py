"""Carries out a suite: inference in this process, scoring in others beside it, one record per strategy and sequence.

A record is written when its masks are scored, and reused while what determines it is unchanged, so a run that was
stopped goes on where it was.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vosbench.background import BackgroundScoring
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.inference.propagate import FrameTiming, Prediction, propagate
from vosbench.memory.registry import PolicySpec
from vosbench.plan import Plan, Task
from vosbench.report import records as report
from vosbench.suite import Suite
from vosbench.types import Sequence

WARMUP_FRAMES = 3
Progress = Callable[[str, str, int, int], None]  # strategy, sequence, frames done, frames in all


def run(
    suite: Suite, folder: Path | None = None, progress: Progress | None = None, fresh: bool = False
) -> tuple[report.RunRecord, ...]:
    """Carry out `suite` in `folder` (None: one named after what determines its results) and return its records.

    What is finished already and still valid is not done again, unless `fresh`. Raises VosbenchError as `Plan`
    does, and if a frame or mask cannot be read, a file cannot be written, a strategy breaks its contract or a
    scoring process dies; finished records stay.
    """
    return execute(Plan(suite, folder), progress, fresh)


def execute(plan: Plan, progress: Progress | None = None, fresh: bool = False) -> tuple[report.RunRecord, ...]:
    """Carry out what is not done yet of a plan; see `run`."""
    todo = [task for task in plan.tasks if fresh or not _finished(task)]
    try:
        with BackgroundScoring(plan) as scoring:
            first = next((task for task in todo if isinstance(task.what, PolicySpec)), None)
            if first is not None:
                _warm_up(plan, first)
            for task in todo:
                scoring.add(task, _infer(plan, task, progress))
    except OSError as error:
        raise VosbenchError(
            f"cannot write {error.filename or plan.folder}: {error.strerror or error}",
            "free space or choose another --out; what is finished is kept",
        ) from None
    return tuple(report.read_record(task.record) for task in plan.tasks)


def _finished(task: Task) -> bool:
    """Whether there is a record of the task that still holds."""
    try:
        return report.read_record(task.record).identity == task.identity
    except VosbenchError:
        return False


def _warm_up(plan: Plan, task: Task) -> None:
    """Let the libraries choose their kernels on a few frames, outside every clock."""
    sequence = task.sequence
    count = sequence.first_masks[0].frame_index + WARMUP_FRAMES
    first = tuple(mask for mask in sequence.first_masks if mask.frame_index < count)
    for _ in _predict(plan, task, replace(sequence, frames=sequence.frames[:count], first_masks=first, outputs=None)):
        pass


def _predict(plan: Plan, task: Task, sequence: Sequence) -> Iterator[Prediction]:
    assert isinstance(task.what, PolicySpec)  # a control predicts nothing but masks
    suite = plan.suite
    return propagate(
        plan.model,
        sequence,
        task.what.build(),
        top_k=suite.top_k,
        metric=suite.affinity,
        shorter_side=suite.size,
        truth=plan.truths.get(sequence.name),
    )


def _infer(plan: Plan, task: Task, progress: Progress | None) -> report.RunRecord:
    """Segment one sequence, write its masks, and return its record without scores."""
    sequence, folder = task.sequence, task.masks / task.sequence.name
    task.record.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    outputs = set(sequence.output_frames)

    def write(index: int, mask: np.ndarray) -> None:
        if index in outputs:
            write_labels(folder / f"{sequence.frames[index].name}.png", mask)
        if progress is not None:
            progress(task.policy.spec, sequence.name, index + 1, len(sequence.frames))

    if not isinstance(task.what, PolicySpec):
        for index, mask in enumerate(task.what(sequence)):
            write(index, mask)
        return plan.blank_record(task)
    if plan.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(plan.device)
    timings: list[FrameTiming] = []
    started = time.perf_counter()
    for prediction in _predict(plan, task, sequence):
        write(prediction.frame_index, prediction.mask)
        timings.append(prediction.timing)
    timing = _timing(timings, time.perf_counter() - started)
    device_bytes = torch.cuda.max_memory_allocated(plan.device) if plan.device.type == "cuda" else None
    memory = report.Memory(
        tuple(t.tokens for t in timings),
        timings[0].tokens_per_frame,
        max(t.memory_bytes for t in timings),
        device_bytes,
    )
    return replace(plan.blank_record(task), timing=timing, memory=memory)


def _timing(frames: list[FrameTiming], end_to_end: float) -> report.Timing:
    stages = {name: sum(frame.stages[name] for frame in frames) for name in frames[0].stages}
    return report.Timing(
        sum(stages.values()),
        end_to_end,
        stages,
        tuple(1000 * frame.seconds for frame in frames),
        tuple(frame.objects for frame in frames),
        WARMUP_FRAMES,
    )
