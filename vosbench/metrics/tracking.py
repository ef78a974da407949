"""How an object was lost: the measures of VOTS, over the frames that a protocol scores. None is part of its result.

A frame in which the object is visible is tracked (IoU above 0), drifted (something else is predicted) or missed
(nothing is predicted); one in which it is absent is rejected (nothing is predicted) or hallucinated.

Source: Kristan et al., VOTS2023; github.com/votchallenge/toolkit. There every frame but the first counts (`vots`).
"""

from collections.abc import Iterable, Mapping

import numpy as np

from vosbench.metrics.statistics import ObjectTrace, mean

MEASURES = ("quality", "accuracy", "robustness", "not_reported", "drift", "absence")
KINDS = ("tracked", "drifted", "missed", "hallucinated", "rejected")  # of frames
LEAST_ABSENT = 11  # frames without the object, from which on there is a measure of them


def tracking(trace: ObjectTrace) -> dict[str, float]:
    """Of one object `MEASURES`, 0 to 1, without those that it has not, and the number of frames of each kind.

    quality (Q): mean IoU, 1 where both masks are empty.
    accuracy: mean IoU over the tracked frames; 0 if there are none.
    robustness, not_reported (NRE), drift (DRE): the shares of tracked, missed and drifted in the frames in which it is
        visible, if there are any.
    absence (ADQ): the share of rejected in the frames in which it is absent, if these are more than ten.
    """
    predicted, true, both = trace.pixels[[name != "" for name in trace.frames]].T  # without a name, none was looked at
    union = predicted + true - both
    iou = np.divide(both, union, out=np.ones(len(both)), where=union > 0)
    visible, tracked = true > 0, both > 0
    missed = visible & (predicted == 0)
    frames = (tracked, visible & ~tracked & ~missed, missed, ~visible & (predicted > 0), ~visible & (predicted == 0))
    counts = {kind: int(np.count_nonzero(those)) for kind, those in zip(KINDS, frames, strict=True)}
    told = {"accuracy": float(np.mean(iou[tracked])) if tracked.any() else 0.0}
    if len(iou):
        told["quality"] = float(np.mean(iou))
    if seen := int(np.count_nonzero(visible)):
        shares = {"robustness": "tracked", "not_reported": "missed", "drift": "drifted"}
        told |= {measure: counts[kind] / seen for measure, kind in shares.items()}
    if (absent := counts["rejected"] + counts["hallucinated"]) >= LEAST_ABSENT:
        told["absence"] = counts["rejected"] / absent
    return {measure: told[measure] for measure in MEASURES if measure in told} | counts


def pooled(objects: Iterable[tuple[str, Mapping[str, float]]]) -> dict[str, float]:
    """`MEASURES` of a data set from (sequence, `tracking`) of its objects: means over the objects of a sequence that
    have the measure, then over the sequences that have one, each alike; NaN where none has.
    """
    found: dict[str, dict[str, list[float]]] = {measure: {} for measure in MEASURES}
    for sequence, told in objects:
        for measure in told.keys() & found.keys():
            found[measure].setdefault(sequence, []).append(told[measure])
    return {measure: mean(map(mean, sequences.values())) for measure, sequences in found.items()}
