"""Data sets: the frames and first masks that a model sees, and the ground truth that it does not."""

from pathlib import Path

from vosbench.datasets.base import Dataset
from vosbench.datasets.davis import Davis2016, Davis2017
from vosbench.datasets.folder import Folder
from vosbench.datasets.generated.synthetic import Synthetic
from vosbench.datasets.object_folders import ObjectFolders
from vosbench.datasets.problems import Problem
from vosbench.datasets.youtube_vos import YouTubeVOS2018, YouTubeVOS2019
from vosbench.errors import unknown

__all__ = ["DATASETS", "Dataset", "Problem", "open_dataset"]

DATASETS: dict[str, type[Dataset]] = {
    dataset.name: dataset
    for dataset in (Davis2016, Davis2017, YouTubeVOS2018, YouTubeVOS2019, Folder, ObjectFolders, Synthetic)
}


def open_dataset(
    name: str, root: Path | str | None = None, split: str | None = None, *, frame_mode: str | None = None
) -> Dataset:
    """The data set `name` (a key of `DATASETS`) in the folder `root`.

    `split` and `frame_mode` default to the data set's first. Raises VosbenchError on an unknown name, split or
    frame mode, and if the root, the split's list or the frame mode's folder is absent.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return DATASETS[name](None if root is None else Path(root), split, frame_mode)
