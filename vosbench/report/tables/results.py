"""Tables of accuracy and cost as pure functions of records.

J and F are means over the objects of all sequences together, each object counting once whatever its length, as the
DAVIS evaluator pools them. A figure that is not defined for one object (NaN) is not defined for the mean either.
Speed is total frames / total time; frames in memory is the mean over all frames, and its peak. What failed on a
sequence has no figures over several, which would not be those of the same data, but for its peaks in bytes.
"""

from collections.abc import Iterable, Sequence
from math import fsum
from typing import Any

import numpy as np
import pandas as pd

from vosbench.bench.record import ObjectScore, RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.compare.significance import interval
from vosbench.report.context import by_strategy, context
from vosbench.report.tables.rendering import Table
from vosbench.report.tables.timing import end_to_end_fps, model_fps

_COVERS = (
    "The 95% interval of J&F covers which sequences the data set happens to hold; strategies share them, so that "
    "intervals overlap where paired differences (vosbench compare) may still be sure."
)


def leaderboard(records: Sequence[RunRecord]) -> Table:
    """One row per strategy, in the order of the run: J, F, J&F (0 to 1), speed, frames in memory, peak bytes.

    `jf_low` and `jf_high` are the 95% interval of J&F over which sequences were drawn (NaN for fewer than five).
    Controls have rows too, with their `kind`, and no costs; a row of what failed says on how many sequences. Raises
    VosbenchError as `context` does.
    """
    caption = context(records).caption
    rows = [
        {"strategy": spec, **_kind(group), **_failures(group), **figures(group)}
        for spec, group in by_strategy(records).items()
    ]
    frame = _whole_bytes(pd.DataFrame(rows))
    intervals = np.array([_interval(group) for group in by_strategy(records).values()])
    for name, bound in (("jf_high", intervals[:, 1]), ("jf_low", intervals[:, 0])):
        frame.insert(frame.columns.get_loc("jf") + 1, name, bound)
    if not np.isnan(intervals).all():
        caption += f" {_COVERS}"
    return Table(frame, caption)


def by_sequence(records: Sequence[RunRecord]) -> Table:
    """One row per sequence and strategy, the strategies of a sequence together, with the figures of `leaderboard`."""
    caption = context(records).caption
    rows = []
    for sequence in sorted({record.sequence for record in records}):
        for spec, group in by_strategy(r for r in records if r.sequence == sequence).items():
            rows.append({"sequence": sequence, "strategy": spec, **_kind(group), **figures(group)})
    return Table(_whole_bytes(pd.DataFrame(rows)), caption)


def by_object(records: Sequence[RunRecord]) -> Table:
    """One row per sequence, object and strategy, the strategies of an object together, with its J, F and J&F.

    Raises VosbenchError as `context` does, and if no record has scores.
    """
    caption = context(records).caption
    rows = []
    for position, (spec, group) in enumerate(by_strategy(records).items()):
        for record in group:
            for score in record.scores.objects if record.scores else ():
                row = {"sequence": record.sequence, "object": score.object_id, "strategy": spec, **_kind(group)}
                row |= {"scored_frames": score.frames, **_scores([score])}
                rows.append(((record.sequence, score.object_id, position), row))
    if not rows:
        raise VosbenchError("no record has scores", "score the run against a data set that has ground truth")
    return Table(pd.DataFrame([row for _, row in sorted(rows, key=lambda keyed: keyed[0])]), caption)


def pooled_jf(records: Iterable[RunRecord]) -> float:
    """J&F, 0 to 1: the mean of J and F, each the mean over the objects of all `records`; NaN if one has no scores
    because it failed, or none has.
    """
    return _scores(_objects(list(records)))["jf"]


def _whole_bytes(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with its bytes, and the number of failures, as integers that may be absent."""
    return frame.astype({name: "Int64" for name in frame.columns if "bytes" in name or name == "failed_sequences"})


def _kind(records: Sequence[RunRecord]) -> dict[str, str]:
    return {"kind": "failed" if any(record.failure for record in records) else records[0].policy.kind}


def _failures(records: Sequence[RunRecord]) -> dict[str, int]:
    """The number of sequences that failed, where there are any."""
    failed = sum(record.failure is not None for record in records)
    return {"failed_sequences": failed} if failed else {}


def figures(records: Sequence[RunRecord]) -> dict[str, float]:
    """The figures of a row over `records` of one strategy: scores from 0 to 1, frames per second, frames, bytes."""
    return _scores(_objects(records)) | _costs(records)


def _interval(records: Sequence[RunRecord]) -> tuple[float, float]:
    """The 95% interval of J&F; NaN if one failed."""
    if any(record.failure for record in records):
        return np.nan, np.nan
    scored = [(r.sequence, (o.j.mean + o.f.mean) / 2) for r in records if r.scores for o in r.scores.objects]
    return interval(np.array([jf for _, jf in scored]), np.array([name for name, _ in scored]))


def _objects(records: Sequence[RunRecord]) -> list[ObjectScore]:
    """The scores of all objects; none if there is a failure."""
    if any(record.failure for record in records):
        return []
    return [score for record in records if record.scores for score in record.scores.objects]


def _scores(objects: Sequence[ObjectScore]) -> dict[str, float]:
    """Means over `objects`; NaN if there are none, or if one of them is NaN."""
    figures = {
        f"{measure}_{statistic}": _mean(getattr(getattr(score, measure), statistic) for score in objects)
        for measure in "jf"
        for statistic in ("mean", "recall", "decay")
    }
    return figures | {"jf": (figures["j_mean"] + figures["f_mean"]) / 2}


def _costs(records: Sequence[RunRecord]) -> dict[str, float]:
    peaks = [peak for record in records if (peak := record.memory or record.failure)]
    device: list[Any] = [peak.device_bytes_peak for peak in peaks if peak.device_bytes_peak is not None]
    complete = [] if any(record.failure for record in records) else records
    frames = [count for record in complete if record.memory for count in record.memory.frames]
    return {
        "model_fps": model_fps(complete),
        "end_to_end_fps": end_to_end_fps(complete),
        "frames_in_memory": _mean(frames),
        "frames_in_memory_peak": max(frames, default=np.nan),
        "bank_bytes_peak": max((peak.bytes_peak for peak in peaks), default=np.nan),
        "device_bytes_peak": max(device, default=np.nan),
    }


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return fsum(values) / len(values) if values else np.nan  # sum() rounds otherwise from Python 3.12 on
