"""SA-V val and test: frames at 24 fps, masks at 6 fps, a folder of binary masks for each object.

Layout: `sav_val/JPEGImages_24fps/<video>/%05d.jpg`, `sav_val/Annotations_6fps/<video>/<object, 000>/%05d.png`, and the
list `sav_val.txt`. Ravi et al., arXiv:2408.00714.
"""

from pathlib import Path
from typing import ClassVar

from vosbench.datasets.first_masks import Frames, Masks
from vosbench.datasets.label_pngs import LabelPng, label_pngs
from vosbench.datasets.object_folders import object_folders
from vosbench.datasets.split_folders import SplitFolders

ANNOTATED = 4  # every so many frames one is


class _LabelPng(LabelPng):
    any_id = True


class SAV(SplitFolders):
    """Objects may overlap, and start where their folders start; object 000 has the id 1.

    An object's folder may end before the video. Label maps, `<video>/%05d.png`, are read too, as by its evaluator.
    Masks are written of every fourth frame and of those that are annotated.

    Our choices: the folder of a split is `sav_val` or `val`, or the root itself if the list is there; without a list,
    sequences are the folders; inference is at 480 pixels.
    """

    name = "sav"
    splits = ("val", "test")
    published_sizes: ClassVar[dict[str, int]] = {"val": 155, "test": 150}
    also_called = {"val": ("sav_val",), "test": ("sav_test",)}  # noqa: RUF012
    frame_modes = ("24fps",)
    default_protocol = "sav"
    shorter_side = 480
    numbering = "object 1 is that of the folder 000"
    frames_in = "JPEGImages_24fps"
    masks_in = "Annotations_6fps"

    def _split_folders(self) -> tuple[str, ...]:
        is_here = (self.root / f"sav_{self.split}.txt").is_file() and (self.root / self.masks_in).is_dir()
        return (*((".",) if is_here else ()), f"sav_{self.split}", self.split)

    def _list_names(self) -> tuple[str, ...]:
        names = super()._list_names()
        found = self._listed(*(folder / f"sav_{self.split}.txt" for folder in (self._folder, self.root)))
        return names if found is None else tuple(found)

    @staticmethod
    def read_masks(folder: Path) -> Masks:
        return label_pngs(folder, _LabelPng) or object_folders(folder, lowest=0, to_the_end=False)

    def _wanted(self, name: str, frames: Frames) -> set[str]:
        numbered = {frame for frame in frames if frame.isdecimal() and int(frame) % ANNOTATED == 0}
        return numbered.union(self._masks(name))
