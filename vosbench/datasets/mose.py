"""MOSE v1 and v2: crowded scenes in which objects disappear and return.

Layout: `{train,valid}/{JPEGImages,Annotations}/<video>/%05d`; v2 has `meta.json` in the folder of a split, with the
size and the object ids of each video. Ding et al., arXiv:2302.01872 and 2508.05630.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vosbench.datasets.first_masks import Masks
from vosbench.datasets.meta_file import MetaFile, MetaFolders, elements, object_number, whole_number
from vosbench.datasets.problems import Problem
from vosbench.datasets.split_folders import SplitFolders
from vosbench.errors import VosbenchError


@dataclass(frozen=True)
class _Video:
    """What meta.json says of one video: the ids of its objects, and how many frames it has, if it says so."""

    objects: tuple[int, ...]
    length: int | None


class MOSE1(SplitFolders):
    """MOSE v1. An object is followed from the earliest mask that holds its id; in `valid` this is the first frame's.

    Our choices: `train` is scored as vos-benchmark does, since the server's own edge rules are not public; inference is
    at 480 pixels.
    """

    name = "mose-v1"
    splits = ("valid", "train")
    published_sizes: ClassVar[dict[str, int]] = {"train": 1507, "valid": 311}
    also_called = {"valid": ("val",)}  # noqa: RUF012
    default_protocol = "vos-benchmark"
    private_splits = frozenset({"valid"})
    shorter_side = 480
    server = "mose"


class MOSE2(MetaFolders, MOSE1):
    """MOSE v2: objects are those of meta.json, where a split has one; masks may hold other ids, which count as nothing.

    Our choices: sequences are those of the folders and of the meta file together; inference is at 480 pixels.
    """

    name = "mose-v2"
    published_sizes: ClassVar[dict[str, int]] = {"train": 3666, "valid": 433}
    default_protocol = "mosev2"

    def _list_names(self) -> tuple[str, ...]:
        names = super()._list_names()
        path = self._folder / "meta.json"
        self._meta = MetaFile(path, _read_video, "{objects: [<id>, …]}") if path.is_file() else None
        return tuple(sorted({*names, *(self._meta or ())}))

    def about_objects(self, name: str) -> Mapping[str, Any]:
        return {"listed": None if self._meta is None else self._meta[name].objects}

    def _starts(self, name: str, masks: Masks) -> dict[int, str | None]:  # noqa: ARG002
        return dict.fromkeys(self.about_objects(name)["listed"])

    def _description_problems(self, name: str, masks: Masks) -> list[Problem]:
        found, folder = super()._description_problems(name, masks), self.frame_folder(name)
        there, told = len(self._frames(name)), None if self._meta is None else self._meta[name].length
        if told is not None and 0 < there != told:
            message = f"sequence {name}: {folder} holds {there} frames, and meta.json tells of {told}"
            found.append(Problem(folder, message, "unpack the frames again", warning=True))
        return found

    def _description(self, name: str) -> bytes:
        return repr(self.about_objects(name)["listed"]).encode()


def _read_video(entry: Any) -> _Video:
    keys = elements(entry["objects"], "objects")  # a list, or an object with a key for each
    if not keys:
        raise VosbenchError("it has no objects")
    length = entry.get("length")
    objects = tuple(sorted({object_number(key, 255) for key in keys}))
    return _Video(objects, None if length is None else whole_number(length, "length"))
