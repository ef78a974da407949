import json
import shutil
from pathlib import Path

import pytest
from layouts import frame, write_mose

from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import write_labels


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_mose(tmp_path)


def rewrite(root: Path, video: str, objects: object, split: str = "train") -> None:
    """Give a video of meta.json other objects."""
    path = root / split / "meta.json"
    meta = json.loads(path.read_text())
    meta["videos"][video]["objects"] = objects
    path.write_text(json.dumps(meta))


@pytest.mark.parametrize("name", ["mose-v1", "mose-v2"])
def test_objects_that_appear_later(root: Path, name: str) -> None:
    dataset = open_dataset(name, root, "train")
    assert [(m.frame_index, m.object_ids) for m in dataset.sequence("ant").first_masks] == [(0, (1,)), (2, (3,))]
    assert len(dataset.truth("ant").masks) == 6
    assert open_dataset(name, root, "val").split == "valid"


@pytest.mark.parametrize("name", ["mose-v1", "mose-v2"])
def test_valid_has_first_masks_only(root: Path, name: str) -> None:
    dataset = open_dataset(name, root)
    assert (dataset.split, dataset.is_private) == ("valid", True)
    shutil.copytree(root / "train/Annotations", root / "valid/Annotations", dirs_exist_ok=True)
    assert not open_dataset(name, root).is_private  # as the evaluation server has it
    (root / "valid/Annotations/bee").rename(root / "valid/Annotations/cow")
    assert open_dataset(name, root).is_private


def test_meta_json_lists_the_objects(root: Path) -> None:
    assert open_dataset("mose-v2", root, "train").truth("ant").listed == (1, 3)
    before = open_dataset("mose-v2", root, "train").fingerprint("ant")
    rewrite(root, "ant", {"3": {}, "255": {}})
    dataset = open_dataset("mose-v2", root, "train")
    assert dataset.truth("ant").listed == (3, 255)
    assert dataset.fingerprint("ant") != before
    assert dataset.sequence("ant").object_ids == (3,)
    (problem,) = dataset.problems()
    assert "the masks hold ids 1 that meta.json lacks" in problem.message
    (root / "train/meta.json").unlink()
    bare = open_dataset("mose-v2", root, "train")
    assert (bare.truth("ant").listed, bare.problems()) == (None, [])
    assert open_dataset("mose-v1", root, "train").truth("ant").listed is None


def test_frames_that_the_meta_file_counts_and_are_not_there(root: Path) -> None:
    assert open_dataset("mose-v2", root, "train").problems() == []
    (root / "train/JPEGImages/bee/00005.jpg").unlink()
    (root / "train/Annotations/bee/00005.png").unlink()
    (problem,) = open_dataset("mose-v2", root, "train").problems()
    assert (problem.message.endswith("JPEGImages/bee holds 5 frames, and meta.json tells of 6"), problem.warning) == (
        True,
        True,
    )


@pytest.mark.parametrize(("length", "told"), [("five", 1), (5.5, 1), (True, 1), ("6", 0), (6.0, 0), (None, 0)])
def test_a_length_that_is_no_number_of_frames(root: Path, length: object, told: int) -> None:
    path = root / "train/meta.json"
    meta = json.loads(path.read_text())
    meta["videos"]["bee"]["length"] = length
    path.write_text(json.dumps(meta))
    found = open_dataset("mose-v2", root, "train").problems()
    assert [p.message.partition("}: ")[2] for p in found] == [f"{length!r} is no length"] * told


@pytest.mark.parametrize("objects", [[], ["0"], ["256"], ["a"], None, "12", 3, [1.5, 2], [True], [[1]]])
def test_a_faulty_entry_spoils_no_other_video(root: Path, objects: object) -> None:
    rewrite(root, "ant", objects)
    dataset = open_dataset("mose-v2", root, "train")
    assert dataset.truth("bee").listed == (2,)
    with pytest.raises(VosbenchError, match=r"meta.json has a faulty entry for the video ant, \{") as caught:
        dataset.sequence("ant")
    assert caught.value.message.endswith(
        (": it has no objects", "no object id, from 1 to 255", ": its objects are no list")
    )


def test_an_object_that_no_mask_holds_is_told_of(root: Path) -> None:
    """It is scored all the same, by the protocol's rule; in a split of first masks it may appear later."""
    for split in ("train", "valid"):
        meta = json.loads((root / split / "meta.json").read_text())
        meta["videos"]["ant"]["objects"].append("5")
        (root / split / "meta.json").write_text(json.dumps(meta))
    (problem,) = open_dataset("mose-v2", root, "train").problems()
    assert problem.message == "sequence ant: no mask holds object 5 of meta.json"
    assert problem.warning
    assert open_dataset("mose-v2", root, "valid").problems() == []


def test_a_mask_without_the_listed_objects(root: Path) -> None:
    write_labels(root / "valid/Annotations/bee/00000.png", frame(0, (9,))[1])
    dataset = open_dataset("mose-v2", root)
    assert any("the masks hold ids 9 that meta.json lacks" in problem.message for problem in dataset.problems())
    with pytest.raises(VosbenchError, match=r"no mask in .* holds an object of meta.json"):
        dataset.sequence("bee")
