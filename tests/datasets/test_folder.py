from pathlib import Path

import numpy as np
import pytest

from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError


@pytest.mark.parametrize("level", ["", "480p"])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_objects_start_where_they_are_first_seen(
    tmp_path: Path,
    labels,
    write_frames,
    write_masks,
    level: str,
    suffix: str,
):
    write_frames(tmp_path / "JPEGImages" / level / "zoo", [str(i) for i in range(12)], suffix)
    masks = {"0": labels(0, 4), "3": labels(0, 4, 255), "10": labels(2, 4, 9), "11": labels(2)}
    write_masks(tmp_path / "Annotations" / level / "zoo", masks)
    dataset = open_dataset("folder", tmp_path)
    assert (dataset.split, dataset.frame_mode, dataset.default_protocol) == ("all", "", "folder")
    assert dataset.sequence_names() == ("zoo",)
    sequence = dataset.sequence("zoo")
    assert [(mask.frame_index, mask.object_ids) for mask in sequence.first_masks] == [(0, (4,)), (10, (2, 9))]
    np.testing.assert_array_equal(
        sequence.first_masks[1].load(), [labels(2, 0, 9) == i for i in sequence.first_masks[1].object_ids]
    )  # object 4 is being followed
    truth = dataset.truth("zoo")
    assert list(truth.masks) == ["0", "3", "10", "11"]
    assert truth.frame_names == tuple(str(i) for i in range(12))
    assert dataset.problems() == []


def test_videos_without_masks_or_frames_are_told_of(tmp_path: Path, labels, write_frames, write_masks) -> None:
    write_frames(tmp_path / "JPEGImages/bare", ["0", "1"])
    write_frames(tmp_path / "JPEGImages/empty", ["0", "1"])
    write_masks(tmp_path / "Annotations/empty", {"0": labels()})
    write_masks(tmp_path / "Annotations/lost", {"0": labels(1)})
    dataset = open_dataset("folder", tmp_path)
    assert dataset.sequence_names() == ("bare", "empty", "lost")
    with pytest.raises(VosbenchError, match=r"sequence bare of .* absent: .*Annotations/bare does not exist"):
        dataset.sequence("bare")
    with pytest.raises(VosbenchError, match=r"none of the 1 masks in .* holds an object"):
        dataset.sequence("empty")
    with pytest.raises(VosbenchError, match=r"lost of folder all is absent: .*JPEGImages/lost does not exist"):
        dataset.sequence("lost")
    assert {problem.path.name for problem in dataset.problems()} == {"bare", "empty", "lost"}


def test_every_mask_is_looked_at(tmp_path: Path, labels, write_frames, write_masks) -> None:
    write_frames(tmp_path / "JPEGImages/zoo", ["0", "1"])
    write_masks(tmp_path / "Annotations/zoo", {"0": labels(1), "1": labels(255)})
    with pytest.raises(VosbenchError, match=r"zoo/1.png is a 0/255 mask"):
        open_dataset("folder", tmp_path).sequence("zoo")


@pytest.mark.parametrize("odd", ["0000\udce9", "00002\u200b"])
def test_frames_whose_names_cannot_be_read_are_named(tmp_path: Path, labels, write_frames, write_masks, odd) -> None:
    names = ["00000", "00001", "00002", "00003"]
    write_frames(tmp_path / "JPEGImages/zoo", names)
    write_masks(tmp_path / "Annotations/zoo", dict.fromkeys(names, labels(1)))
    for path in tmp_path.glob("*/zoo/00002.*"):
        path.rename(path.with_stem(odd))
    problem = open_dataset("folder", tmp_path).problems()[0]
    assert problem.warning
    assert problem.message.endswith(f"unseen characters: {odd}.jpg")


def test_folders_that_are_not_one(tmp_path: Path) -> None:
    with pytest.raises(VosbenchError, match="holds neither JPEGImages nor Annotations"):
        open_dataset("folder", tmp_path)
    (tmp_path / "JPEGImages").mkdir()
    with pytest.raises(VosbenchError, match="has no sequence"):
        open_dataset("folder", tmp_path)


def test_splits_are_the_lists_there_are(tmp_path: Path, labels, write_masks) -> None:
    for name in ("a b", "bee", "cat"):
        write_masks(tmp_path / "Annotations" / name, {"0": labels(1)})
    lists = {"val": "cat\n\na b\n", "2017/train": "bee\n", "2016/train": "cat\n", "2017/own": "bee\ncat\n"}
    for name, text in lists.items():
        path = tmp_path / "ImageSets" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for split, names in {"all": ("a b", "bee", "cat"), "val": ("cat", "a b"), "own": ("bee", "cat")}.items():
        assert open_dataset("folder", tmp_path, split).sequence_names() == names
    with pytest.raises(VosbenchError, match=r"several lists train\.txt: 2016, 2017"):
        open_dataset("folder", tmp_path, "train")
    with pytest.raises(VosbenchError, match="unknown split 'test'") as caught:
        open_dataset("folder", tmp_path, "test")
    assert caught.value.hint == "there are: all, own, train, val"


def test_real_folder(shared: Path) -> None:
    dataset = open_dataset("folder", shared / "data/multi")
    assert dataset.sequence_names() == ("caps", "schoolgirls")
    caps, girls = map(dataset.sequence, dataset.sequence_names())
    assert [(mask.frame_index, mask.object_ids) for mask in caps.first_masks] == [(0, (1,)), (33, (2,))]
    assert [(mask.frame_index, mask.object_ids) for mask in girls.first_masks] == [(0, (1, 2, 3, 4, 5, 6, 7))]
    assert list(dataset.truth("caps").masks) == ["00000", "00014", "00033", "00043", "00066"]
    assert len(dataset.truth("caps").frame_names) == len(caps.frames) == 87
    assert dataset.problems() == []
