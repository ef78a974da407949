"""A plain folder of videos: `JPEGImages/<sequence>` and `Annotations/<sequence>`, with or without `480p` in between."""

from pathlib import Path

from vosbench.base.endings import doubt
from vosbench.datasets.base import Dataset
from vosbench.datasets.files import entries, explain_no_pictures, listed, subfolders
from vosbench.datasets.first_masks import Frames, Masks
from vosbench.datasets.problems import Problem
from vosbench.errors import VosbenchError
from vosbench.video_file import VIDEOS, FrameOfVideo, count_frames


class Folder(Dataset):
    """One's own videos. Few frames need masks: each object is followed from the earliest one that holds its id.

    Frames are JPEG, PNG, WebP, BMP or TIFF, or a video, `JPEGImages/<sequence>.mp4`, or `<sequence>.mp4` if it has
    masks, with frames 00000 and so on; masks, the ground truth, are PNG, BMP or TIFF of object ids, 255 is void. A
    split is `all`, or a list `ImageSets/<split>.txt`, which may lie one folder further down.
    """

    name = "folder"
    splits = ("all",)
    fixed_splits = False
    default_protocol = "folder"
    shorter_side = 480  # as published code has it for videos of any kind

    def _list_names(self) -> tuple[str, ...]:
        folders = [self._level(kind) for kind in ("JPEGImages", "Annotations")]
        if not any(folder.is_dir() for folder in folders):
            raise VosbenchError(
                f"{self.root} holds neither JPEGImages nor Annotations",
                self._further_down()
                or explain_no_pictures(self.root)
                or "put frames into JPEGImages/<sequence> and masks into Annotations/<sequence>",
            )
        if self.split not in self.splits:
            return self._read_split()
        # Both, so that a video which lacks its frames or its masks is an error later on, never dropped.
        return tuple(sorted({name for folder in folders for name in subfolders(folder)}.union(self._videos)))

    def _further_down(self) -> str:
        """What to do about a root of another layout; "" where it is none."""
        found = sorted({*self.root.glob("JPEGImages_*fps"), *self.root.glob("*/JPEGImages_*fps")})
        if found:
            where = found[0].relative_to(self.root)
            return f"it holds {where}, as SA-V and VOST do: open it as the data set sav or vost (--dataset sav)"
        if inner := sorted(self.root.glob("*/JPEGImages")):
            where = inner[0].parent
            return f"give {where} as root (--root), or open it by the name of its data set (vosbench list datasets)"
        return ""

    def _read_split(self) -> tuple[str, ...]:
        """The sequences of a split that is a list."""
        sets = self.root / "ImageSets"
        lists = {path for pattern in ("*.txt", "*/*.txt") for path in sets.glob(pattern)}
        found = sorted(path for path in lists if path.stem == self.split)
        if not found:
            raise self._unknown_split({path.stem for path in lists}.union(self.splits))
        if len(found) > 1 and found[0].parent != sets:
            told = f"{sets} has several lists {self.split}.txt: {', '.join(path.parent.name for path in found)}"
            raise VosbenchError(told, f"copy the one that you want to {sets / f'{self.split}.txt'}")
        return tuple(listed(found[0], self.frame_folder(""), self.mask_folder("")))

    def _level(self, kind: str) -> Path:
        inner = self.root / kind / "480p"
        return inner if inner.is_dir() else self.root / kind

    @property
    def _videos(self) -> dict[str, Path]:
        """Video files by the name of their sequence."""
        beside = [path for path in entries(self.root) if self.mask_folder(path.stem).is_dir()]
        found = [path for path in (*beside, *entries(self._level("JPEGImages"))) if path.suffix.lower() in VIDEOS]
        return {path.stem: path for path in found if path.is_file()}

    def _video(self, name: str) -> Path | None:
        return None if self.frame_folder(name).is_dir() else self._videos.get(name)

    def _description_problems(self, name: str, masks: Masks) -> list[Problem]:
        found, video = super()._description_problems(name, masks), self._video(name)
        if video is not None and (why := doubt(video)):
            found.append(Problem(video, f"video {video} may be cut off: {why}", "copy it again", warning=True))
        return found

    def _frames(self, name: str) -> Frames:
        if (video := self._video(name)) is None:
            return super()._frames(name)
        return {f"{index:05d}": FrameOfVideo(video, index) for index in range(count_frames(video))}

    def frame_folder(self, name: str) -> Path:
        return self._level("JPEGImages") / name

    def mask_folder(self, name: str) -> Path:
        return self._level("Annotations") / name
