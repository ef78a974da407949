"""Data sets: the frames and first masks that a model sees, and the ground truth that it does not."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vosbench.base.registry import Registry, as_class
from vosbench.base.values import checked
from vosbench.datasets.base import Dataset
from vosbench.datasets.problems import Problem
from vosbench.errors import VosbenchError, a_few

__all__ = ["DATASETS", "Dataset", "Problem", "open_dataset", "unpublished"]

SHIPPED = {
    "davis2016": "vosbench.datasets.davis:Davis2016",
    "davis2017": "vosbench.datasets.davis:Davis2017",
    "folder": "vosbench.datasets.folder:Folder",
    "longvideo": "vosbench.datasets.longvideo:LongVideo",
    "lvos-v1": "vosbench.datasets.lvos:LVOS1",
    "lvos-v2": "vosbench.datasets.lvos:LVOS2",
    "mose-v1": "vosbench.datasets.mose:MOSE1",
    "mose-v2": "vosbench.datasets.mose:MOSE2",
    "object-folders": "vosbench.datasets.object_folders:ObjectFolders",
    "sav": "vosbench.datasets.sav:SAV",
    "synthetic": "vosbench.datasets.generated.synthetic:Synthetic",
    "visor": "vosbench.datasets.visor:VISOR",
    "vost": "vosbench.datasets.vost:VOST",
    "youtube-vos-2018": "vosbench.datasets.youtube_vos:YouTubeVOS2018",
    "youtube-vos-2019": "vosbench.datasets.youtube_vos:YouTubeVOS2019",
}


def _dataset(loaded: Any, origin: str) -> type[Dataset]:
    """What was loaded as a data set's class: a module, which defines one, or the class, which must be complete."""
    kind: type[Dataset] = as_class(loaded, Dataset, "data set", origin)
    if missing := [name for name in ("name", "splits") if not hasattr(kind, name)]:
        raise VosbenchError(f"data set {origin} does not define {', '.join(missing)}", "see vosbench.datasets.Dataset")
    for name in ("splits", "frame_modes", "private_splits"):
        names = getattr(kind, name)
        if isinstance(names, str) or not all(isinstance(one, str) for one in names):
            example = f'write {name} = ("{names if isinstance(names, str) else "all"}",)'
            raise VosbenchError(f"data set {origin}: {name} must be several names, not {names!r}", example)
    if kind.name in SHIPPED and origin != SHIPPED[kind.name]:
        raise VosbenchError(f"data set {origin} has the name of a published one, {kind.name}", "give it one of its own")
    if not kind.splits:
        raise VosbenchError(f"data set {origin} has no splits", 'write splits = ("all",) if it has no parts')
    return kind


DATASETS: Registry[type[Dataset]] = Registry("data set", "vosbench.datasets", lambda: SHIPPED, _dataset)


@checked('vosbench.open_dataset("davis2017", "DAVIS", "val")')
def open_dataset(
    name: Path | str,
    root: Path | str | None = None,
    split: str | None = None,
    *,
    frame_mode: str | None = None,
    trust_masks: bool = False,
) -> Dataset:
    """The data set `name`, or that of a .py file of one's own, in the folder `root`.

    `split` and `frame_mode` default to the data set's first. Masks that look smoothed are refused, unless
    `trust_masks` takes them as they are. Raises VosbenchError on an unknown name, split or
    frame mode, and if the root, the split's list or the frame mode's folder is absent.
    """
    dataset = DATASETS.find(str(name))(None if root is None else Path(root), split, frame_mode)
    dataset.trusts_masks = trust_masks
    return dataset


def numbering(name: str) -> str:
    """How the objects of a data set are numbered, where it is not as there, in words."""
    with suppress(VosbenchError):  # of another machine's data set
        return DATASETS.find(name).numbering
    return ""


def unpublished(name: str, split: str, size: int, sequences: Sequence[str]) -> str | None:
    """That a split of `size` sequences, such as a list of one's own, is not the published one of its name, in words;
    None if it is, or that is not known. `sequences` are those that are used.
    """
    published = None
    with suppress(VosbenchError):  # of another machine's data set
        published = vars(DATASETS.find(name)).get("published_sizes", {}).get(split)  # its own, not of what it extends
    if not size or published in (None, size):
        return None
    instead = a_few(sequences, 10) if len(sequences) == size else f"one of {size}"
    return f"not the published {split} of {published} sequences but {instead}"
