"""The moments to look at first: where strategies differ most, and where all of them fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vosbench.report.pages.series import ObjectSeries

MOST = 12  # of each kind
FAILS = 0.5  # J&F below which a strategy fails


@dataclass(frozen=True)
class Moment:
    """An object in a frame, its index in the video or, unless `in_video`, among scored ones; best and worst J&F, 0 to
    1.
    """

    sequence: str
    object_id: int
    frame: int
    in_video: bool
    best: str
    worst: str
    highest: float
    lowest: float

    @property
    def key(self) -> tuple[str, int, int]:
        """Where it is."""
        return self.sequence, self.object_id, self.frame

    @property
    def gap(self) -> float:
        """How far the best is above the worst."""
        return self.highest - self.lowest


def moments_of(sequence: str, series: Sequence[ObjectSeries], labels: Sequence[str]) -> tuple[list[Moment], ...]:
    """Of each object the frame where strategies `labels` differ most, and that where the best is lowest if it fails."""
    differing, failing = [], []
    for one in series:
        known = [label for label in labels if label in one.j]
        if not known or not one.count:
            continue
        values = np.nan_to_num(np.stack([one.jf(label) for label in known]))  # [strategies,frames]
        gaps, heights = values.max(0) - values.min(0), values.max(0)
        if heights.min() < FAILS:
            failing.append(_moment(sequence, one, known, values, int(heights.argmin())))
        if gaps.max() > 0:
            differing.append(_moment(sequence, one, known, values, int(gaps.argmax())))
    return differing, failing


def chosen(found: Mapping[str, tuple[list[Moment], ...]]) -> tuple[list[Moment], list[Moment]]:
    """Of the moments of all sequences those where strategies differ most, and those where the best is lowest."""
    differing, failing = ([moment for kinds in found.values() for moment in kinds[kind]] for kind in (0, 1))
    return (
        sorted(differing, key=lambda moment: -moment.gap)[:MOST],
        sorted(failing, key=lambda moment: moment.highest)[:MOST],
    )


def _moment(sequence: str, one: ObjectSeries, labels: Sequence[str], values: np.ndarray, place: int) -> Moment:
    column = values[:, place]
    best, worst = int(column.argmax()), int(column.argmin())
    where = sequence, one.object_id, one.places[place], one.frames is not None
    return Moment(*where, labels[best], labels[worst], float(column[best]), float(column[worst]))
