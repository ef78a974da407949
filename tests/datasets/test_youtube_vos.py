import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vosbench.datasets import open_dataset
from vosbench.datasets.label_pngs import LabelPng
from vosbench.datasets.youtube_vos import YouTubeVOS2019
from vosbench.errors import VosbenchError
from vosbench.images import write_labels


def edit(root: Path, split: str, change) -> None:
    """Change the objects that meta.json gives of video a1."""
    path = root / split / "meta.json"
    meta: dict[str, Any] = json.loads(path.read_text())
    change(meta["videos"]["a1"]["objects"])
    path.write_text(json.dumps(meta))


def starts(root: Path, split: str = "valid") -> list[tuple[int, tuple[int, ...]]]:
    sequence = open_dataset("youtube-vos-2019", root, split).sequence("a1")
    return [(mask.frame_index, mask.object_ids) for mask in sequence.first_masks]


@pytest.mark.parametrize("split", ["valid", "train"])
def test_objects_that_appear_later(youtube: Path, labels, split: str) -> None:
    dataset = open_dataset("youtube-vos-2018", youtube, split)
    assert (dataset.name, dataset.frame_mode, dataset.default_protocol) == ("youtube-vos-2018", "6fps", "youtube-vos")
    sequence = dataset.sequence("a1")
    assert [frame.name for frame in sequence.frames[:3]] == ["00010", "00015", "00020"]
    assert starts(youtube, split) == [(0, (1,)), (5, (3,)), (15, (7,))]
    for mask, expected in zip(sequence.first_masks, [labels(1), labels(0, 3), labels(0, 0, 7)], strict=True):
        np.testing.assert_array_equal(
            mask.load(), [expected == i for i in mask.object_ids]
        )  # train's masks hold the earlier objects too
    assert sequence.outputs == (0, 2, 5, 9, 15, 19)
    assert sequence.shorter_side == 480
    assert dataset.problems() == []


@pytest.mark.parametrize("mode", ["6fps", "all-frames"])
def test_val_is_another_name_of_valid(youtube: Path, mode: str) -> None:
    val, valid = (open_dataset("youtube-vos-2019", youtube, split, frame_mode=mode) for split in ("val", "valid"))
    assert (val.split, val.is_private, val.frame_folder("a1")) == ("valid", True, valid.frame_folder("a1"))


def test_all_frames(youtube: Path) -> None:
    dataset = open_dataset("youtube-vos-2019", youtube, frame_mode="all-frames")
    sequence = dataset.sequence("a1")
    assert len(sequence.frames) == 96
    assert [mask.frame_index for mask in sequence.first_masks] == [0, 25, 75]
    assert sequence.first_masks[1].source == LabelPng(youtube / "valid/Annotations/a1/00035.png")
    assert sequence.outputs == (0, 10, 25, 45, 75, 95)
    assert dataset.fingerprint("a1") != open_dataset("youtube-vos-2019", youtube).fingerprint("a1")
    with pytest.raises(VosbenchError, match=r"train_all_frames/JPEGImages does not exist"):
        open_dataset("youtube-vos-2019", youtube, "train", frame_mode="all-frames")


def test_truth_of_held_out_videos_only(youtube: Path) -> None:
    truth = open_dataset("youtube-vos-2019", youtube, "train").truth("a1")
    assert len(truth.masks) == len(truth.frame_names) == 20
    with pytest.raises(VosbenchError, match="youtube-vos-2019 valid is private"):
        open_dataset("youtube-vos-2019", youtube).truth("a1")


def test_categories(youtube: Path) -> None:
    assert YouTubeVOS2019(youtube, "train").categories("a1") == {1: "ape", 3: "fox", 7: "ape"}
    assert YouTubeVOS2019(youtube).categories("a1") == {}


def test_wrong_start_frames_in_meta(youtube: Path) -> None:
    """The start frame's mask lacks the object, or is not there: the earliest mask that holds the object counts."""
    right = starts(youtube)
    edit(youtube, "valid", lambda objects: objects["3"]["frames"].insert(0, "00010"))  # a mask without object 3
    edit(youtube, "valid", lambda objects: objects["7"]["frames"].insert(0, "00020"))  # no mask
    assert starts(youtube) == right
    found = open_dataset("youtube-vos-2019", youtube).problems()
    assert [problem.path.name for problem in found] == ["00010.png", "00020.png"]
    assert "meta.json starts object 3 at 00010, whose mask does not hold it" in found[0].message
    assert "meta.json starts object 7 at 00020" in found[1].message


def test_two_objects_that_start_together(youtube: Path, labels) -> None:
    write_labels(youtube / "valid/Annotations/a1/00010.png", labels(1, 3))
    edit(youtube, "valid", lambda objects: objects["3"]["frames"].insert(0, "00010"))
    assert starts(youtube) == [(0, (1, 3)), (15, (7,))]


def test_object_without_any_mask(youtube: Path) -> None:
    edit(youtube, "valid", lambda objects: objects.update({"5": {"frames": ["00010"]}}))
    with pytest.raises(VosbenchError, match=r"no mask in .* holds object 5 of meta.json"):
        starts(youtube)
    (problem,) = open_dataset("youtube-vos-2019", youtube).problems()
    assert "holds object 5 of meta.json" in problem.message


@pytest.mark.parametrize("kept", ["frames and masks", "frames", "no readable mask"])
def test_start_frames_are_not_told_of_where_no_mask_is(youtube: Path, kept: str) -> None:
    if kept != "no readable mask":
        shutil.rmtree(youtube / "valid/Annotations/a1")
        shutil.rmtree(youtube / "valid/JPEGImages/a1") if kept != "frames" else None
    for mask in youtube.glob("valid/Annotations/a1/*"):
        mask.write_bytes(b"broken")
    messages = [problem.message for problem in open_dataset("youtube-vos-2019", youtube).problems()]
    assert messages
    assert not [message for message in messages if "starts object" in message]


def test_ids_that_meta_lacks_are_left_out_and_told_of(youtube: Path) -> None:
    edit(youtube, "valid", lambda objects: objects.pop("3"))
    assert starts(youtube) == [(0, (1,)), (15, (7,))]
    (problem,) = open_dataset("youtube-vos-2019", youtube).problems()
    assert "the masks hold ids 3 that meta.json lacks" in problem.message


def test_a_broken_mask_is_told_of_once(youtube: Path) -> None:
    (youtube / "valid/Annotations/a1/00015.png").write_bytes(b"broken")
    found = [problem.message for problem in open_dataset("youtube-vos-2019", youtube).problems()]
    assert sum("00015.png is not a readable PNG" in message for message in found) == 1


def test_required_frame_is_absent(youtube: Path) -> None:
    (youtube / "valid/JPEGImages/a1/00020.jpg").unlink()
    with pytest.raises(VosbenchError, match=r"lacks frames 00020, which meta.json names"):
        starts(youtube)
    messages = [problem.message for problem in open_dataset("youtube-vos-2019", youtube).problems()]
    assert len(messages) == 2
    assert "lacks frames 00020 in between" in messages[0]


def test_absent_video(youtube: Path) -> None:
    shutil.rmtree(youtube / "valid/JPEGImages/a1")
    with pytest.raises(VosbenchError, match="sequence a1 of youtube-vos-2019 valid is absent"):
        starts(youtube)


def test_meta_determines_the_fingerprint(youtube: Path) -> None:
    before = YouTubeVOS2019(youtube).fingerprint("a1")
    edit(youtube, "valid", lambda objects: objects["1"]["frames"].pop())
    assert YouTubeVOS2019(youtube).fingerprint("a1") != before


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"videos": ["a1"]}'])
def test_broken_meta(youtube: Path, text: str) -> None:
    (youtube / "valid/meta.json").write_text(text)
    with pytest.raises(VosbenchError, match=r"valid/meta.json is no meta file"):
        open_dataset("youtube-vos-2019", youtube)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"objects": {"x": {"frames": []}}},
        {"objects": {"0": {"frames": []}}},
        {"objects": {"255": {"frames": []}}},
        {"objects": {"1": {}}},
        {"objects": {"1": {"frames": "00000"}}},
        {"objects": "oops"},
        None,
    ],
)
def test_a_faulty_entry_spoils_no_other_video(youtube: Path, entry: Any) -> None:
    path = youtube / "valid/meta.json"
    videos = json.loads(path.read_text())["videos"]
    for kind in ("JPEGImages", "Annotations"):
        shutil.copytree(youtube / "valid" / kind / "a1", youtube / "valid" / kind / "b2")
    path.write_text(json.dumps({"videos": {"b2": videos["a1"], "a1": entry}}))
    dataset = open_dataset("youtube-vos-2019", youtube)
    assert dataset.sequence("b2").object_ids == (1, 3, 7)
    assert dataset.only(["b2"]).problems() == []
    for ask in (dataset.sequence, dataset.fingerprint, dataset.categories):
        with pytest.raises(VosbenchError, match=r"valid/meta.json has a faulty entry for the video a1"):
            ask("a1")
    assert any("faulty entry for the video a1" in problem.message for problem in dataset.problems())


def test_what_is_not_there(youtube: Path) -> None:
    (youtube / "valid/meta.json").unlink()
    with pytest.raises(VosbenchError, match=r"cannot read .*valid/meta.json: No such file"):
        open_dataset("youtube-vos-2019", youtube)
    with pytest.raises(VosbenchError, match=r"split test of .* is absent") as caught:
        open_dataset("youtube-vos-2019", youtube, "test")
    assert caught.value.hint == "splits found there: train, valid"
    with pytest.raises(VosbenchError, match="unknown split 'value'") as caught:
        open_dataset("youtube-vos-2019", youtube, "value")
    assert "valid" in caught.value.hint
    with pytest.raises(VosbenchError, match="unknown data set 'youtube-vos'") as caught:
        open_dataset("youtube-vos", youtube)
    assert "youtube-vos-2018" in caught.value.hint
