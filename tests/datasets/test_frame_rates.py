"""Data sets whose frames at inference are more than those that have masks: VOST, SA-V, LongVideo; and VISOR."""

import shutil
from pathlib import Path

import pytest
from layouts import frame, write_longvideo, write_sav, write_visor, write_vost

from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.masks.export import export


def starts(dataset, name: str) -> list[tuple[int, tuple[int, ...]]]:
    return [(mask.frame_index, mask.object_ids) for mask in dataset.sequence(name).first_masks]


def test_vost_shows_more_frames_than_it_scores(tmp_path: Path) -> None:
    root = write_vost(tmp_path)
    dataset = open_dataset("vost", root)
    sequence, truth = dataset.sequence("1_cut_ant"), dataset.truth("1_cut_ant")
    assert (dataset.frame_mode, len(sequence.frames), sequence.outputs) == ("10fps", 12, (0, 2, 4, 6, 8, 10))
    assert list(truth.masks) == [sequence.frames[i].name for i in sequence.outputs]
    slow = open_dataset("vost", root, frame_mode="5fps")
    assert [frame.name for frame in slow.sequence("1_cut_ant").frames] == list(truth.masks)
    assert slow.fingerprint("1_cut_ant") != dataset.fingerprint("1_cut_ant")
    assert slow.problems() == []
    shutil.rmtree(root / "JPEGImages")
    assert open_dataset("vost", root).sequence("1_cut_ant").outputs == (0, 2, 4, 6, 8, 10)
    with pytest.raises(VosbenchError, match="sequence 1_cut_ant of vost val is absent"):
        open_dataset("vost", root, frame_mode="5fps").sequence("1_cut_ant")


def test_vost_takes_its_objects_from_the_first_frame(tmp_path: Path) -> None:
    root = write_vost(tmp_path)
    write_labels(root / "Annotations/1_cut_ant/frame00012.png", frame(2, (1, 2, 3))[1])
    assert starts(open_dataset("vost", root), "1_cut_ant") == [(0, (1, 2))]


def test_vost_test_has_first_masks_only(tmp_path: Path) -> None:
    dataset = open_dataset("vost", write_vost(tmp_path / "data"), "test")
    assert dataset.is_private
    assert dataset.sequence("3_open_cat").outputs == (0, 2, 4, 6, 8, 10)
    with pytest.raises(VosbenchError, match="vost test is private") as caught:
        dataset.truth("3_open_cat")
    assert caught.value.hint == "score another split"
    with pytest.raises(VosbenchError, match="no server takes masks of the data set vost"):
        export(tmp_path, dataset, tmp_path / "out.zip")
    folder = dataset.mask_folder("3_open_cat")
    for t in range(2, 12, 2):
        write_labels(folder / f"frame{6 * t:05d}.png", frame(t, (1,))[1])
    assert len(open_dataset("vost", tmp_path / "data", "test").truth("3_open_cat").masks) == 6  # its keepers have all


def test_vost_needs_frames_or_masks(tmp_path: Path) -> None:
    (tmp_path / "JPEGImages").mkdir()
    with pytest.raises(VosbenchError, match="holds neither JPEGImages_10fps nor Annotations"):
        open_dataset("vost", tmp_path)


def test_sav_writes_what_is_annotated(tmp_path: Path) -> None:
    root = write_sav(tmp_path)
    dataset = open_dataset("sav", root)
    sequence, truth = dataset.sequence("sav_000001"), dataset.truth("sav_000001")
    assert (len(sequence.frames), sequence.outputs) == (24, (0, 4, 8, 12, 16, 20))
    assert starts(dataset, "sav_000001") == [(0, (1, 2)), (8, (3,))]
    assert [truth.masks[name].own_masks() for name in ("00004", "00008")] == [(1, 2), (1, 2, 3)]
    first = truth.masks["00008"].load()
    one, two = first.planes((1, 2))
    assert (one & two).any()
    assert dataset.sequence_names() == ("sav_000001", "sav_000002")


def test_an_object_of_sav_ends_with_its_folder(tmp_path: Path) -> None:
    dataset = open_dataset("sav", write_sav(tmp_path))
    folder = dataset.mask_folder("sav_000001")
    (folder / "000/00020.png").unlink()
    assert dataset.problems() == []
    assert dataset.truth("sav_000001").masks["00020"].own_masks() == (2, 3)
    assert dataset.predicted(folder, ["00020"])["00020"].own_masks() == (2, 3)  # wherever it is scored, an error
    (folder / "002/00012.png").unlink()
    assert [problem.message for problem in dataset.problems()] == [f"mask {folder}/002/00012.png does not exist"]
    with pytest.raises(VosbenchError, match=r"002/00012.png does not exist"):
        dataset.truth("sav_000001").masks["00012"].load()


@pytest.mark.parametrize("place", ["val", "."])
def test_sav_lies_in_one_of_three_places(tmp_path: Path, place: str) -> None:
    write_sav(tmp_path)
    if place == ".":
        root = tmp_path / "sav_val"
    else:
        root = tmp_path
        (tmp_path / "sav_val").rename(tmp_path / "val")
    dataset = open_dataset("sav", root)
    assert dataset.problems() == []
    (dataset.mask_folder("").parent / "sav_val.txt").unlink()
    if place == "val":
        assert open_dataset("sav", root, "sav_val").sequence_names() == ("sav_000001", "sav_000002")
    with pytest.raises(VosbenchError, match="split test of sav is absent"):
        open_dataset("sav", root, "test")


def test_sav_may_have_label_maps(tmp_path: Path) -> None:
    write_sav(tmp_path)
    folder = tmp_path / "sav_val/Annotations_6fps/sav_000001"
    shutil.rmtree(folder)
    for t in range(0, 24, 4):
        folder.mkdir(exist_ok=True)
        write_labels(folder / f"{t:05d}.png", frame(t, (7, 40))[1])
    dataset = open_dataset("sav", tmp_path)
    assert dataset.problems() == []
    assert starts(dataset, "sav_000001") == [(0, (7, 40))]


def test_long_videos_play_once_or_three_times(tmp_path: Path) -> None:
    root = write_longvideo(tmp_path)
    for split, folder, frames, masks in (("x1", "long_video", 12, 4), ("x3", "long_video_x3", 36, 12)):
        for where, asked in ((root, split), (root, folder), (root / folder, split)):
            dataset = open_dataset("longvideo", where, asked)
            assert dataset.split == split
            assert dataset.problems() == []
            assert len(dataset.sequence("rat").frames) == frames
            assert len(dataset.truth("rat").masks) == masks
    assert open_dataset("longvideo", root).split == "x1"
    with pytest.raises(VosbenchError, match="long_video_x3 is the split x3 of longvideo") as caught:
        open_dataset("longvideo", root / "long_video_x3")
    assert caught.value.hint == "give it as split (--split x3)"


def test_only_the_first_mask_of_a_long_video_reaches_a_model(tmp_path: Path) -> None:
    root = write_longvideo(tmp_path)
    write_labels(root / "long_video/Annotations/rat/00004.png", frame(4, (1, 2, 3))[1])
    dataset = open_dataset("longvideo", root)
    assert starts(dataset, "rat") == [(0, (1, 2))]
    (root / "long_video/Annotations/rat/00000.png").unlink()
    with pytest.raises(VosbenchError, match=r"the first frame's mask .*00000\.png does not exist"):
        dataset.sequence("rat")


def test_visor_has_two_lists_of_validation(tmp_path: Path) -> None:
    root = write_visor(tmp_path)
    dataset = open_dataset("visor", root)
    assert dataset.sequence_names() == ("P01_03_seq_00001",)
    unseen = open_dataset("visor", root, "val_unseen")
    assert unseen.problems() == []
    assert len(unseen.truth("P05_02_seq_00004").masks) == 2
    next(unseen.mask_folder("P05_02_seq_00004").iterdir()).unlink()
    with pytest.raises(VosbenchError, match=r"lacks the masks of frames P05"):
        unseen.truth("P05_02_seq_00004")
    with pytest.raises(VosbenchError, match="unknown split 'test'"):
        open_dataset("visor", root, "test")
