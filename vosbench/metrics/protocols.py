"""The rules by which public benchmarks turn masks into J and F, as data: one frozen `Protocol` each.

Their edge cases differ, and with them the scores, so that every result names its protocol and version. A version
goes up whenever a change here changes a score.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from vosbench.base.registry import Registry, the_one
from vosbench.errors import VosbenchError
from vosbench.metrics.boundary import THRESHOLD
from vosbench.metrics.figures import MEANS, Figures
from vosbench.metrics.measure import JF, Measure
from vosbench.metrics.rules.base import ObjectRule


@dataclass(frozen=True)
class Protocol:
    """How ground truth and predictions are read, and which frames of which objects count.

    objects: which objects there are, and in which of the scored frames each counts (`metrics.rules`).
    skip_first, skip_last: the first, and the last, annotated frame is not scored.
    dense: every frame of a video must be annotated; else those with ground truth are scored.
    binary: every label above 0, in truth and prediction, is object 1.
    void: what the label 255 of the ground truth is: background; ignored, its pixels count in neither mask; an object.
    boundary_threshold: the tolerance of F, see `boundary.tolerance`.
    official_decay: decay with the fault of the published code (`statistics.decay_official`).
    measure: what is measured of an object in a frame, if it is not J and F as in DAVIS.
    figures: what is told of objects beside mean, recall and decay of J and F.
    missing_is_zero: a sequence without predicted masks scores 0, and is no error.

    In all of them J and F are 1 where an object that counts is empty in truth and prediction, recall counts scores
    strictly above 0.5, and a missing frame is an error.
    """

    name: str
    version: int
    source: str
    objects: ObjectRule
    skip_first: bool = False
    skip_last: bool = False
    dense: bool = False
    binary: bool = False
    void: Literal["background", "ignored", "object"] = "object"
    official_decay: bool = False
    boundary_threshold: float = THRESHOLD
    measure: Measure = JF
    figures: Figures = MEANS
    missing_is_zero: bool = False

    @property
    def title(self) -> str:
        """Name and version, and whatever else changes scores, as results carry it."""
        own = "" if self.boundary_threshold == THRESHOLD else f":boundary_threshold={self.boundary_threshold}"
        return f"{self.name}/{self.version}{own}"

    @property
    def unscored(self) -> tuple[int, int]:
        """How many annotated frames at the start and at the end of a sequence count for no object."""
        return int(self.skip_first or self.objects.counts_from_second), int(self.skip_last)


SHIPPED = {
    "davis2017": "vosbench.metrics.published.davis:DAVIS_2017",
    "davis2017-official": "vosbench.metrics.published.davis:DAVIS_2017_OFFICIAL",
    "davis2016": "vosbench.metrics.published.davis:DAVIS_2016",
    "davis2017-unsupervised": "vosbench.metrics.published.davis:DAVIS_2017_UNSUPERVISED",
    "youtube-vos": "vosbench.metrics.published.youtube_vos:YOUTUBE_VOS",
    "vos-benchmark": "vosbench.metrics.published.vos_benchmark:VOS_BENCHMARK",
    "mosev2": "vosbench.metrics.published.mosev2:MOSE_V2",
    "sav": "vosbench.metrics.published.sav:SAV",
    "lvos": "vosbench.metrics.published.lvos:LVOS",
    "vost": "vosbench.metrics.published.vost:VOST",
    "vost-official": "vosbench.metrics.published.vost:VOST_OFFICIAL",
    "visor": "vosbench.metrics.published.visor:VISOR",
    "visor-official": "vosbench.metrics.published.visor:VISOR_OFFICIAL",
    "longvideo": "vosbench.metrics.published.longvideo:LONG_VIDEO",
    "vots": "vosbench.metrics.published.vots:VOTS",
    "folder": "vosbench.metrics.published.folder:FOLDER",
}


def _protocol(loaded: Any, origin: str) -> Protocol:
    """What was loaded as a protocol: a value, or a module that has one beside those that ship."""
    if isinstance(loaded, ModuleType):
        shipped = [PROTOCOLS.find(name) for name in SHIPPED]
        own = [value for value in vars(loaded).values() if isinstance(value, Protocol) and value not in shipped]
        loaded = the_one(own, loaded, "protocol")
    if not (isinstance(loaded, Protocol) and isinstance(loaded.objects, ObjectRule)):
        raise VosbenchError(f"{origin} is no protocol", "name a vosbench.metrics.protocols.Protocol with an ObjectRule")
    if loaded.name in SHIPPED and origin != SHIPPED[loaded.name]:
        raise VosbenchError(f"{origin} has the name of a published protocol, {loaded.name}", "give it one of its own")
    return loaded


PROTOCOLS: Registry[Protocol] = Registry("protocol", "vosbench.protocols", lambda: SHIPPED, _protocol)
find_protocol = PROTOCOLS.find
