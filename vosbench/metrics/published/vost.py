"""VOST: objects that are transformed. J alone, over all scored frames and over the last quarter of them (J_tr)."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import ClassVar

from vosbench.metrics.figures import STATISTICS, Figures
from vosbench.metrics.measure import Measure
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.first_frame import FirstFrame
from vosbench.metrics.statistics import ObjectTrace, statistics


class RegionOnly(Measure):
    """J, and no F: what an object turns into has no outline that could be told to a few pixels."""

    has_f = False


class LastQuarter(Figures):
    """The statistics of J from the scored frame with the number 0.75 n, rounded down, on: after the transformation."""

    columns: ClassVar[Mapping[str, str]] = {f"j_last_{name}": f"J last\n{name}" for name in STATISTICS}

    def of_object(self, trace: ObjectTrace, protocol: Protocol) -> Mapping[str, float]:
        last = statistics(trace.j[3 * len(trace.j) // 4 :], protocol.official_decay)
        return {f"j_last_{name}": value for name, value in asdict(last).items()}


VOST = Protocol(
    "vost",
    1,
    "Tokmakov et al., CVPR 2023; github.com/TRI-ML/VOST",
    objects=FirstFrame(cut_extra=True),
    skip_first=True,
    skip_last=True,
    void="background",
    measure=RegionOnly(),
    figures=LastQuarter(),
)
VOST_OFFICIAL = replace(VOST, name="vost-official", official_decay=True)
