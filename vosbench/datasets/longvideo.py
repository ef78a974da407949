"""LongVideo, the long-time videos of XMem: three videos of thousands of frames, with masks of about twenty.

Layout: `JPEGImages/<video>` and `Annotations/<video>`, in `long_video` and, played back and forth three times, in
`long_video_x3`. Liang et al., NeurIPS 2020 (AFB-URR); Cheng and Schwing, ECCV 2022 (XMem).
"""

from vosbench.datasets.first_masks import in_first_frame
from vosbench.datasets.split_folders import SplitFolders
from vosbench.errors import VosbenchError


class LongVideo(SplitFolders):
    """Objects are those of the first frame's mask, which alone reaches a model; the other masks are ground truth.

    Our choices: the splits are called `x1` and `x3`; a root that holds JPEGImages is the folder of the split itself;
    masks are written of every frame; inference is at 480 pixels.
    """

    name = "longvideo"
    splits = ("x1", "x3")
    also_called = {"x1": ("long_video",), "x3": ("long_video_x3",)}  # noqa: RUF012
    default_protocol = "longvideo"
    shorter_side = 480
    find_first = staticmethod(in_first_frame)

    def _list_names(self) -> tuple[str, ...]:
        if self.split == "x1" and self.root.name.endswith("x3") and (self.root / self.frames_in).is_dir():
            hint = "give it as split (--split x3)"
            raise VosbenchError(f"{self.root} is the split x3 of {self.name}, by its name", hint)
        return super()._list_names()

    def _split_folders(self) -> tuple[str, ...]:
        return (*((".",) if (self.root / self.frames_in).is_dir() else ()), *super()._split_folders())
