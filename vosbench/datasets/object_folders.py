"""A layout in which objects may overlap: a folder of binary PNGs for each, `<sequence>/<object id>/<frame>.png`.

An object's folder starts where the object starts, and holds a mask for every annotated frame from there on.
SA-V has it so (Ravi et al., arXiv:2408.00714), with numbers from 000 on.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vosbench.datasets.files import MASKS, entries, natural_order, pictures
from vosbench.datasets.folder import Folder
from vosbench.datasets.label_pngs import check_labels
from vosbench.errors import VosbenchError
from vosbench.images import VOID, check_size, read_labels
from vosbench.video import MaskSource, ObjectMasks


@dataclass(frozen=True)
class ObjectPngs(MaskSource):
    """The masks of one frame, a PNG for each object, in which every value above 0 is the object."""

    ids: tuple[int, ...]
    paths: tuple[Path, ...]
    tells_place = True

    def load(self) -> ObjectMasks:
        maps = [read_labels(path) for path in self.paths]
        for path, labels in zip(self.paths, maps, strict=True):
            check_size(labels.shape, maps[0].shape, path, f"neighbour {self.paths[0]}")
        return ObjectMasks(np.stack(maps) != 0, self.ids)

    def files(self) -> tuple[Path, ...]:
        return self.paths

    def own_masks(self) -> tuple[int, ...]:
        return self.ids

    def check(self, size: tuple[int, int] | None = None) -> ObjectMasks:
        doubts = [check_labels(read_labels(path), path, size=size, binary=True) for path in self.paths]
        return replace(self.load(), doubt=next(filter(None, doubts), None))


def object_folders(folder: Path, lowest: int = 1, to_the_end: bool = True) -> dict[str, MaskSource]:
    """Frame name -> the masks of its objects, in the order of the video; {} if no object has a folder with a mask.

    lowest: the number of the first object's folder; it has the id 1, and the others follow. to_the_end: whether each
    must have masks to the end of the video; else an object has none after the last in its folder. Raises VosbenchError
    for a folder whose name is no number from there on, and for more than 254.
    """
    filled = ((inner, masks) for inner in entries(folder) if (masks := pictures(inner, MASKS)))
    objects = {_object_id(inner, lowest): masks for inner, masks in filled}
    starts = {i: natural_order(next(iter(masks))) for i, masks in objects.items()}
    ends = {} if to_the_end else {i: natural_order(next(reversed(masks))) for i, masks in objects.items()}
    found: dict[str, MaskSource] = {}
    for frame in sorted({frame for masks in objects.values() for frame in masks}, key=natural_order):
        place = natural_order(frame)
        ids = tuple(i for i in sorted(objects) if starts[i] <= place <= ends.get(i, place))
        beside = {i: next(iter(objects[i].values())).with_name(f"{frame}.png") for i in ids}  # if it is missing
        found[frame] = ObjectPngs(ids, tuple(objects[i].get(frame, beside[i]) for i in ids))
    return found


def _object_id(folder: Path, lowest: int) -> int:
    number = int(folder.name) - lowest + 1 if folder.name.isdecimal() else 0
    if not 0 < number < VOID:
        hint = f"the masks of an object are in a folder named by its number, from {lowest} to {lowest + VOID - 2}"
        raise VosbenchError(f"{folder} is not the folder of an object", hint)
    return number


class ObjectFolders(Folder):
    """One's own videos as in `Folder`, with a folder of binary masks for each object, which may overlap."""

    name = "object-folders"
    default_protocol = "vos-benchmark"
    read_masks = staticmethod(object_folders)
