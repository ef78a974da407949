"""The moments to look at first: where strategies differ most, and where all of them fail."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vosbench.report.pages.series import ObjectSeries

MOST = 12  # of each kind
FAILS = 0.5  # J&F below which a strategy fails


@dataclass(frozen=True)
class Moment:
    """An object in a frame, its index in the video or, unless `in_video`, among scored ones: where the best strategy is
    lowest if it `fails`, else where strategies differ most. Best and worst J&F, 0 to 1.
    """

    sequence: str
    object_id: int
    frame: int
    in_video: bool
    fails: bool
    best: str
    worst: str
    highest: float
    lowest: float

    @property
    def gap(self) -> float:
        """How far the best is above the worst."""
        return self.highest - self.lowest


def moments_of(sequence: str, series: Sequence[ObjectSeries], labels: Sequence[str]) -> list[Moment]:
    """Of each object the frame where strategies `labels` differ most, and that where the best is lowest if it fails."""
    moments = []
    for one in series:
        known = [label for label in labels if label in one.j]
        if not known or not one.count:
            continue
        values = np.nan_to_num(np.stack([one.jf(label) for label in known]))  # [strategies,frames]
        gaps, heights = np.ptp(values, axis=0), values.max(0)
        places = {False: int(gaps.argmax())} if gaps.max() > 0 else {}
        places |= {True: int(heights.argmin())} if heights.min() < FAILS else {}
        for fails, place in places.items():
            column, where = values[:, place], (sequence, one.object_id, one.places[place], one.frames is not None)
            best, worst = int(column.argmax()), int(column.argmin())
            moments.append(Moment(*where, fails, known[best], known[worst], float(column[best]), float(column[worst])))
    return moments


def chosen(moments: Sequence[Moment]) -> tuple[list[Moment], list[Moment]]:
    """Of the moments of all sequences those where strategies differ most, and those where the best is lowest."""
    differing = sorted((moment for moment in moments if not moment.fails), key=lambda moment: -moment.gap)
    failing = sorted((moment for moment in moments if moment.fails), key=lambda moment: moment.highest)
    return differing[:MOST], failing[:MOST]
