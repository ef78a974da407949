"""What else the scores of single frames tell about objects. None of it is part of a protocol's result."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosbench.base.text import read_text
from vosbench.errors import VosbenchError
from vosbench.metrics.statistics import ObjectScore, ObjectTrace, mean, recall


def j_and_f(trace: ObjectTrace, frames: np.ndarray | slice = slice(None)) -> float:
    """Mean of J and F, or of J where there is no F, over a choice of the trace's frames; NaN if it chooses none."""
    j, f = trace.j[frames], trace.f[frames]
    means = [float(np.mean(series)) for series in (j, f) if len(j) and not np.isnan(series).any()]
    return sum(means) / len(means) if means else float("nan")


def last_quarter(trace: ObjectTrace) -> slice:
    """The last quarter of the scored frames, rounded up: where a long video has drifted to."""
    return slice(len(trace.frames) - -(-len(trace.frames) // 4), None)


def after_reappearance(trace: ObjectTrace) -> np.ndarray:
    """bool [frames]: those that show the object again after one, between them, that did not.

    J&F over them is how well the object is found again.

    >>> pixels = np.array([[0, n, 0] for n in (0, 1, 0, 1, 1, 0)])
    >>> trace = ObjectTrace("a", 1, tuple("012345"), *np.ones((2, 6)), pixels)
    >>> np.flatnonzero(after_reappearance(trace)).tolist()
    [3, 4]
    """
    appeared = np.logical_or.accumulate(trace.visible)
    gone = np.logical_or.accumulate(appeared & ~trace.visible)
    return trace.visible & gone


def _recall_of_f(trace: ObjectTrace, threshold: float) -> float:
    return float("nan") if np.isnan(trace.f).any() else recall(trace.f, threshold)


THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Analysis:
    """Means over objects.

    after_reappearance: J&F of the frames after a disappearance, over the objects that have such frames (NaN: none),
        which are `reappearing` in number.
    last_quarter: J&F of the last quarter of an object's frames.
    recall: threshold -> share of the frames whose J, and whose F, is strictly above it.
    """

    after_reappearance: float
    reappearing: int
    last_quarter: float
    recall: Mapping[float, tuple[float, float]]


def analyse(traces: Sequence[ObjectTrace], thresholds: Iterable[float] = THRESHOLDS) -> Analysis:
    """The analysis of at least one object."""
    found_again = [j_and_f(t, frames) for t in traces if (frames := after_reappearance(t)).any()]
    recalls = {
        threshold: (mean(recall(t.j, threshold) for t in traces), mean(_recall_of_f(t, threshold) for t in traces))
        for threshold in thresholds
    }
    return Analysis(mean(found_again), len(found_again), mean(j_and_f(t, last_quarter(t)) for t in traces), recalls)


def seen_unseen(
    objects: Iterable[ObjectScore], categories: Mapping[tuple[str, int], str], seen: Collection[str]
) -> dict[str, float]:
    """`j_seen`, `f_seen`, `j_unseen` and `f_unseen`, mean J and F over the objects of categories that training had (by
    (sequence, object id), those in `seen`) and had not, NaN without such objects; `overall`, the mean of the four, is
    the headline of YouTube-VOS.

    Source: Xu et al., arXiv 1809.03327. Raises VosbenchError for an object without a category.
    """
    groups: dict[str, list[ObjectScore]] = {"seen": [], "unseen": []}
    for score in objects:
        if (score.sequence, score.object_id) not in categories:
            hint = "complete the data set's meta.json"
            raise VosbenchError(f"object {score.object_id} of {score.sequence} has no category", hint)
        groups["seen" if categories[score.sequence, score.object_id] in seen else "unseen"].append(score)
    told = {f"{m}_{g}": mean(part.mean for o in groups[g] if (part := getattr(o, m))) for g in groups for m in "jf"}
    return told | {"overall": (told["j_seen"] + told["f_seen"] + told["j_unseen"] + told["f_unseen"]) / 4}


def train_categories(meta: Path) -> frozenset[str]:
    """The categories in a `meta.json` of YouTube-VOS, such as that of train. Raises VosbenchError for another file."""
    try:
        videos = json.loads(read_text(meta, "give the file of the train split"))["videos"]
        return frozenset(entry["category"] for video in videos.values() for entry in video["objects"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VosbenchError(
            f"{meta} is not the meta.json of a YouTube-VOS train split, which gives every object a category",
            "give the file of the train split: {videos: {<video>: {objects: {<id>: {category: …}}}}}",
        ) from None
