"""Mean, recall and decay of a series of per-frame scores, per object and pooled over objects.

Source: Perazzi et al., CVPR 2016, section 4, as the DAVIS 2017 evaluator computes them.
"""

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """Of a per-frame score, 0 to 1: its mean, the share of frames above 0.5, and how much is lost over time.

    NaN where the protocol defines none. Raises ValueError for a number that cannot be one of these.
    """

    mean: float
    recall: float
    decay: float

    def __post_init__(self) -> None:
        for name, low in (("mean", 0), ("recall", 0), ("decay", -1)):
            value = getattr(self, name)
            if not (math.isnan(value) or low <= value <= 1):
                raise ValueError(f"{name} must lie between {low} and 1, not {value}")


@dataclass(frozen=True)
class ObjectTrace:
    """J and F of one object in each of its scored frames: float64 [len(frames)], 0 to 1. F is NaN where there is none.

    pixels: the number of pixels in the predicted mask, in the true one and in both, int64 [len(frames), 3].
    extra: what else the protocol measures in a frame, by name, as J and F.
    unseen: whether the object is of no category of the training split; None where the data set does not say.
    predicted: whether there are masks of its sequence; all scores are 0 where there are none.
    """

    sequence: str
    object_id: int
    frames: tuple[str, ...]
    j: np.ndarray
    f: np.ndarray
    pixels: np.ndarray
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    unseen: bool | None = None
    predicted: bool = True

    @property
    def visible(self) -> np.ndarray:
        """Whether the true mask has a pixel: bool [len(frames)]."""
        return self.pixels[:, 1] > 0


@dataclass(frozen=True)
class ObjectScore:
    """The statistics of one object over its scored frames; `f` is None under a protocol without F.

    `own` is what else the protocol tells of an object (`Figures`).
    """

    sequence: str
    object_id: int
    j: Statistics
    f: Statistics | None
    frames: int
    own: Mapping[str, float] = field(default_factory=dict)


class Scored(Protocol):
    """The score of an object, from a folder of masks or from a record: J and F, or J alone, and what else is told."""

    @property
    def j(self) -> Statistics: ...
    @property
    def f(self) -> Statistics | None: ...
    @property
    def own(self) -> Mapping[str, float]: ...


def j_and_f(score: Scored) -> float:
    """J&F, the mean of the means of J and F; that of J where there is no F."""
    return score.j.mean if score.f is None else (score.j.mean + score.f.mean) / 2


def recall(scores: np.ndarray, threshold: float = 0.5) -> float:
    """Share of the frames whose score is strictly above `threshold`.

    >>> recall(np.array([0.5, 0.6]))
    0.5
    """
    return float(np.mean(scores > threshold))


def decay(scores: np.ndarray) -> float:
    """Mean of the first quarter of the frames minus mean of the last; neighbouring quarters share a frame.

    >>> decay(np.array([1.0, 1.0, 0.5, 0.5, 0.5]))
    0.5
    """
    edges = _quarter_edges(len(scores))
    return float(np.mean(scores[: edges[1] + 1]) - np.mean(scores[edges[3] :]))


def decay_official(scores: np.ndarray) -> float:
    """`decay` as the DAVIS 2017 evaluator publishes it, which keeps the edges of the quarters in 8 bits.

    Equal to `decay` up to 256 frames; beyond that it compares the wrong frames, or is NaN where none are left.
    """
    edges = _quarter_edges(len(scores)) % 256
    first, last = scores[edges[0] : edges[1] + 1], scores[edges[3] : edges[4] + 1]
    return float(np.mean(first) - np.mean(last)) if len(first) and len(last) else float("nan")


def _quarter_edges(frames: int) -> np.ndarray:
    """The first frame of each quarter and the last of all, int64 [5]."""
    edges = np.round(np.linspace(1, frames, 5) + 1e-10) - 1  # the small term rounds halves up
    return edges.astype(np.int64)


def statistics(scores: np.ndarray, official_decay: bool = False) -> Statistics:
    """The statistics of the scores of one object's frames."""
    lost = decay_official(scores) if official_decay else decay(scores)
    return Statistics(float(np.mean(scores)), recall(scores), lost)


def object_score(trace: ObjectTrace, official_decay: bool = False) -> ObjectScore:
    """The statistics of a trace. Warns where the published decay is asked for and differs from the defined one."""

    def found(scores: np.ndarray) -> Statistics:
        told = statistics(scores, official_decay)
        if official_decay and told.decay != decay(scores):
            warnings.warn(
                f"{trace.sequence}, object {trace.object_id}: over {len(scores)} frames the published decay is "
                f"{told.decay:.3f}, the defined one {decay(scores):.3f}",
                stacklevel=4,
            )
        return told

    f = None if np.isnan(trace.f).all() else found(trace.f)
    return ObjectScore(trace.sequence, trace.object_id, found(trace.j), f, frames=len(trace.frames))


def mean(values: Iterable[float]) -> float:
    """The exactly rounded mean, the same in any order and on any machine; NaN if there are none, or one is NaN.

    >>> mean([0.1] * 10)
    0.1
    """
    values = list(values)
    return math.fsum(values) / len(values) if values else math.nan
