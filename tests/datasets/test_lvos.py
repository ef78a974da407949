import json
import pickle
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from layouts import frame, write_lvos

from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.masks.check import truth_problems
from vosbench.masks.score import score
from vosbench.metrics.evaluate import plan, score_frames, split_plan, traces
from vosbench.metrics.protocols import find_protocol
from vosbench.video import ObjectSpan

HALF = {"1": {"frame_range": {"start": 1.5}}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_lvos(tmp_path)


def edit(root: Path, change: Any, file: str = "val_meta.json") -> None:
    """Change the entry of `ant` in a meta file."""
    path = root / "val" / file
    meta = json.loads(path.read_text())
    change(meta["videos"]["ant"])
    path.write_text(json.dumps(meta))


def test_spans_are_those_of_the_meta_file(root: Path) -> None:
    edit(root, lambda video: video["objects"].update({"1": video["objects"].pop("2")}))
    edit(root, lambda video: video["objects"]["7"]["frame_range"].update(end="61", frame_nums="30"))
    truth = open_dataset("lvos-v2", root).truth("ant")
    assert list(truth.spans.items()) == [(7, ObjectSpan(16, 61, 30)), (1, ObjectSpan(1, 56, 12))]  # in its order
    assert truth.listed == (7, 1)
    assert len(truth.masks) == 12
    assert pickle.loads(pickle.dumps(open_dataset("lvos-v2", root))).truth("ant") == truth


def test_scores_of_a_part_of_the_frames(root: Path) -> None:
    """That a protocol can score a sequence is found out with few of its frames."""
    truth, rules = open_dataset("lvos-v2", root).truth("ant"), find_protocol("lvos")
    planned = plan(truth, rules)
    parts = split_plan(planned, truth.masks, 1)
    scored = [frame for part in parts[:4] for frame in score_frames(*part)]
    assert [(t.object_id, t.j.tolist()) for t in traces(planned, scored)] == [
        (2, [1] * 4 + [0] * 6),
        (7, [1] + [0] * 6),
    ]


def test_unseen_videos(root: Path) -> None:
    dataset = open_dataset("lvos-v2", root)
    assert [dataset.truth(name).unseen for name in ("ant", "bee")] == [(), (1,)]
    before = dataset.fingerprint("bee")
    (root / "unseen_videos.txt").rename(root / "val/unseen_videos.txt")
    assert open_dataset("lvos-v2", root).fingerprint("bee") == before
    (root / "val/unseen_videos.txt").write_text("ant\n")
    assert open_dataset("lvos-v2", root).fingerprint("bee") != before
    (root / "val/unseen_videos.txt").unlink()
    assert open_dataset("lvos-v1", root).truth("bee").unseen is None


@pytest.mark.parametrize("folder", ["val", "valid"])
@pytest.mark.parametrize("prefix", ["val", "valid"])
def test_both_names_of_the_split(tmp_path: Path, folder: str, prefix: str) -> None:
    write_lvos(tmp_path, folder, prefix)
    for asked in ("val", "valid", None):
        dataset = open_dataset("lvos-v2", tmp_path, asked)
        assert (dataset.split, dataset.sequence_names()) == ("val", ("ant", "bee"))
        assert dataset.attributes("ant") == ("OCC", "DEF")
        assert dataset.problems() == []


def test_objects_start_where_the_meta_file_says(root: Path) -> None:
    dataset = open_dataset("lvos-v2", root)
    assert [(m.frame_index, m.object_ids) for m in dataset.sequence("ant").first_masks] == [(0, (2,)), (3, (7,))]
    edit(root, lambda video: video["objects"]["7"]["frame_range"].update(start="26"))
    edit(root, lambda video: video["objects"]["2"]["frame_range"].update(start="1000"))
    dataset = open_dataset("lvos-v2", root)
    assert [(m.frame_index, m.object_ids) for m in dataset.sequence("ant").first_masks] == [(0, (2,)), (5, (7,))]
    (problem,) = dataset.problems()
    assert "val_meta.json starts object 2 at 00001000, whose mask does not hold it" in problem.message


def test_an_object_that_no_mask_shows_is_not_followed(root: Path) -> None:
    span = {"frame_range": {"start": "6", "end": "41", "frame_nums": "8"}}
    edit(root, lambda video: video["objects"].update({"9": span}))
    dataset = open_dataset("lvos-v2", root)
    assert dataset.sequence("ant").object_ids == (2, 7)
    assert dataset.truth("ant").listed == (2, 7, 9)
    (problem,) = dataset.problems()
    assert "starts object 9 at 00000006" in problem.message
    assert problem.hint.startswith("no mask holds it, so it is not followed")
    edit(root, lambda video: [video["objects"].pop(i) for i in ("2", "7")])
    with pytest.raises(VosbenchError, match=r"no mask in .* holds an object of val_meta.json"):
        open_dataset("lvos-v2", root).sequence("ant")


def test_start_frames_are_not_told_of_where_no_mask_is(root: Path) -> None:
    for kind in ("JPEGImages", "Annotations"):
        shutil.rmtree(root / "val" / kind / "bee")
    found = open_dataset("lvos-v2", root).problems()
    assert [problem.message.partition(": ")[0] for problem in found] == ["sequence bee of lvos-v2 val is absent"] * 2


@pytest.mark.parametrize(("count", "more"), [("12", 0), ("13", 1), ("20", 8)])
def test_frames_that_the_meta_file_counts_and_no_range_has(root: Path, count: str, more: int) -> None:
    """The array of the published evaluator is filled up with zeros: scored so, but not in silence."""
    edit(root, lambda video: video["objects"]["2"]["frame_range"].update(end="56", frame_nums=count))
    dataset, rules = open_dataset("lvos-v2", root).only(["ant"]), find_protocol("lvos")
    told = [(p.message.rpartition(": ")[2], p.warning) for p in truth_problems(dataset, "ant", rules)]
    assert told == [(f"{more} of object 2", True)] * (more > 0)
    with warnings.catch_warnings(record=True, action="always") as caught:
        scores = score(root / "val/Annotations", dataset, jobs=1)
    assert [f"{more} of object 2" in str(w.message) for w in caught] == [True] * (more > 0)
    assert [t.j.tolist() for t in scores.traces if t.object_id == 2] == [[1] * 10 + [0] * more]


def test_ids_that_the_meta_file_lacks(root: Path) -> None:
    write_labels(root / "val/Annotations/ant/00000001.png", frame(0, (2, 0, 5))[1])
    (problem,) = open_dataset("lvos-v2", root).problems()
    assert "the masks hold ids 5 that val_meta.json lacks" in problem.message


@pytest.mark.parametrize(("end", "told"), [("56", 0), ("61", 0), ("62", 1)])
def test_a_video_that_ends_before_its_objects_do_is_warned_of(root: Path, end: str, told: int) -> None:
    edit(root, lambda video: video["objects"]["7"]["frame_range"].update(end=end))
    found = open_dataset("lvos-v2", root).problems()
    assert [p.message.partition(" ends at ")[2] for p in found] == ["frame 56, and val_meta.json goes to 62"] * told
    assert all(problem.warning for problem in found)


@pytest.mark.parametrize("objects", ["oops", ["1"], {"o": {}}, {"1": 3}, {"1": {"frame_range": {"start": "a"}}}, HALF])
def test_a_faulty_entry_is_told_of_in_plain_words(root: Path, objects: object) -> None:
    edit(root, lambda video: video.update(objects=objects))
    with pytest.raises(VosbenchError, match=r"faulty entry for the video ant, \{.*\}: ") as caught:
        open_dataset("lvos-v1", root).truth("ant")
    assert "invalid literal" not in caught.value.message
    assert "Error" not in caught.value.message


def test_a_faulty_entry_spoils_no_other_video(root: Path) -> None:
    edit(root, lambda video: video["objects"]["2"].pop("frame_range"))
    dataset = open_dataset("lvos-v2", root)
    assert dataset.truth("bee").listed == (1,)
    assert dataset.only(["bee"]).problems() == []
    with pytest.raises(
        VosbenchError, match=r"val_meta.json has a faulty entry for the video ant, .*: it lacks frame_ra"
    ):
        dataset.truth("ant")
    assert any("faulty entry for the video ant" in problem.message for problem in dataset.problems())


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"videos": []}', '"videos"'])
def test_what_is_no_meta_file(root: Path, text: str) -> None:
    (root / "val/val_meta.json").write_text(text)
    with pytest.raises(VosbenchError, match=r"val/val_meta.json is no meta file"):
        open_dataset("lvos-v2", root)
    (root / "val/val_meta.json").unlink()
    with pytest.raises(VosbenchError, match=r"cannot read .*val/valid_meta.json: No such file"):
        open_dataset("lvos-v2", root)


def test_a_video_is_never_dropped(root: Path) -> None:
    shutil.copytree(root / "val/Annotations/ant", root / "val/Annotations/cat")
    shutil.rmtree(root / "val/Annotations/bee")
    shutil.rmtree(root / "val/JPEGImages/bee")
    dataset = open_dataset("lvos-v2", root)
    assert dataset.sequence_names() == ("ant", "bee", "cat")
    with pytest.raises(VosbenchError, match="sequence bee of lvos-v2 val is absent"):
        dataset.sequence("bee")
    with pytest.raises(VosbenchError, match=r"val_meta.json does not have the video cat"):
        dataset.truth("cat")


def test_attributes_are_optional(root: Path) -> None:
    for faulty in (None, "OCC"):
        edit(root, lambda video, faulty=faulty: video.update(attributes=faulty), "val_meta_attribute.json")
        with pytest.raises(VosbenchError, match=r"val_meta_attribute.json has a faulty entry for .* are no list"):
            open_dataset("lvos-v2", root).attributes("ant")
    (root / "val/val_meta_attribute.json").unlink()
    assert open_dataset("lvos-v2", root).attributes("ant") == ()


def test_absent_splits(root: Path) -> None:
    with pytest.raises(VosbenchError, match=r"split train of lvos-v2 is absent") as caught:
        open_dataset("lvos-v2", root, "train")
    assert caught.value.hint == "splits found there: test, val"
    with pytest.raises(VosbenchError, match="unknown split 'vall'"):
        open_dataset("lvos-v2", root, "vall")
    with pytest.raises(
        VosbenchError, match=r"split val of lvos-v2 is absent: no folder .*val/val or .*/eval"
    ) as caught:
        open_dataset("lvos-v2", root / "val")
    assert caught.value.hint == "that is the folder of one split: give the folder above it as root (--root)"
