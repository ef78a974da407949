"""The protocols of the public benchmarks."""

from dataclasses import replace

from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.first_frame import FirstFrame
from vosbench.metrics.rules.given import Given
from vosbench.metrics.rules.onward import Onward
from vosbench.metrics.rules.proposals import Proposals
from vosbench.metrics.rules.seen import Seen
from vosbench.metrics.rules.span import Span

DAVIS_2017 = Protocol(
    "davis2017",
    1,
    "Pont-Tuset et al., arXiv 1704.00675; github.com/davisvideochallenge/davis2017-evaluation",
    objects=FirstFrame(),
    skip_ends=True,
    dense=True,
    void="background",
)
DAVIS_2017_OFFICIAL = replace(DAVIS_2017, name="davis2017-official", official_decay=True)
DAVIS_2016 = replace(DAVIS_2017, name="davis2016", source="Perazzi et al., CVPR 2016", binary=True)
DAVIS_2017_UNSUPERVISED = replace(
    DAVIS_2017,
    name="davis2017-unsupervised",
    source="Caelles et al., arXiv 1905.00737; github.com/davisvideochallenge/davis2017-evaluation",
    objects=Proposals(),
    skip_ends=False,
    void="ignored",
)
# The server's own edge rules are not public: that objects count from the frame after their first, to the end, and that
# extra ids are refused, is our choice.
YOUTUBE_VOS = Protocol(
    "youtube-vos", 1, "Xu et al., arXiv 1809.03327", objects=Onward(extra_is_error=True), void="background"
)
VOS_BENCHMARK = Protocol("vos-benchmark", 1, "github.com/hkchengrex/vos-benchmark", objects=Seen(), skip_ends=True)
# The evaluator of SA-V leaves out the first and the last mask of each object's own folder; here those of the sequence.
SAV = Protocol(
    "sav",
    1,
    "Ravi et al., arXiv 2408.00714; github.com/facebookresearch/sam2, sav_dataset",
    objects=Seen(hidden_is_error=True),
    skip_ends=True,
)
# The evaluator takes each object's range from the data set's meta file; here it is where the object is.
LVOS = Protocol(
    "lvos",
    1,
    "Hong et al., ICCV 2023; github.com/LingyiHongfd/lvos-evaluation",
    objects=Span(),
    void="background",
)
# Fits any folder: no frame need be annotated but those that are, and no mask that was given counts.
FOLDER = Protocol("folder", 1, "vosbench, for one's own videos", objects=Given(extra_is_error=True), void="ignored")
