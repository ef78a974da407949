"""DAVIS 2016 and 2017: the objects of the first frame, in every frame but the first and the last."""

from dataclasses import replace

from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.first_frame import FirstFrame
from vosbench.metrics.rules.proposals import Proposals

DAVIS_2017 = Protocol(
    "davis2017",
    1,
    "Pont-Tuset et al., arXiv 1704.00675; github.com/davisvideochallenge/davis2017-evaluation",
    objects=FirstFrame(),
    skip_first=True,
    skip_last=True,
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
    skip_first=False,
    skip_last=False,
    void="ignored",
)
