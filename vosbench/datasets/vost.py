"""VOST: objects that are cut, torn or moulded. Frames at 10 fps for inference, masks at half of that.

Layout: `JPEGImages_10fps/<video>`, `JPEGImages/<video>` (the annotated frames), `Annotations/<video>` and
`ImageSets/{train,val,test}.txt`; frames are called `frame%05d`. Tokmakov et al., CVPR 2023, arXiv:2212.06200.
"""

from pathlib import Path
from typing import ClassVar

from vosbench.datasets.davis import DavisLayout
from vosbench.datasets.files import FRAMES, pictures
from vosbench.datasets.first_masks import Frames
from vosbench.errors import VosbenchError


class VOST(DavisLayout):
    """Objects are those of the first frame's mask; 255 is void.

    Masks are written of the annotated frames: those in `JPEGImages`, or, where that is absent, those with a mask.

    Our choices: inference is at 480 pixels; `test` is private where it has first masks only, and no server is known for
    it; frame mode `5fps` shows the annotated frames alone.
    """

    name = "vost"
    splits: ClassVar[tuple[str, ...]] = ("val", "train", "test")
    published_sizes: ClassVar[dict[str, int]] = {"train": 572, "val": 70, "test": 71}
    frame_modes: ClassVar[tuple[str, ...]] = ("10fps", "5fps")
    default_protocol = "vost"
    private_splits = frozenset({"test"})
    every_frame_annotated = False
    shorter_side = 480

    def _resolution_folder(self) -> str:
        folder = "JPEGImages_10fps" if self.frame_mode == "10fps" else "JPEGImages"
        if not (self.root / folder).is_dir() and not (self.root / "Annotations").is_dir():
            hint = "give the folder that holds them as root (--root), or choose another frame mode (--frame-mode)"
            raise VosbenchError(f"{self.root} holds neither {folder} nor Annotations", hint)
        return folder

    def _split_folders(self) -> tuple[Path, ...]:
        return (self.root / "ImageSets",)

    def frame_folder(self, name: str) -> Path:
        return self.root / self._resolution / name

    def mask_folder(self, name: str) -> Path:
        return self.root / "Annotations" / name

    def _wanted(self, name: str, frames: Frames) -> set[str]:  # noqa: ARG002
        return {*pictures(self.root / "JPEGImages" / name, FRAMES), *self._masks(name)}
