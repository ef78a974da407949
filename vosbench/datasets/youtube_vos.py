"""YouTube-VOS 2018 and 2019: objects that appear later, masks at 6 fps, ids and required frames in `meta.json`.

Layout: `<split>/{JPEGImages,Annotations,meta.json}`; all frames in `<split>_all_frames/JPEGImages`.
Xu et al., arXiv:1809.03327.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from vosbench.datasets.files import natural_order
from vosbench.datasets.first_masks import Frames, Masks
from vosbench.datasets.meta_file import MetaFile, MetaFolders, elements, object_number
from vosbench.errors import VosbenchError, a_few


@dataclass(frozen=True)
class _Object:
    """What meta.json says of one object. `frames` are the names of the frames where its mask is wanted."""

    frames: tuple[str, ...]
    category: str | None


class _YouTubeVOS(MetaFolders):
    """The frames whose masks the server wants, too, are those of meta.json. Some start frames in it are wrong."""

    splits = ("valid", "train", "test")
    also_called = {"valid": ("val",)}  # noqa: RUF012
    frame_modes = ("6fps", "all-frames")
    default_protocol = "youtube-vos"
    private_splits = frozenset({"valid", "test"})
    shorter_side = 480
    server = "youtube-vos"
    server_folder = "Annotations/"
    every_object_shown = True
    _has_truth = False  # the masks of objects that appear later look like it

    def _list_names(self) -> tuple[str, ...]:
        super()._list_names()
        if self.frame_mode == "all-frames" and not self._frames_root.is_dir():
            told = f"the full frame rate of {self.name} {self.split} is absent: {self._frames_root} does not exist"
            raise VosbenchError(told, "it is a download of its own; or choose the frame mode 6fps (--frame-mode)")
        self._meta = MetaFile(self._folder / "meta.json", _read_objects, "{objects: {<id>: {frames: […]}}}")
        return tuple(sorted(self._meta))

    @property
    def _frames_root(self) -> Path:
        folder = f"{self.split_folder}_all_frames" if self.frame_mode == "all-frames" else self.split_folder
        return self.root / folder / "JPEGImages"

    def frame_folder(self, name: str) -> Path:
        return self._frames_root / name

    def categories(self, name: str) -> dict[int, str]:
        """Object id -> category, without the objects of which meta.json gives none (the valid split)."""
        self._require(name)
        return {i: entry.category for i, entry in self._meta[name].items() if entry.category is not None}

    def _starts(self, name: str, masks: Masks) -> dict[int, str | None]:  # noqa: ARG002
        return {i: next(iter(entry.frames), None) for i, entry in self._meta[name].items()}

    def _wanted(self, name: str, frames: Frames) -> set[str]:
        wanted = {frame for entry in self._meta[name].values() for frame in entry.frames}
        if lacking := sorted(wanted.difference(frames), key=natural_order):
            told = f"sequence {name}: {self.frame_folder(name)} lacks frames {a_few(lacking)}, which meta.json names"
            raise VosbenchError(told, "unpack the frames again")
        return wanted

    def _description(self, name: str) -> bytes:
        return repr(sorted(self._meta[name].items())).encode()


class YouTubeVOS2018(_YouTubeVOS):
    """YouTube-VOS 2018: 474 validation videos."""

    name = "youtube-vos-2018"
    published_sizes: ClassVar[dict[str, int]] = {"train": 3471, "valid": 474, "test": 508}


class YouTubeVOS2019(_YouTubeVOS):
    """YouTube-VOS 2019: 507 validation videos."""

    name = "youtube-vos-2019"
    published_sizes: ClassVar[dict[str, int]] = {"train": 3471, "valid": 507, "test": 541}


def _read_objects(video: Any) -> dict[int, _Object]:
    objects = {}
    for key, entry in video["objects"].items():
        frames = sorted({str(frame) for frame in elements(entry["frames"], "frames")}, key=natural_order)
        objects[object_number(key)] = _Object(tuple(frames), entry.get("category"))
    return objects
