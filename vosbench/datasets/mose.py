"""MOSE v1 and v2: crowded scenes in which objects disappear and return.

Layout: `{train,valid}/{JPEGImages,Annotations}/<video>/%05d`; v2 has `meta.json` in the folder of a split, with the
size and the object ids of each video. Ding et al., arXiv:2302.01872 and 2508.05630.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vosbench.datasets.first_masks import Appearances
from vosbench.datasets.meta_file import MetaFile, contradictions, nowhere
from vosbench.datasets.problems import Problem
from vosbench.datasets.split_folders import SplitFolders
from vosbench.video import MaskSource


class MOSE1(SplitFolders):
    """MOSE v1. An object is followed from the earliest mask that holds its id; in `valid` this is the first frame's.

    Our choices: `train` is scored as vos-benchmark does, since the server's own edge rules are not public; inference is
    at 480 pixels.
    """

    name = "mose-v1"
    splits = ("valid", "train")
    also_called = {"valid": ("val",)}  # noqa: RUF012
    default_protocol = "vos-benchmark"
    private_splits = frozenset({"valid"})
    shorter_side = 480
    server = "mose"


class MOSE2(MOSE1):
    """MOSE v2: objects are those of meta.json, where a split has one; masks may hold other ids, which count as nothing.

    Our choices: sequences are those of the folders and of the meta file together; inference is at 480 pixels.
    """

    name = "mose-v2"
    default_protocol = "mosev2"

    def _list_names(self) -> tuple[str, ...]:
        names = super()._list_names()
        path = self._folder / "meta.json"
        self._meta = MetaFile(path, _read_objects, "{objects: [<id>, …]}") if path.is_file() else None
        return tuple(sorted({*names, *(self._meta or ())}))

    def _listed(self, name: str) -> tuple[int, ...] | None:
        return None if self._meta is None else self._meta[name]

    def _first_masks(
        self, name: str, frames: Mapping[str, Path], masks: Mapping[str, MaskSource]
    ) -> dict[str, tuple[int, ...]]:
        listed = self._listed(name)
        if listed is None:
            return super()._first_masks(name, frames, masks)
        first = Appearances(frames, masks).starting(dict.fromkeys(listed))
        if not first:
            raise nowhere(name, self.mask_folder(name), "meta.json")
        return first

    def _description(self, name: str) -> bytes:
        return repr(self._listed(name)).encode()

    def _description_problems(self, name: str, masks: Mapping[str, MaskSource]) -> list[Problem]:
        listed = self._listed(name)
        starts = dict.fromkeys(listed or ())
        return [] if listed is None else contradictions(name, "meta.json", self.mask_folder(name), starts, masks)


def _read_objects(entry: Any) -> tuple[int, ...]:
    objects = tuple(sorted({int(key) for key in entry["objects"]}))  # a list, or an object with a key for each
    if not objects or not 0 < objects[0] <= objects[-1] < 256:
        raise ValueError(f"objects are {list(objects)}")
    return objects
