"""DAVIS 2016 (one object) and DAVIS 2017 (several), semi-supervised.

Layout: `JPEGImages|Annotations/{480p,Full-Resolution}/<sequence>/<frame>`, splits as text files in `ImageSets`.
Perazzi et al., CVPR 2016; Pont-Tuset et al., arXiv:1704.00675.
"""

from pathlib import Path
from typing import ClassVar

from vosbench.datasets.base import Dataset
from vosbench.datasets.first_masks import in_first_frame
from vosbench.datasets.label_pngs import binary_pngs
from vosbench.errors import VosbenchError


class DavisLayout(Dataset):
    """Objects are those of the first frame's mask; every frame has a mask, but in the private splits the first only.

    A split is a text file of `ImageSets`, so one's own beside the official ones works too.
    """

    frame_modes: ClassVar[tuple[str, ...]] = ("480p", "Full-Resolution")
    fixed_splits = False
    every_frame_annotated = True
    find_first = staticmethod(in_first_frame)
    year: ClassVar[str]

    def _list_names(self) -> tuple[str, ...]:
        self._resolution = self._resolution_folder()
        names = self._read_split(self.split)
        if names is None and self.split == "trainval":  # the 2017 release lists the two parts only
            train, val = self._read_split("train"), self._read_split("val")
            names = None if train is None or val is None else train + val
        if names is None:
            own = {path.stem for folder in self._split_folders() for path in folder.glob("*.txt")}
            files = " or ".join(str(folder / f"{self.split}.txt") for folder in self._split_folders())
            raise self._no_split(own, f"has no list of sequences: {files} does not exist")
        return tuple(dict.fromkeys(names))

    def _resolution_folder(self) -> str:
        """The folder below JPEGImages and Annotations. Masks alone are enough for scoring."""
        choices = (self.frame_mode, "1080p") if self.frame_mode == "Full-Resolution" else (self.frame_mode,)
        for folder in choices:  # 1080p is its name in the 2016 release
            if any((self.root / kind / folder).is_dir() for kind in ("JPEGImages", "Annotations")):
                return folder
        raise VosbenchError(
            f"{self.root} holds no {self.frame_mode} pictures: neither JPEGImages/{self.frame_mode} nor "
            f"Annotations/{self.frame_mode} exists",
            "give the folder that holds both as root (--root), or choose another frame mode (--frame-mode)",
        )

    def _split_folders(self) -> tuple[Path, ...]:
        return (self.root / "ImageSets" / self.year,)

    def _read_split(self, split: str) -> list[str] | None:
        """The sequences of a split file, None where there is no file."""
        return self._listed(*(folder / f"{split}.txt" for folder in self._split_folders()))

    def frame_folder(self, name: str) -> Path:
        return self.root / "JPEGImages" / self._resolution / name

    def mask_folder(self, name: str) -> Path:
        return self.root / "Annotations" / self._resolution / name


class Davis2016(DavisLayout):
    """DAVIS 2016: one object a sequence; masks are 0/1 or 0/255."""

    name = "davis2016"
    year = "2016"
    splits = ("val", "train", "trainval")
    published_sizes: ClassVar[dict[str, int]] = {"train": 30, "val": 20, "trainval": 50}
    default_protocol = "davis2016"
    read_masks = staticmethod(binary_pngs)

    def _split_folders(self) -> tuple[Path, ...]:
        return (*super()._split_folders(), self.root / "ImageSets" / self._resolution)


class Davis2017(DavisLayout):
    """DAVIS 2017: pixel values are object ids; 255 is background."""

    name = "davis2017"
    year = "2017"
    splits: ClassVar[tuple[str, ...]] = ("val", "train", "trainval", "test-dev", "test-challenge")
    published_sizes: ClassVar[dict[str, int]] = {
        "train": 60,
        "val": 30,
        "trainval": 90,
        "test-dev": 30,
        "test-challenge": 30,
    }
    default_protocol = "davis2017"
    private_splits = frozenset({"test-dev", "test-challenge"})
    _has_truth = False
    server: ClassVar[str | None] = "davis"
