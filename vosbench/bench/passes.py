"""Once through a sequence: several strategies together, one alone and timed, or a control.

Masks come to lie on disk, and each task has its record without scores. Masks take the place of older ones when the last
is written, and first of all the older record goes.
"""

import gc
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vosbench.bench.folder import forget, masks_hash, unfinished
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import Failure, Memory, RunRecord, Timing
from vosbench.errors import MissingTruthError, NotANumberError, PolicyError, SequenceError, VosbenchError
from vosbench.images import write_labels
from vosbench.inference.controls import Control
from vosbench.inference.output import Prediction
from vosbench.inference.pace import Pace
from vosbench.inference.propagate import propagate_together
from vosbench.inference.timing import FrameTiming
from vosbench.memory.bank import MemoryBank
from vosbench.memory.blame import gpu_failed, out_of_memory
from vosbench.memory.frame import FrameTokens
from vosbench.memory.policy import MemoryPolicy, Step, VideoInfo
from vosbench.memory.spec import PolicySpec
from vosbench.memory.trace import MemoryWatch
from vosbench.models.graphs import NEVER, capture_after
from vosbench.video import Sequence as Video

WARMUP_FRAMES = 3
AHEAD = 4  # masks of a strategy that may wait to be written
Progress = Callable[[str, str, int, int], None] | None  # told strategy, sequence, frames done, and in all; or nobody is
Recorded = tuple[Task, RunRecord]  # the record as far as it is known
Frames = Iterable[dict[int, Prediction | Exception]]  # what each strategy, by its place, makes of each frame


def together(plan: Plan, tasks: Sequence[Task], video: Video, progress: Progress) -> Iterator[Recorded]:
    """Strategies through a sequence together, untimed. Those for which memory did not suffice go again, without those
    for which it did; alone, if it sufficed for none.

    Raises SequenceError, as the others do, for a frame or a first mask that cannot be used.
    """
    with _passes(plan, tasks, video, progress) as passes:
        _carry(passes, predictions(plan, strategies(tasks), video))
        crowded = [one.task for one in passes if one.exhausted and len(tasks) > 1]
        for one in passes:
            if one.task not in crowded:
                yield one.task, one.finish(together=len(tasks))
    for again in [crowded] if 0 < len(crowded) < len(tasks) else [[task] for task in crowded]:
        yield from together(plan, again, video, progress)


def alone(plan: Plan, task: Task, video: Video, progress: Progress) -> RunRecord:
    """One strategy through a sequence, timed."""
    pace = Pace(plan.device)
    with _passes(plan, [task], video, progress) as (one,):
        if plan.device.type == "cuda":
            warm_up(plan, video)  # again: graphs may have been dropped for others, or for want of memory
            torch.cuda.reset_peak_memory_stats(plan.device)
        started = time.perf_counter()
        with capture_after(NEVER):  # but for those of the warm-up
            _carry([one], pace.beside(predictions(plan, strategies([task]), video, timed=True)))
        seconds = time.perf_counter() - started
        return one.finish(() if one.failure else (_timing(one.frames, pace, seconds),), device_peak(plan))


def controlled(plan: Plan, task: Task, control: Control, video: Video, progress: Progress) -> RunRecord:
    """A control through a sequence."""
    with _passes(plan, [task], video, progress) as (one,):
        try:
            for index, mask in enumerate(control(video)):
                one.write(index, partial(np.asarray, mask))
            one.settle()
        except SequenceError:
            raise
        except VosbenchError as error:
            raise SequenceError(error.message, error.hint) from None
        return one.finish()


@dataclass
class _WarmUp(MemoryPolicy):
    """Does all that a strategy may do: every frame is written, and takes the place of the one before."""

    def start(self, video: VideoInfo, bank: MemoryBank) -> None:
        super().start(video, bank)
        bank.bound(video.tokens_per_frame)

    def admit(self, step: Step) -> bool:  # noqa: ARG002
        return True

    def victims(self, count: int, incoming: FrameTokens) -> Tensor:  # noqa: ARG002
        return self.bank.lowest(self.bank.frame, count)


def warm_up(plan: Plan, video: Video) -> None:
    """Let the libraries choose their kernels, and the network capture graphs, for each number of objects, outside every
    clock. A failure will show itself again.
    """
    after = {first.frame_index + n for first in video.first_masks for n in range(WARMUP_FRAMES)}
    frames = sorted(after & {*range(len(video.frames))})
    first = tuple(replace(first, frame_index=frames.index(first.frame_index)) for first in video.first_masks)
    short = replace(video, frames=tuple(video.frames[i] for i in frames), first_masks=first, outputs=None)
    try:
        with capture_after(1):
            for _ in predictions(plan, [_WarmUp()], short):
                pass
    except SequenceError:
        pass


def device_peak(plan: Plan) -> int | None:
    """Most bytes of the GPU that the process took since the last reset; None on a CPU."""
    if plan.device.type != "cuda":
        return None
    return torch.cuda.max_memory_allocated(plan.device) + getattr(plan.model.graphs, "spare", 0)


class _Pass:
    """A task on its way through a sequence."""

    def __init__(self, plan: Plan, task: Task, video: Video, progress: Progress, writer: ThreadPoolExecutor) -> None:
        self.task, self.frames, self.failure, self.exhausted = task, list[FrameTiming](), "", False
        self._plan, self._video, self._progress = plan, video, progress
        self._outputs = set(video.output_frames)
        self._writer, self._writing = writer, deque[Future[None]]()  # masks on their way
        self._watch = MemoryWatch() if plan.suite.keep_memory_trace and isinstance(task.what, PolicySpec) else None
        self._folder = task.masks / task.name
        self._part = unfinished(task)
        self.clear()
        self._part.mkdir(parents=True)

    def clear(self) -> None:
        """Remove what is not finished."""
        wait(self._writing)
        shutil.rmtree(self._part, ignore_errors=True)

    def take(self, result: Prediction | Exception) -> None:
        """Note what came of the next frame. Raises an error for which the strategy is not to blame."""
        if isinstance(result, Exception):
            self.failure, self.exhausted = _failure_of_strategy(result), out_of_memory(result)
            return
        self.write(result.frame_index, result.late.read)
        if self._watch is not None and (bank := result.bank()) is not None:
            self._watch.look(bank, result.geometry)
        self.frames.append(result.timing)

    def write(self, index: int, read: Callable[[], np.ndarray]) -> None:
        """Have the mask of a frame written, if it is to have one; `read` gives it, uint8 [H,W], to the writing thread.

        Raises what went wrong with an earlier one.
        """
        if index in self._outputs:
            path = self._part / f"{self._video.frames[index].name}.png"
            self._writing.append(self._writer.submit(lambda: write_labels(path, read())))
        self.settle(AHEAD)
        if self._progress is not None and index + 1 < len(self._video.frames):  # of the last when its record is there
            self._progress(self.task.policy.label, self.task.name, index + 1, len(self._video.frames))

    def settle(self, ahead: int = 0) -> None:
        """Wait for the masks but for so many. Raises what went wrong with one."""
        while len(self._writing) > ahead and not self.failure:
            self._writing.popleft().result()

    def finish(self, timings: tuple[Timing, ...] = (), device_bytes: int | None = None, together: int = 1) -> RunRecord:
        """Put the masks in their place; the record without scores."""
        forget(self.task)
        record = replace(self._plan.blank_record(self.task), together=together)
        bank_bytes = max((frame.memory_bytes for frame in self.frames), default=0)
        if self.failure:
            failure = Failure(self.failure, len(self.frames), bank_bytes, device_bytes)
            return replace(record, unscored=None, failure=failure)
        self._part.rename(self._folder)
        if self._watch is not None:
            self._watch.trace().write(self.task.trace)
        memory = None
        if self.frames:
            tokens = tuple(frame.tokens for frame in self.frames)
            memory = Memory(tokens, self.frames[0].tokens_per_frame, bank_bytes, device_bytes)
        return replace(record, timings=timings, memory=memory, masks=masks_hash(self.task.masks, self._video))


@contextmanager
def _passes(plan: Plan, tasks: Sequence[Task], video: Video, progress: Progress) -> Iterator[list[_Pass]]:
    with ThreadPoolExecutor(1, thread_name_prefix="vosbench-writer") as writer:
        passes = [_Pass(plan, task, video, progress, writer) for task in tasks]
        try:
            yield passes
        finally:
            for one in passes:
                one.clear()
            if any(one.failure for one in passes):
                gc.collect()  # an error knows all that there was, and is known by it: nothing was freed yet
                torch.cuda.empty_cache()


def strategies(tasks: Sequence[Task]) -> list[MemoryPolicy]:
    """Those of tasks that have one."""
    return [task.what.build() for task in tasks if isinstance(task.what, PolicySpec)]


def predictions(plan: Plan, policies: Sequence[MemoryPolicy], video: Video, timed: bool = False) -> Frames:
    """What strategies make of each frame, together; with the times of its stages, if it is `timed`."""
    side, truth = plan.suite.shorter_side, plan.truths.get(video.name)
    options: dict[str, Any] = {"top_k": plan.top_k, "shorter_side": side, "memory_limit": plan.suite.memory_limit}
    return propagate_together(plan.model, video, policies, truth=truth, timed=timed, **options)


def _carry(passes: Sequence[_Pass], frames: Frames) -> None:
    for frame in frames:
        while frame:  # nothing that was predicted is kept while the next frame needs room
            passes[(predicted := frame.popitem())[0]].take(predicted[1])
            del predicted
    for one in passes:
        one.settle()


def _failure_of_strategy(error: Exception) -> str:
    """Why a strategy failed, in one line: for want of memory or true masks, by a breach of its contract, or NaN; an
    error of another kind is raised.
    """
    if isinstance(error, NotANumberError | MissingTruthError):
        return error.message
    if isinstance(error, PolicyError):
        return f"broke its contract: {error.message}"
    text = " ".join(str(error).split())
    if gpu_failed(error):
        raise VosbenchError(f"the GPU failed: {text[:200]}", "run again: what is finished is kept") from error
    if not out_of_memory(error):
        raise error
    return f"out of memory: {text[:200]}".removesuffix(": ")


def _timing(frames: Sequence[FrameTiming], pace: Pace, end_to_end: float) -> Timing:
    stages = {name: sum(frame.stages[name] for frame in frames) for name in frames[0].stages}
    seconds = sum(stages.values()), end_to_end - pace.seconds
    latency, objects = tuple(1000 * frame.seconds for frame in frames), tuple(frame.objects for frame in frames)
    return Timing(*seconds, stages, latency, objects, WARMUP_FRAMES, tuple(pace.cpu_ms), tuple(pace.reference_ms))
