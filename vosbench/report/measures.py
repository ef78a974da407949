"""What a strategy reached and what it cost, over any set of its records: the figures that tables and plots share.

J and F are means over the objects of all sequences together, each object counting once whatever its length, as the
DAVIS evaluator pools them. A figure that is not defined for one object (NaN) is not defined for the mean either.
Speed is total frames / total time, never a mean of FPS; frames in memory is the mean over all frames, and its peak.
A strategy that failed on a sequence has no figures over several sequences, since they would not be over the same data;
it keeps its peaks in bytes.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from math import fsum
from typing import Any

import numpy as np

from vosbench.bench.record import RunRecord, Timing
from vosbench.errors import VosbenchError
from vosbench.metrics.figures import MEANS, STATISTICS, Figures
from vosbench.metrics.protocols import Protocol, find_protocol
from vosbench.metrics.statistics import Scored, mean
from vosbench.report.context import Records, by_strategy
from vosbench.report.makers import NotApplicableError
from vosbench.report.table import HEADLINE, NAME, Column, Row, percent


def name_and_kind(row: Row) -> str:
    """The strategy of a row, and in brackets what it is, unless it competes: `first-mask (control)`."""
    return row["strategy"] if row.get("kind", "strategy") == "strategy" else f"{row['strategy']} ({row['kind']})"


STRATEGY = (Column("strategy", cell=name_and_kind, leaves=NAME), Column("kind", printed=False))
JF = percent("jf", "J&F", "higher", HEADLINE)
SCORES = (
    *(
        percent(f"{m}_{name}", f"{m.upper()}\n{name}", "lower" if name == "decay" else "higher", leaves)
        for m in "jf"
        for name, leaves in zip(STATISTICS, (0, 2, 1), strict=True)
    ),
    JF,
)
MODEL_FPS = Column("model_fps", "model\nFPS", 2, better="higher")
TRACKING = (
    percent("quality", "Q", "higher", HEADLINE),
    percent("accuracy", "accuracy", "higher"),
    percent("robustness", "robust-\nness", "higher"),
    percent("not_reported", "not\nreported", "lower"),
    percent("drift", "drift", "lower"),
    percent("absence", "absence\nquality", "higher"),
)
END_TO_END_FPS = Column("end_to_end_fps", "end-to-end\nFPS", 2, better="higher", leaves=5)
FRAMES_IN_MEMORY = Column("frames_in_memory", "frames in\nmemory", 1, better="lower")
FRAMES_IN_MEMORY_PEAK = Column("frames_in_memory_peak", "peak\nframes", 1, better="lower", leaves=4)
COSTS = (
    MODEL_FPS,
    END_TO_END_FPS,
    FRAMES_IN_MEMORY,
    FRAMES_IN_MEMORY_PEAK,
    Column("bank_bytes_peak", "bank\nMB", 1, 1e-6, better="lower", leaves=6),
    Column("device_bytes_peak", "device\nMB", 1, 1e-6, better="lower", leaves=7),
)


def figures_of(records: Records) -> Figures:
    """What the protocol of records tells; the means alone where it is not known any more."""
    protocol = protocol_of(records)
    return protocol.figures if protocol else MEANS


def protocol_of(records: Records) -> Protocol | None:
    """The protocol by which records are scored; None if none is, or if its file is gone."""
    for record in records:
        if record.scores:
            name = record.scores.protocol.partition("/")[0]
            for known_as in (name, record.suite.get("protocol")):
                with suppress(VosbenchError):
                    if known_as and (protocol := find_protocol(known_as)).name == name:
                        return protocol
            break
    return None


def accuracy(objects: Iterable[Scored]) -> str:
    """What the accuracy of these objects is called: J&F, or J under a protocol without F."""
    f = [score.f for score in objects]
    return "J&F" if not f or any(one is not None for one in f) else "J"


def accuracy_of(records: Records) -> str:
    """What the accuracy of records is called, see `accuracy`."""
    return accuracy(score for record in records for score in record.objects)


def called(columns: Sequence[Column], name: str) -> tuple[Column, ...]:
    """`columns` whose headings call the accuracy by this name."""
    return tuple(replace(c, heading=c.title.replace("J&F", name)) if "J&F" in c.title else c for c in columns)


def with_own(columns: Sequence[Column], figures: Figures, objects: Iterable[Scored]) -> tuple[Column, ...]:
    """`columns` with a protocol's own, of these objects, after J&F, which is called J where there is no F."""
    objects = list(objects)
    columns = called(columns, accuracy(objects))
    there = [column.key for column in columns]
    told = {key: key for score in objects for key in score.own} | dict(figures.columns)
    own = [replace(percent(key, head or key), printed=bool(head)) for key, head in told.items() if key not in there]
    place = there.index(JF.key) + 1
    return (*columns[:place], *own, *columns[place:])


def of_protocol(columns: Sequence[Column], records: Records) -> tuple[Column, ...]:
    """`with_own` of the protocol and the objects of records."""
    objects = [score for record in records for score in record.objects]
    return with_own(columns, figures_of(records), objects)


def measures(records: Records) -> dict[str, Any]:
    """The columns `SCORES`, the protocol's own and `COSTS` over records of one strategy: 0 to 1, per second, bytes."""
    return figures_of(records).of_all(scored_objects(records)) | costs(records)


def costs(records: Records) -> dict[str, Any]:
    """The columns `COSTS`; NaN where nothing was measured."""
    peaks = [peak for record in records if (peak := record.memory or record.failure)]
    device = [peak.device_bytes_peak for peak in peaks if peak.device_bytes_peak is not None]
    complete = [] if any(record.failure for record in records) else records
    frames = [count for record in complete if record.memory for count in record.memory.frames]
    return {
        "model_fps": model_fps(complete),
        "end_to_end_fps": end_to_end_fps(complete),
        "frames_in_memory": mean(frames),
        "frames_in_memory_peak": max(frames, default=np.nan),
        "bank_bytes_peak": max((peak.bytes_peak for peak in peaks), default=None),
        "device_bytes_peak": max(device, default=None),
    }


def pooled_jf(records: Records) -> float:
    """J&F of the protocol over all objects of `records`, 0 to 1; J without F; NaN after a failure or without scores."""
    told = figures_of(records).of_all(scored_objects(records))
    return told.get("jf", told["j_mean"])


def scored_objects(records: Records) -> list[Scored]:
    """The scores of all objects; none if there is a failure."""
    if any(record.failure for record in records):
        return []
    return [score for record in records for score in record.objects]


def model_fps(records: Iterable[RunRecord]) -> float:
    """Frames / seconds in the model over all `records` that have a timing; NaN if none has."""
    timings = timings_of(records)
    return sum(t.frames for t in timings) / fsum(t.model_seconds for t in timings) if timings else np.nan


def end_to_end_fps(records: Iterable[RunRecord]) -> float:
    """Frames / seconds with reading and writing over all `records` that have a timing; NaN if none has."""
    timings = timings_of(records)
    return sum(t.frames for t in timings) / fsum(t.end_to_end_seconds for t in timings) if timings else np.nan


def timings_of(records: Iterable[RunRecord]) -> list[Timing]:
    """The timings that `records` have, every repetition."""
    return [timing for record in records for timing in record.timings]


def latency_ms(record: RunRecord) -> list[float]:
    """The milliseconds of each frame in the model, the median of the repetitions; none if it was not timed."""
    series = [timing.latency_ms for timing in record.timings]
    return np.median(series, axis=0).tolist() if series else []


def who(records: Records) -> dict[str, str]:
    """The columns `STRATEGY` of one strategy's records: its label, and its kind, or `failed` if one holds a failure."""
    policy = records[0].policy
    return {"strategy": policy.label, "kind": "failed" if any(record.failure for record in records) else policy.kind}


def timed(records: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """The records with a timing, by strategy, without strategies that failed. NotApplicableError if there are none."""
    groups = {label: [r for r in group if r.timings or r.failure] for label, group in by_strategy(records).items()}
    complete = {label: group for label, group in groups.items() if group and not any(r.failure for r in group)}
    if not complete:
        hint = "run a strategy, with --timing first or all; controls and scored folders have none"
        raise NotApplicableError("no record has a timing", hint)
    return complete
