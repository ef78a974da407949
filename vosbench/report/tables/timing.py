"""The cost of strategies: frames per second, milliseconds per stage, latency percentiles.

Speed over several sequences and repetitions is total frames / total time, never a mean of FPS.
"""

from collections.abc import Iterable, Sequence
from math import fsum

import numpy as np
import pandas as pd

from vosbench.bench.record import RunRecord, Timing
from vosbench.errors import VosbenchError
from vosbench.report.context import by_strategy, context
from vosbench.report.tables.rendering import Table

_MODEL_FPS = "Model FPS: frames / device-synchronised time in model, memory and strategy."
_END_TO_END_FPS = "End-to-end FPS: with reading and writing."


def model_fps(records: Iterable[RunRecord]) -> float:
    """Frames / seconds in the model over all `records` that have a timing; NaN if none has."""
    timings = timings_of(records)
    return sum(t.frames for t in timings) / fsum(t.model_seconds for t in timings) if timings else np.nan


def end_to_end_fps(records: Iterable[RunRecord]) -> float:
    """Frames / seconds with reading and writing over all `records` that have a timing; NaN if none has."""
    timings = timings_of(records)
    return sum(t.frames for t in timings) / fsum(t.end_to_end_seconds for t in timings) if timings else np.nan


def latency(records: Sequence[RunRecord]) -> Table:
    """Per strategy: speed, objects per frame and the percentiles of latency over all frames of all sequences and
    repetitions.

    Controls and strategies that failed on a sequence have no row. Raises VosbenchError as `context` does, and if no
    record has a timing.
    """
    common = context(records)
    rows = []
    for spec, group in _timed(records).items():
        timings = timings_of(group)
        p50, p95, p99 = np.percentile(np.concatenate([t.latency_ms for t in timings]), [50, 95, 99])
        rows.append(
            {
                "strategy": spec,
                "frames": sum(t.frames for t in timings),
                "objects_per_frame": np.concatenate([t.objects for t in timings]).mean(),
                "warmup_frames": sum(t.warmup_frames for t in timings),
                "model_fps": model_fps(group),
                "end_to_end_fps": end_to_end_fps(group),
                "p50_ms": p50,
                "p95_ms": p95,
                "p99_ms": p99,
            }
        )
    warmup = "Warm-up frames ran before the clock and count nowhere."
    return Table(pd.DataFrame(rows), f"{common.caption} {_MODEL_FPS} {_END_TO_END_FPS} {warmup}")


def stages(records: Sequence[RunRecord]) -> Table:
    """Per strategy and stage: mean milliseconds per frame, over all sequences, and share of the time in the model.

    The row `unaccounted` is what the stages leave of that time, if more than a thousandth. Stages keep the order of
    the records. Raises VosbenchError as `context` does, and if no record has a timing.
    """
    common = context(records)
    rows = []
    for spec, group in _timed(records).items():
        timings = timings_of(group)
        seconds: dict[str, float] = {}
        for timing in timings:
            for stage, value in timing.stages.items():
                seconds[stage] = seconds.get(stage, 0.0) + value
        total = fsum(t.model_seconds for t in timings)
        frames = sum(t.frames for t in timings)
        if total - fsum(seconds.values()) > total / 1000:
            seconds["unaccounted"] = total - fsum(seconds.values())
        rows += [(spec, stage, 1000 * value / frames, value / total) for stage, value in seconds.items()]
    frame = pd.DataFrame(rows, columns=["strategy", "stage", "ms_per_frame", "share"])
    return Table(frame, f"{common.caption} Mean milliseconds per frame and share of the time in the model.")


def timings_of(records: Iterable[RunRecord]) -> list[Timing]:
    """The timings that `records` have, every repetition."""
    return [timing for record in records for timing in record.timings]


def _timed(records: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """The records that have a timing, by strategy, without the strategies that failed on a sequence."""
    groups = by_strategy(record for record in records if record.timings or record.failure)
    complete = {spec: group for spec, group in groups.items() if not any(record.failure for record in group)}
    if not complete:
        raise VosbenchError("no record has a timing", "controls and scored folders have none: run a strategy")
    return complete
