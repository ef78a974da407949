"""The rules by which public benchmarks turn masks into J and F, as data: one frozen `Protocol` each.

Their edge cases differ, and with them the scores, so that every result names its protocol and version. A version
goes up whenever a change here changes a score.
"""

from dataclasses import dataclass
from typing import Literal

from vosbench.errors import unknown


@dataclass(frozen=True)
class Protocol:
    """How ground truth and predictions are read, and which frames of which objects count.

    dense: every frame of a video must be annotated; else those with ground truth are scored.
    objects: "first-frame": ids 1 to the highest of the first annotated frame, each in every scored frame.
        "seen": the ids of the ground truth, each from its first sight in truth or prediction on.
        "span": the ids of the ground truth, each from the frame after its first to the one before its last.
    skip_ends: the first and the last annotated frame are not scored.
    binary: every label above 0, in truth and prediction, is object 1.
    void: what the label 255 of the ground truth is: background, or an object like any other.
    extra_ids: what becomes of a predicted id that the ground truth does not have.
    never_true: what becomes of an object whose true mask is empty in every scored frame.
    official_decay: decay with the fault of the published code (`statistics.decay_official`).

    In all of them J and F are 1 where a scored object is empty in truth and prediction, recall counts scores
    above 0.5 strictly, data set scores are means over objects, and a missing frame or sequence is an error.
    """

    name: str
    version: int
    source: str
    objects: Literal["first-frame", "seen", "span"]
    dense: bool = False
    skip_ends: bool = True
    binary: bool = False
    void: Literal["background", "object"] = "background"
    extra_ids: Literal["error", "ignore"] = "error"
    never_true: Literal["score", "drop", "error"] = "score"
    official_decay: bool = False

    @property
    def title(self) -> str:
        """Name and version, as results carry it."""
        return f"{self.name}/{self.version}"


_DAVIS = "Pont-Tuset et al., The 2017 DAVIS Challenge; github.com/davisvideochallenge/davis2017-evaluation"

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("davis2017", 1, _DAVIS, objects="first-frame", dense=True),
        Protocol("davis2017-official", 1, _DAVIS, objects="first-frame", dense=True, official_decay=True),
        Protocol(
            "davis2016", 1, f"Perazzi et al., CVPR 2016; {_DAVIS}", objects="first-frame", dense=True, binary=True
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol called `name`. Raises VosbenchError with the near misses if there is none."""
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
