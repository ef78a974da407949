"""LVOS v1 and v2: long videos. Seen and unseen videos weigh alike, and V tells how a score varies over time."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from vosbench.metrics.figures import Figures
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.span import Span
from vosbench.metrics.statistics import ObjectTrace, Scored, mean


class SeenUnseen(Figures):
    """V, and means of the means over seen and over unseen objects, wherever the data set says which are unseen.

    V of an object is the standard deviation of its J&F over time; its square is rounded to four decimals first, as in
    the published code. Where all objects are seen, or all unseen, the mean is over them alone; the published code
    then gives none.
    """

    columns: ClassVar[Mapping[str, str]] = {
        **{f"{m}_{group}": f"{m.upper()}\n{group}" for group in ("seen", "unseen") for m in "jf"},
        "v_mean": "V\nmean",
        "v_seen": "V\nseen",
        "v_unseen": "V\nunseen",
        "unseen": "",
    }

    def of_object(self, trace: ObjectTrace, protocol: Protocol) -> Mapping[str, float]:  # noqa: ARG002
        v = {"v_mean": math.sqrt(np.round(np.var((trace.j + trace.f) / 2), 4))}
        return v if trace.unseen is None else v | {"unseen": float(trace.unseen)}

    def groups(self, objects: Sequence[Scored]) -> list[Hashable]:
        told: list[Hashable] = [o.own.get("unseen") for o in objects]
        return told if any(unseen is not None for unseen in told) else super().groups(objects)

    def of_all(self, objects: Sequence[Scored]) -> dict[str, float]:
        told = super().of_all(objects)
        if not any("unseen" in o.own for o in objects):
            return told
        parts = [super(SeenUnseen, self).of_all([o for o in objects if o.own.get("unseen") == u]) for u in (0, 1)]
        for key in ("j", "f", "v"):
            both = [part.get(f"{key}_mean", math.nan) for part in parts]
            told |= {f"{key}_seen": both[0], f"{key}_unseen": both[1]}
            told[f"{key}_mean"] = mean(value for value in both if not math.isnan(value))
        return told | {"jf": (told["j_mean"] + told["f_mean"]) / 2}


LVOS = Protocol(
    "lvos",
    2,
    "Hong et al., ICCV 2023; github.com/LingyiHongfd/lvos-evaluation",
    objects=Span(),
    void="background",
    figures=SeenUnseen(),
)
