"""The rules by which public benchmarks turn masks into J and F, as data: one frozen `Protocol` each.

Their edge cases differ, and with them the scores, so that every result names its protocol and version. A version
goes up whenever a change here changes a score.
"""

from dataclasses import dataclass, replace
from typing import Literal

from vosbench.errors import unknown
from vosbench.metrics.boundary import THRESHOLD

Objects = Literal["first-frame", "proposals", "seen", "onward", "span"]


@dataclass(frozen=True)
class Protocol:
    """How ground truth and predictions are read, and which frames of which objects count.

    objects: which objects there are, and in which of the annotated frames each counts.
        "first-frame": ids 1 to the highest of the first frame, in every scored frame;
        "proposals": the same, each matched with that predicted id of at most `most_proposals` that makes J&F of the
        whole sequence highest (Hungarian assignment), whatever its number;
        "seen": the ids of the true masks of scored frames, each from its first sight in truth or prediction on;
        "onward": the ids of the true masks, each from the frame after its first to the end;
        "span": the same, but to the frame before its last, and only every `step`-th by number from its first.
        An object without a frame that counts is left out.
    skip_ends: the first and the last annotated frame are not scored.
    dense: every frame of a video must be annotated; else those with ground truth are scored.
    binary: every label above 0, in truth and prediction, is object 1.
    void: what the label 255 of the ground truth is: background; ignored, its pixels count in neither mask; an object.
    extra_ids: what becomes of a predicted id that the ground truth does not have.
    hidden_is_error: whether an object that the true masks show in no scored frame is an error.
    boundary_threshold: the tolerance of F, see `boundary.boundary_radius`.
    official_decay: decay with the fault of the published code (`statistics.decay_official`).

    In all of them J and F are 1 where an object that counts is empty in truth and prediction, recall counts scores
    strictly above 0.5, data set scores are means over objects, and a missing frame or sequence is an error.
    """

    name: str
    version: int
    source: str
    objects: Objects
    skip_ends: bool = False
    dense: bool = False
    binary: bool = False
    void: Literal["background", "ignored", "object"] = "object"
    extra_ids: Literal["error", "ignore"] = "ignore"
    hidden_is_error: bool = False
    official_decay: bool = False
    most_proposals: int = 0
    step: int = 1
    boundary_threshold: float = THRESHOLD

    @property
    def title(self) -> str:
        """Name and version, and whatever else changes scores, as results carry it."""
        own = "" if self.boundary_threshold == THRESHOLD else f":boundary_threshold={self.boundary_threshold}"
        return f"{self.name}/{self.version}{own}"

    @property
    def first_frame_decides(self) -> bool:
        """Whether the first annotated frame tells all the objects of a sequence."""
        return self.objects in {"first-frame", "proposals"}

    @property
    def unscored(self) -> tuple[int, int]:
        """How many annotated frames at the start and at the end of a sequence count for no object."""
        return int(self.skip_ends or self.objects in {"onward", "span"}), int(self.skip_ends)


_DAVIS = Protocol(
    "davis2017",
    1,
    "Pont-Tuset et al., arXiv 1704.00675; github.com/davisvideochallenge/davis2017-evaluation",
    objects="first-frame",
    skip_ends=True,
    dense=True,
    void="background",
    extra_ids="error",
)

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        _DAVIS,
        replace(_DAVIS, name="davis2017-official", official_decay=True),
        replace(_DAVIS, name="davis2016", source="Perazzi et al., CVPR 2016", binary=True),
        replace(
            _DAVIS,
            name="davis2017-unsupervised",
            source="Caelles et al., arXiv 1905.00737; github.com/davisvideochallenge/davis2017-evaluation",
            objects="proposals",
            skip_ends=False,
            void="ignored",
            most_proposals=20,
        ),
        # The server's own edge rules are not public: that objects count from the frame after their first, to the
        # end, and that extra ids are refused, is our choice.
        Protocol(
            "youtube-vos",
            1,
            "Xu et al., arXiv 1809.03327",
            objects="onward",
            void="background",
            extra_ids="error",
        ),
        Protocol("vos-benchmark", 1, "github.com/hkchengrex/vos-benchmark", objects="seen", skip_ends=True),
        # The evaluator of SA-V reads a folder of masks for each object; here ids are labels of one mask.
        Protocol(
            "sav",
            1,
            "Ravi et al., arXiv 2408.00714; github.com/facebookresearch/sam2, sav_dataset",
            objects="seen",
            skip_ends=True,
            hidden_is_error=True,
        ),
        # The evaluator takes each object's range from the data set's meta file; here it is where the object is.
        Protocol(
            "lvos",
            1,
            "Hong et al., ICCV 2023; github.com/LingyiHongfd/lvos-evaluation",
            objects="span",
            void="background",
            step=5,
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """The protocol called `name`. Raises VosbenchError with the near misses if there is none."""
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
