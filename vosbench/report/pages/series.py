"""J and F of a sequence, frame by frame, of every strategy; and which frames of the video these are."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np

from vosbench.bench.record import ObjectRecord, RunRecord
from vosbench.errors import VosbenchError
from vosbench.metrics.evaluate import score_sequence
from vosbench.report.measures import protocol_of
from vosbench.video import GroundTruth


@dataclass(frozen=True)
class ObjectSeries:
    """J and F, 0 to 1, of one object in its scored frames, by label of the strategy, float64 [N] each; `f` is empty
    under a protocol without F. `frames` are the indices of these frames in the video (None: not known).
    """

    object_id: int
    count: int
    j: Mapping[str, np.ndarray]
    f: Mapping[str, np.ndarray]
    frames: tuple[int, ...] | None = None

    @property
    def places(self) -> Sequence[int]:
        """Where the values stand: in the video, or else among the scored frames, from 0."""
        return range(self.count) if self.frames is None else self.frames

    def jf(self, label: str) -> np.ndarray:
        """The mean of J and F, or J where there is no F."""
        return (self.j[label] + self.f[label]) / 2 if label in self.f else self.j[label]


def series_of(
    records: Sequence[RunRecord], names: Sequence[str] = (), truth: GroundTruth | None = None
) -> tuple[ObjectSeries, ...]:
    """The series of each object of one sequence, of all records that have some.

    `names` are those of all frames of the video (none: not known). Older records do not tell which of them were scored:
    then the `truth` is scored against itself under their protocol.
    """
    scored: dict[int, dict[str, ObjectRecord]] = {}
    for record in records:
        for score in record.objects:
            if score.j_per_frame:
                scored.setdefault(score.object_id, {})[record.policy.label] = score
    index = {name: place for place, name in enumerate(names)}
    of_truth = cache(lambda: {} if truth is None else _frames(records, truth))
    found = []
    for object_id, by_label in sorted(scored.items()):
        count = max(score.frames for score in by_label.values())
        same = {label: score for label, score in by_label.items() if score.frames == count}
        told = next(iter(same.values())).frame_names
        where = tuple(index[name] for name in told if name in index)
        if not told:
            where = of_truth().get(object_id, ())
        j = {label: np.array(score.j_per_frame) for label, score in same.items()}
        f = {label: np.array(score.f_per_frame) for label, score in same.items() if score.f_per_frame}
        found.append(ObjectSeries(object_id, count, j, f, where if len(where) == count else None))
    return tuple(found)


def _frames(records: Sequence[RunRecord], truth: GroundTruth) -> dict[int, tuple[int, ...]]:
    """Object id -> indices of the frames that count for it; {} where the protocol or the masks cannot be read."""
    index = {name: place for place, name in enumerate(truth.frame_names)}
    with suppress(VosbenchError):
        protocol = protocol_of(records)
        traces = score_sequence(truth, truth.masks, protocol) if protocol else ()
        return {trace.object_id: tuple(index[name] for name in trace.frames) for trace in traces}
    return {}
