"""A layout with a folder for each split: `<split>/JPEGImages/<sequence>` and `<split>/Annotations/<sequence>`."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from vosbench.datasets.base import Dataset
from vosbench.datasets.files import subfolders


class SplitFolders(Dataset):
    """Sequences are the folders that a split holds, of frames or of masks: one that lacks either is an error later on.

    also_called: split -> other names of its folder. They are names of the split, too.
    frames_in, masks_in: the folders of frames and masks in that of a split.
    """

    fixed_splits = False
    also_called: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    frames_in: ClassVar[str] = "JPEGImages"
    masks_in: ClassVar[str] = "Annotations"

    def _list_names(self) -> tuple[str, ...]:
        self.split = next((split for split, names in self.also_called.items() if self.split in names), self.split)
        folder = next((name for name in self._split_folders() if (self.root / name).is_dir()), None)
        if folder is None:
            there = {path.parent.name for path in self.root.glob(f"*/{self.masks_in}")}
            places = " or ".join(str(self.root / name) for name in self._split_folders())
            inside = (self.root / self.frames_in).is_dir() or (self.root / self.masks_in).is_dir()
            hint = "that is the folder of one split: give the folder above it as root (--root)" if inside else ""
            raise self._no_split(there, f"is absent: no folder {places}", hint)
        self.split_folder = folder
        return tuple(sorted({n for kind in (self.frames_in, self.masks_in) for n in subfolders(self._folder / kind)}))

    def _split_folders(self) -> tuple[str, ...]:
        """Where the split may be, below the root."""
        return (self.split, *self.also_called.get(self.split, ()))

    @property
    def _folder(self) -> Path:
        return self.root / self.split_folder

    def frame_folder(self, name: str) -> Path:
        return self._folder / self.frames_in / name

    def mask_folder(self, name: str) -> Path:
        return self._folder / self.masks_in / name
