"""A plain folder of videos: `JPEGImages/<sequence>` and `Annotations/<sequence>`, with or without `480p` in between."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from vosbench.datasets.base import Dataset
from vosbench.errors import VosbenchError, unknown
from vosbench.images import object_ids


class Folder(Dataset):
    """One's own videos. Few frames need masks: each object is followed from the earliest one that holds its id.

    Frames are JPEG or PNG, masks are PNGs of object ids, 255 is void. The masks there are, are the ground truth.
    """

    name = "folder"
    splits = ("all",)
    frame_modes = ("",)
    default_protocol = "davis2017"

    def _list_names(self) -> tuple[str, ...]:
        if self.split not in self.splits:
            raise unknown("split", self.split, self.splits)
        folders = [self._level(kind) for kind in ("JPEGImages", "Annotations")]
        if not any(folder.is_dir() for folder in folders):
            raise VosbenchError(
                f"{self.root} holds neither JPEGImages nor Annotations",
                "put frames into JPEGImages/<sequence> and masks into Annotations/<sequence>",
            )
        # Both, so that a video which lacks its frames or its masks is an error later on, never dropped.
        return tuple(
            sorted(
                {
                    path.name
                    for folder in folders
                    if folder.is_dir()
                    for path in folder.iterdir()
                    if path.is_dir() and not path.name.startswith(".")
                }
            )
        )

    def _level(self, kind: str) -> Path:
        inner = self.root / kind / "480p"
        return inner if inner.is_dir() else self.root / kind

    def frame_folder(self, name: str) -> Path:
        return self._level("JPEGImages") / name

    def mask_folder(self, name: str) -> Path:
        return self._level("Annotations") / name

    def _first_masks(
        self, name: str, frames: Mapping[str, Path], masks: Mapping[str, Path]
    ) -> dict[str, tuple[int, ...]]:
        if not masks:
            raise VosbenchError(
                f"sequence {name} has no mask: {self.mask_folder(name)} holds none",
                "give each object's mask in the frame from which it is to be followed",
            )
        first = first_appearances(masks, lambda frame: self._labels(masks[frame], frames[frame]))
        if not first:
            raise VosbenchError(
                f"sequence {name}: none of the {len(masks)} masks in {self.mask_folder(name)} holds an object",
                "write the ids 1, 2, ... as pixel values",
            )
        return first


def first_appearances(frames: Iterable[str], labels: Callable[[str], np.ndarray]) -> dict[str, tuple[int, ...]]:
    """Frame name -> the ids that no earlier frame of `frames` holds, for the frames that have some.

    `labels` gives the label map of a frame, uint8 [H,W].
    """
    first: dict[str, tuple[int, ...]] = {}
    seen: set[int] = set()
    for frame in frames:
        new = tuple(i for i in object_ids(labels(frame)) if i not in seen)
        if new:
            first[frame] = new
            seen.update(new)
    return first
