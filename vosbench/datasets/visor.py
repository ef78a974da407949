"""VISOR (VOS): hands and the objects that they use, seen from the head.

Layout: that of DAVIS 2017, `{JPEGImages,Annotations}/480p/<sequence>`, and
`ImageSets/2022/{train,val,val_unseen}.txt`. Darkhalil et al., NeurIPS 2022, arXiv:2209.13064.
"""

from typing import ClassVar

from vosbench.datasets.davis import DavisLayout


class VISOR(DavisLayout):
    """Objects are those of the first frame's mask. Frames are as they were annotated, far from evenly spaced."""

    name = "visor"
    year = "2022"
    splits: ClassVar[tuple[str, ...]] = ("val", "train", "val_unseen")
    frame_modes: ClassVar[tuple[str, ...]] = ("480p",)
    default_protocol = "visor"
