"""Tiny data sets on disk, in the layouts of the real ones."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from vosbench.images import write_labels

SIZE = (24, 32)


def _labels(*ids: int) -> np.ndarray:
    """A label map, uint8 [24,32], with a 6x6 square per id, left to right."""
    labels = np.zeros(SIZE, np.uint8)
    for position, object_id in enumerate(ids):
        labels[8:14, 8 * position + 1 : 8 * position + 7] = object_id
    return labels


def _write_frames(folder: Path, names: Iterable[str], suffix: str = ".jpg") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        pixels = np.random.default_rng(sum(map(ord, name))).integers(0, 256, (*SIZE, 3), np.uint8)
        assert cv2.imwrite(str(folder / f"{name}{suffix}"), pixels)


def _write_masks(folder: Path, masks: Mapping[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, labels in masks.items():
        write_labels(folder / f"{name}.png", labels)


@pytest.fixture
def labels() -> Callable[..., np.ndarray]:
    return _labels


@pytest.fixture
def write_frames() -> Callable[..., None]:
    return _write_frames


@pytest.fixture
def write_masks() -> Callable[..., None]:
    return _write_masks


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """DAVIS 2016 and 2017, 480p, train (`goat`) and val (`dog`, `bike`): 4 frames; ids 1 and 2, void in one corner."""
    root = tmp_path / "DAVIS"
    names = [f"{i:05d}" for i in range(4)]
    for sequence in ("dog", "bike", "goat"):
        _write_frames(root / "JPEGImages/480p" / sequence, names)
        masks = {name: _labels(1, 2) for name in names}
        for mask in masks.values():
            mask[:3, :3] = 255
        _write_masks(root / "Annotations/480p" / sequence, masks)
    for year in ("2016", "2017"):
        (root / "ImageSets" / year).mkdir(parents=True)
        (root / "ImageSets" / year / "val.txt").write_text("dog\nbike\n\n")
        (root / "ImageSets" / year / "train.txt").write_text("goat\n")
    return root


@pytest.fixture
def youtube(tmp_path: Path) -> Path:
    """YouTube-VOS with the video `a1`, ids 1, 3, 7 first at frames 0, 5 and 15 of 20, in train, valid and at all rates.

    Names start at 10 and step by 5 in 6 fps. The server wants frames 0, 2, 5, 9 of object 1, 5 and 9 of object 3,
    15 and 19 of object 7. Train has a mask for every 6 fps frame.
    """
    root = tmp_path / "YouTube"
    names = [f"{10 + 5 * i:05d}" for i in range(20)]
    first = {1: 0, 3: 5, 7: 15}
    wanted = {1: (0, 2, 5, 9), 3: (5, 9), 7: (15, 19)}
    for split in ("train", "valid"):
        _write_frames(root / split / "JPEGImages/a1", names)
        dense = {
            name: _labels(*(i if first[i] <= index else 0 for i in first))
            for index, name in enumerate(names)
            if split == "train"
        }
        starts = {names[index]: _labels(*(i if first[i] == index else 0 for i in first)) for index in first.values()}
        _write_masks(root / split / "Annotations/a1", dense or starts)
        objects: dict[str, dict[str, object]] = {
            str(i): {"frames": [names[index] for index in wanted[i]]} for i in wanted
        }
        if split == "train":
            for i, category in ((1, "ape"), (3, "fox"), (7, "ape")):
                objects[str(i)]["category"] = category
        (root / split / "meta.json").write_text(json.dumps({"videos": {"a1": {"objects": objects}}}))
    _write_frames(root / "valid_all_frames/JPEGImages/a1", [f"{i:05d}" for i in range(10, 106)])
    return root
