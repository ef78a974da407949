"""The layout with a folder of binary masks for each object."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from layouts import write_sav
from PIL import Image

from vosbench.datasets import open_dataset
from vosbench.datasets.object_folders import object_folders
from vosbench.datasets.sav import SAV
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.masks.export import export
from vosbench.masks.score import score

SHAPE = (20, 30)


def write(path: Path, value: int = 1, shape: tuple[int, int] = SHAPE) -> None:
    """A mask of the left half, in which object 2 covers the middle too."""
    labels = np.zeros(shape, np.uint8)
    labels[:, 5 : 25 if path.parent.name == "2" else 15] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    write_labels(path, labels)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Objects 1, from the start, and 2, from frame 4 on, of which every other frame is annotated."""
    (tmp_path / "JPEGImages/ant").mkdir(parents=True)
    for t in range(10):
        Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(tmp_path / f"JPEGImages/ant/{t}.png")
        if t % 2 == 0:
            for object_id in ("1", "2") if t >= 4 else ("1",):
                write(tmp_path / f"Annotations/ant/{object_id}/{t}.png", 255 if object_id == "1" else 1)
    return tmp_path


def test_objects_start_where_their_folders_start(root: Path) -> None:
    dataset = open_dataset("object-folders", root)
    assert dataset.problems() == []
    sequence, truth = dataset.sequence("ant"), dataset.truth("ant")
    assert [(mask.frame_index, mask.object_ids) for mask in sequence.first_masks] == [(0, (1,)), (4, (2,))]
    assert list(truth.masks) == ["0", "2", "4", "6", "8"]
    assert truth.masks["2"].load().ids == (1,)
    both = truth.masks["6"].load()
    assert both.object_ids() == (1, 2)
    assert both.planes((1, 2)).sum((1, 2)).tolist() == [200, 400]
    assert [path.parent.name for path in truth.masks["6"].files()] == ["1", "2"]


def test_predictions_are_folders_too_or_label_pngs(root: Path, tmp_path: Path) -> None:
    dataset = open_dataset("object-folders", root)
    masks = tmp_path / "masks"
    (masks / "ant").mkdir(parents=True)
    for t in range(0, 10, 2):
        write_labels(masks / f"ant/{t}.png", dataset.truth("ant").masks[str(t)].load().as_labels())
    assert [o.j.mean for o in score(masks, dataset, jobs=1).objects] == [pytest.approx(1 / 3), 1]
    shutil.copytree(root / "Annotations", tmp_path / "same")
    assert [o.j.mean for o in score(tmp_path / "same", dataset, jobs=1).objects] == [1, 1]


def test_an_archive_has_the_folders_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of SA-V, from 000 on, though 0 is no id: object 000 has the id 1."""
    monkeypatch.setattr(SAV, "server", "some")
    dataset = open_dataset("sav", write_sav(tmp_path / "data"))
    masks = shutil.copytree(tmp_path / "data/sav_val/Annotations_6fps", tmp_path / "masks")
    own = sorted(path.relative_to(masks).as_posix() for path in masks.rglob("*.png"))
    assert {name.split("/")[1] for name in own} == {"000", "001", "002"}
    assert [o.object_id for o in score(masks, dataset, jobs=1).objects] == [1, 2, 3, 1]
    assert export(masks, dataset, tmp_path / "out.zip") == len(own)
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        assert sorted(packed.namelist()) == own


def test_a_mask_that_is_missing_after_the_first_is_an_error(root: Path) -> None:
    dataset = open_dataset("object-folders", root)
    (root / "Annotations/ant/2/6.png").unlink()
    with pytest.raises(VosbenchError, match=r"ant/2/6\.png does not exist"):
        dataset.truth("ant").masks["6"].load()
    (problem,) = dataset.problems()
    assert problem.message.endswith("ant/2/6.png does not exist")


def test_the_fingerprint_knows_whose_mask_it_is(root: Path) -> None:
    before = open_dataset("object-folders", root).fingerprint("ant")
    (root / "Annotations/ant/2").rename(root / "Annotations/ant/3")
    assert open_dataset("object-folders", root).fingerprint("ant") != before


def test_masks_of_different_sizes(root: Path) -> None:
    write(root / "Annotations/ant/2/6.png", shape=(20, 31))
    with pytest.raises(VosbenchError, match=r"ant/2/6.png is 31x20 pixels, .*ant/1/6.png 30x20"):
        object_folders(root / "Annotations/ant")["6"].load()


def test_numbers_may_start_at_zero(tmp_path: Path) -> None:
    for name in ("000", "001"):
        write(tmp_path / name / "00000.png")
    (masks,) = object_folders(tmp_path, lowest=0).values()
    assert masks.load().object_ids() == (1, 2)
    with pytest.raises(VosbenchError, match="000 is not the folder of an object") as caught:
        object_folders(tmp_path)
    assert "from 1 to 254" in caught.value.hint
    assert object_folders(tmp_path / "absent") == {}
