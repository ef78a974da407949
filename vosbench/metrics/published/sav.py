"""SA-V: every object by its own masks, which may overlap, in the frames that its own folder has."""

from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.own_frames import OwnFrames

SAV = Protocol(
    "sav",
    2,
    "Ravi et al., arXiv 2408.00714; github.com/facebookresearch/sam2, sav_dataset",
    objects=OwnFrames(),
    skip_first=True,
    skip_last=True,
)
