"""Carries out a suite: inference in this process, scoring in others beside it, one record per strategy and sequence.

A record is written when its masks are scored, and reused while what determines it is unchanged, so a run that was
stopped goes on where it was.
"""

import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.inference.propagate import FrameTiming, Prediction, propagate
from vosbench.memory.registry import PolicySpec
from vosbench.metrics.evaluate import object_scores, score_sequence
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.statistics import ObjectTrace
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
    pending: deque[_Scoring] = deque()
    workers = ProcessPoolExecutor(plan.suite.jobs, timeout=None)  # our own: joblib breaks on loky's common one
    try:
        first = next((task for task in todo if isinstance(task.what, PolicySpec)), None)
        if first is not None:
            _warm_up(plan, first)
        try:
            for task in todo:
                pending.append(_start_scoring(workers, plan, task, _infer(plan, task, progress)))
                while pending and pending[0].done():
                    pending.popleft().finish()
            while pending:
                pending.popleft().finish()
        except Exception:
            _keep(pending)
            raise
    except BrokenProcessPool as error:
        raise VosbenchError(
            f"a scoring process died: {str(error).splitlines()[0]}",
            "run again, with fewer --jobs if memory was short; what is finished is kept",
        ) from None
    except OSError as error:
        raise VosbenchError(
            f"cannot write {error.filename or plan.folder}: {error.strerror or error}",
            "free space or choose another --out; what is finished is kept",
        ) from None
    finally:
        for scoring in pending:
            scoring.cancel()
        workers.shutdown()
    return tuple(report.read_record(task.record) for task in plan.tasks)


def _keep(pending: deque["_Scoring"]) -> None:
    """After a fault: write the records of the sequences that it does not concern, which are segmented already."""
    while pending:
        with suppress(VosbenchError, OSError, BrokenProcessPool):
            pending.popleft().finish()


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


@dataclass(frozen=True)
class _Scoring:
    """A record whose scores are on their way."""

    task: Task
    record: report.RunRecord
    protocol: Protocol | None
    partial: bool
    future: Future[tuple[ObjectTrace, ...]] | None  # None: no ground truth

    def done(self) -> bool:
        return self.future is None or self.future.done()

    def cancel(self) -> None:
        if self.future is not None:
            self.future.cancel()

    def finish(self) -> None:
        """Wait for the scores and write the record."""
        record = self.record
        if self.future is not None and self.protocol is not None:
            traces = self.future.result()
            scores = object_scores(traces, self.protocol)
            objects = tuple(
                report.ObjectScore(
                    score.object_id,
                    score.frames,
                    report.Statistics(**asdict(score.j)),
                    report.Statistics(**asdict(score.f)),
                    tuple(trace.j.tolist()),
                    tuple(trace.f.tolist()),
                )
                for score, trace in zip(scores, traces, strict=True)
            )
            record = replace(record, scores=report.Scores(self.protocol.title, self.partial, objects))
        report.write_record(self.task.record, record)


def _start_scoring(workers: ProcessPoolExecutor, plan: Plan, task: Task, record: report.RunRecord) -> _Scoring:
    if plan.protocol is None:
        return _Scoring(task, record, None, plan.partial, None)
    future = workers.submit(score_sequence, plan.truths[task.sequence.name], task.masks, plan.protocol)
    return _Scoring(task, record, plan.protocol, plan.partial, future)
