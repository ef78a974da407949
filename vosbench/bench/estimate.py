"""What a run will take, before it is started: counted, and measured on a few frames."""

import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vosbench.base.processes import useful
from vosbench.bench.passes import WARMUP_FRAMES, device_peak, predictions, strategies, warm_up
from vosbench.bench.plan import Plan, Task
from vosbench.bench.runner import to_do
from vosbench.images import write_labels
from vosbench.inference.threads import threads
from vosbench.memory.spec import PolicySpec
from vosbench.video import Sequence as Video

FRAMES = 8  # that are measured, after the warm-up
ALONE = 3  # strategies that are measured alone, for all
RECORD = 20_000  # bytes of a record, about


@dataclass(frozen=True)
class Estimate:
    """What is left to do of a run.

    units: sequences, which are what workers share; results: strategies and controls on each; finished: results there
    are. seconds: of the model, on `workers`, as many as are of use, scoring apart. memory_bytes: at most, in one
    process on its device. disk_bytes: of masks and records. measured: the sequence, or "" where no strategy is left to
    be measured. failing: label -> why the strategy fails on its first frames.
    """

    units: int
    results: int
    finished: int
    frames: int
    workers: int
    seconds: float
    memory_bytes: int
    disk_bytes: int
    measured: str
    failing: Mapping[str, str]


def estimate(plan: Plan, fresh: bool = False, workers: int = 1) -> Estimate:
    """Measure the strategies of a plan on the first frames of its first sequence, and count the rest by its frames.

    A strategy whose memory grows takes more in a long video than it is counted for. Where no strategy is left to do,
    nothing is measured. Raises VosbenchError if those frames cannot be segmented.
    """
    todo = to_do(plan, fresh)[0]
    run = [task for task in todo if isinstance(task.what, PolicySpec) and task.video]
    names = {task.name for task in todo}
    workers = useful(workers, len(todo), plan.device.type == "cuda")
    lengths = {name: len(video.frames) for name, video in plan.sequences.items()}
    frames = sum(lengths.get(name, 0) for name in names)
    known = (len(names), len(todo), len(plan.tasks) - len(todo), frames, workers)
    if not run:
        return Estimate(*known, seconds=0.0, memory_bytes=0, disk_bytes=len(todo) * RECORD, measured="", failing={})
    first = [task for task in run if task.name == run[0].name]
    with threads(plan.environment.threads):
        warm_up(plan, plan.sequences[first[0].name])
        together, mask_bytes, memory, failed = _measure(plan, first)
        for place in [place for place, error in failed.items() if isinstance(error, MemoryError) and len(first) > 1]:
            del failed[place]  # in a run it goes alone then
            if error := _measure(plan, [first[place]])[3].get(0):
                failed[place] = error
        alone = [_measure(plan, [task])[0] for task in first[:: -(-len(first) // ALONE)]]
    a_frame, a_frame_alone = together / len(first), sum(alone) / len(alone)
    timed = sum(lengths[task.name] for task in run if task.timed) * plan.suite.repeats * a_frame_alone
    untimed = sum(lengths[task.name] for task in run if not task.timed) * a_frame
    masks = sum(len(task.video.output_frames) for task in todo if task.video)
    return Estimate(
        *known,
        seconds=timed + untimed / min(workers, len(names)),
        memory_bytes=memory,
        disk_bytes=round(masks * mask_bytes) + len(todo) * RECORD,
        measured=first[0].name,
        failing={first[place].policy.label: str(error) for place, error in failed.items()},
    )


def _measure(plan: Plan, tasks: Sequence[Task]) -> tuple[float, float, int, dict[int, Exception]]:
    """Of strategies together: seconds a frame, bytes a mask, of memory as the longest video ends, errors by place."""
    longest = max(len(video.frames) for video in plan.sequences.values())
    video = _beginning(plan.sequences[tasks[0].name], WARMUP_FRAMES + FRAMES)
    sizes, banks, count = list[int](), dict[int, list[int]](), 0
    failed: dict[int, Exception] = {}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for frame in predictions(plan, strategies(tasks), video):
            for place, result in frame.items():
                if isinstance(result, Exception):
                    failed[place] = result
                    continue
                path = Path(folder) / f"{place}.png"
                write_labels(path, result.mask)
                sizes.append(path.stat().st_size)
                banks.setdefault(place, []).append(result.timing.memory_bytes)
            count += 1
    seconds = time.perf_counter() - started
    growth = sum((series[-1] - series[0]) / len(series) * (longest - len(series)) for series in banks.values())
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    peak = device_peak(plan) or resident
    return seconds / count, sum(sizes) / max(1, len(sizes)), round(peak + max(0.0, growth)), failed


def _beginning(video: Video, frames: int) -> Video:
    """The video up to so many frames after the first mask."""
    count = video.first_masks[0].frame_index + frames
    first = tuple(mask for mask in video.first_masks if mask.frame_index < count)
    return replace(video, frames=video.frames[:count], first_masks=first, outputs=None)
