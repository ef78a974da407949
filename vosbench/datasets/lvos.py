"""LVOS v1 and v2: long videos, whose meta file says from which frame to which each object is scored.

Layout: `{train,val,test}/{JPEGImages,Annotations}/<video>/%08d`, with `<split>_meta.json` inside the folder of a split.
The folder may be called `valid`, as the evaluator has it, and its file is `valid_meta.json`. v2 has
`<split>_meta_attribute.json` beside it, and `unseen_videos.txt`, of the data set or in the folder of the split. Hong et
al., ICCV 2023; arXiv:2404.19326.
"""

from collections.abc import Mapping
from operator import sub
from pathlib import Path
from typing import Any, ClassVar

from vosbench.datasets.first_masks import Masks
from vosbench.datasets.meta_file import MetaFile, MetaFolders, elements, object_number, whole_number
from vosbench.datasets.problems import Problem
from vosbench.video import ObjectSpan

_FORM = "{objects: {<id>: {frame_range: {start: …, end: …, frame_nums: …}}}}"


class _LVOS(MetaFolders):
    """An object that no mask shows is scored, but not followed.

    Our choices: sequences are those of the folders and of the meta file together; inference is at 480 pixels; an
    archive for the server, which keeps the masks of `test`, holds every frame.
    """

    splits = ("val", "train", "test")
    also_called = {"val": ("valid", "eval")}  # noqa: RUF012
    default_protocol = "lvos"
    private_splits = frozenset({"test"})
    shorter_side = 480
    server = "lvos"
    server_folder = "Annotations/"

    def _list_names(self) -> tuple[str, ...]:
        names = super()._list_names()
        self._meta = MetaFile(self._beside("meta.json"), _read_spans, _FORM)
        attributes = self._beside("meta_attribute.json")
        self._attributes = MetaFile(attributes, _read_attributes, "{attributes: […]}") if attributes.is_file() else None
        self._unseen_videos = self._listed(*(folder / "unseen_videos.txt" for folder in (self._folder, self.root)))
        return tuple(sorted({*names, *self._meta}))

    def _beside(self, ending: str) -> Path:
        """A meta file in the folder of the split, by any name of the split; that of the release if there is none."""
        paths = [self._folder / f"{name}_{ending}" for name in (self.split_folder, *self._split_folders())]
        published = self._folder / f"{'valid' if self.split == 'val' else self.split}_{ending}"
        return next(filter(Path.is_file, paths), published)

    def attributes(self, name: str) -> tuple[str, ...]:
        self._require(name)
        return () if self._attributes is None else self._attributes[name]

    def about_objects(self, name: str) -> Mapping[str, Any]:
        spans, unseen = self._meta[name], None
        if self._unseen_videos is not None:
            unseen = tuple(spans) if name in self._unseen_videos else ()
        return {"spans": spans, "unseen": unseen, "listed": tuple(spans)}

    def _starts(self, name: str, masks: Masks) -> dict[int, str | None]:
        frames = {int(frame): frame for frame in masks if frame.isdecimal()}
        return {i: frames.get(span.start, f"{span.start:08d}") for i, span in self._meta[name].items()}

    def _description_problems(self, name: str, masks: Masks) -> list[Problem]:
        found, folder = super()._description_problems(name, masks), self.frame_folder(name)
        numbers = [int(frame) for frame in self._frames(name) if frame.isdecimal()]
        end, step = max(span.end for span in self._meta[name].values()), max(map(sub, numbers[1:], numbers), default=1)
        if numbers and end > numbers[-1] + step:
            message = f"sequence {name}: {folder} ends at frame {numbers[-1]}, and {self._meta.path.name} goes to {end}"
            found.append(Problem(folder, message, "unpack the frames again", warning=True))
        return found

    def _description(self, name: str) -> bytes:
        told = self.about_objects(name)
        return repr((list(told["spans"].items()), told["unseen"])).encode()


class LVOS1(_LVOS):
    """LVOS v1: 50 validation videos."""

    name = "lvos-v1"
    published_sizes: ClassVar[dict[str, int]] = {"train": 120, "val": 50, "test": 50}


class LVOS2(_LVOS):
    """LVOS v2: 140 validation videos, with attributes."""

    name = "lvos-v2"
    published_sizes: ClassVar[dict[str, int]] = {"train": 420, "val": 140, "test": 160}


def _read_spans(entry: Any) -> dict[int, ObjectSpan]:
    spans = {}
    for key, told in entry["objects"].items():
        span = told["frame_range"]
        said = [whole_number(span[part], part) for part in ("start", "end", "frame_nums")]
        spans[object_number(key)] = ObjectSpan(*said)
    return spans


def _read_attributes(entry: Any) -> tuple[str, ...]:
    return tuple(map(str, elements(entry["attributes"], "attributes")))
