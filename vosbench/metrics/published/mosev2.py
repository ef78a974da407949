"""MOSE v2: F by a tolerance of the object's own size, and how it is while an object is hidden, and found again."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from vosbench.metrics.figures import Figures
from vosbench.metrics.measure import MaskPair, Measure, PairScore
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.listed import Listed
from vosbench.metrics.statistics import ObjectTrace, Scored, mean


class OwnRadius(Measure):
    """J with one pixel added to intersection and union; F, and F by a tolerance of the object's size (F dot).

    That of a small object is a tenth of the root of its true area, rounded up. For a large one, and where there is
    none, both are F by the tolerance of the picture, not rounded: its disk is off centre, and F is not that of DAVIS.
    """

    extra = ("f_dot",)

    def reach(self, tolerance: float) -> int:
        return math.ceil(tolerance) + 1

    def score(self, masks: MaskPair, tolerance: float) -> PairScore:
        j = (masks.both + 1) / (masks.predicted + masks.true - masks.both + 1)
        own = math.ceil(0.1 * math.sqrt(masks.true))
        if 0 < own < tolerance:
            f, f_dot = masks.f(math.ceil(tolerance)), masks.f(own)
        else:
            f = f_dot = masks.f(tolerance)
        return PairScore(j, f, *masks.pixels, (f_dot,))


class Runs(Figures):
    """F dot, and J and F dot over the runs of frames in which an object is absent (d) or back (r).

    The truth cuts the scored frames into such runs. The first counts for neither; the others weigh alike, whatever
    their length. Each mean is over the objects that have such a run.
    """

    columns: ClassVar[Mapping[str, str]] = {
        "f_dot": "F dot",
        "jf_dot": "J&F dot",
        **{f"jf_dot_{kind}": f"J&F dot\n{kind}" for kind in "dr"},
        **{f"{measure}_{kind}": "" for kind in "dr" for measure in ("j", "f_dot")},
    }

    def of_object(self, trace: ObjectTrace, protocol: Protocol) -> Mapping[str, float]:  # noqa: ARG002
        j, f_dot = trace.j, trace.extra["f_dot"]
        told = {"f_dot": float(np.mean(f_dot)), "jf_dot": float(np.mean(j) + np.mean(f_dot)) / 2}
        edges = [0, *(np.flatnonzero(np.diff(trace.visible)) + 1), len(j)]
        runs = [slice(*ends) for ends in itertools.pairwise(edges)][1:] if trace.predicted else []
        for kind, present in (("d", False), ("r", True)):
            own = [run for run in runs if trace.visible[run.start] == present]
            if own:
                found = {name: mean(float(np.mean(s[run])) for run in own) for name, s in (("j", j), ("f_dot", f_dot))}
                told |= {f"{name}_{kind}": value for name, value in found.items()}
                told[f"jf_dot_{kind}"] = (found["j"] + found["f_dot"]) / 2
        return told

    def of_all(self, objects: Sequence[Scored]) -> dict[str, float]:
        return dict.fromkeys(self.columns, math.nan) | super().of_all(objects)


MOSE_V2 = Protocol(
    "mosev2",
    1,
    "Ding et al., arXiv 2508.05630; github.com/henghuiding/MOSE-api",
    objects=Listed(),
    skip_first=True,
    skip_last=True,
    dense=True,
    measure=OwnRadius(),
    figures=Runs(),
    missing_is_zero=True,
)
