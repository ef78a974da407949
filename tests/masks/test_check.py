"""The pre-flight finds every fault at once, and nothing in sound predictions."""

import numpy as np
import pytest
from PIL import Image

from vosbench.datasets.davis import Davis2016, Davis2017
from vosbench.images import write_labels
from vosbench.masks.check import check_predictions


def picture(frame, objects, shift=0):
    labels = np.zeros((24, 40), np.uint8)
    for object_id in range(1, objects + 1):
        labels[4 + frame : 12 + frame, 12 * object_id - 8 + shift : 12 * object_id + shift] = object_id
    return labels


@pytest.fixture
def davis(tmp_path):
    """Three sequences of six frames with two objects, and predictions one pixel off."""
    root, masks = tmp_path / "DAVIS", tmp_path / "masks"
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "val.txt").write_text("ant\nbee\ncat\n")
    for name in ("ant", "bee", "cat"):
        folders = [root / kind / "480p" / name for kind in ("JPEGImages", "Annotations")] + [masks / name]
        for folder in folders:
            folder.mkdir(parents=True)
        for frame in range(6):
            Image.fromarray(np.zeros((24, 40, 3), np.uint8)).save(folders[0] / f"{frame:05d}.jpg")
            write_labels(folders[1] / f"{frame:05d}.png", picture(frame, 2))
            write_labels(folders[2] / f"{frame:05d}.png", picture(frame, 2, shift=1))
    return Davis2017(root, "val"), masks


def messages(masks, dataset, **options):
    found = check_predictions(masks, dataset, jobs=1, **options)
    assert all(problem.hint and "\n" not in problem.message for problem in found)
    return [problem.message.replace(f"{masks}", "masks") for problem in found]


def test_sound_predictions_have_no_problem(davis):
    dataset, masks = davis
    assert messages(masks, dataset) == []
    assert messages(masks, dataset, protocol="vos-benchmark") == []


def test_every_fault_is_found_at_once(davis):
    dataset, masks = davis
    (masks / "cat").rename(masks / "cats")
    (masks / "ant" / "00002.png").unlink()
    (masks / "ant" / "00009.png").write_bytes((masks / "ant" / "00003.png").read_bytes())
    (masks / "ant" / "00003.png").write_bytes(b"nothing")
    write_labels(masks / "ant" / "00004.png", picture(4, 2)[1:])
    (masks / "ant" / "00001.jpg").write_bytes(b"")
    Image.fromarray(np.zeros((24, 40, 3), np.uint8)).save(masks / "bee" / "00001.png")
    write_labels(masks / "bee" / "00002.png", np.where(picture(2, 1) == 1, 255, 0))
    write_labels(masks / "bee" / "00003.png", np.where(picture(3, 1) == 1, 7, 0))
    write_labels(masks / "bee" / "00004.png", np.arange(24 * 40).reshape(24, 40) // 5)
    for frame in (0, 5):
        write_labels(masks / "bee" / f"{frame:05d}.png", picture(frame, 1))
    found = messages(masks, dataset)
    for expected in (
        "masks lacks 1 of 3 sequences: cat",
        "masks holds folders that are no sequence of davis2017 val: cats",
        "masks/ant lacks 1 of 4 masks: frames 00002",
        "masks/ant holds masks of frames that the video does not have: 00009",
        "masks/ant holds what is no mask: 00001.jpg",
        "mask masks/ant/00003.png is not a readable PNG",
        "mask masks/ant/00004.png is 40x23 pixels, its frame 40x24",
        "mask masks/bee/00001.png is a RGB image, not a label map",
        "mask masks/bee/00002.png is a 0/255 mask, but object ids are expected",
        "mask masks/bee/00004.png is anti-aliased",
        "masks/bee holds ids that the ground truth does not have: 7, first in 00003",
        "masks/bee: no mask holds object 2",
    ):
        assert sum(message.startswith(expected) for message in found) == 1, (expected, found)
    assert len(found) == 12


def test_leaked_ground_truth(davis):
    dataset, masks = davis
    for frame in (1, 2, 3):
        write_labels(masks / "bee" / f"{frame:05d}.png", picture(frame, 2))
    assert messages(masks, dataset) == ["masks/bee equals the ground truth in 3 of 4 scored frames"]


def test_a_frame_twice(davis):
    dataset, masks = davis
    (masks / "ant" / "00003.PNG").write_bytes((masks / "ant" / "00003.png").read_bytes())
    assert messages(masks, dataset) == ["frame 00003 is in masks/ant twice: 00003.PNG and 00003.png"]


def test_proposals_may_have_any_ids(davis):
    dataset, masks = davis
    for path in (masks / "ant").iterdir():
        write_labels(path, 7 * np.array(Image.open(path)))
    assert messages(masks, dataset, protocol="davis2017-unsupervised") == []
    assert len(messages(masks, dataset)) == 2


def test_empty_predictions(davis):
    dataset, masks = davis
    for path in (masks / "ant").iterdir():
        write_labels(path, np.zeros((24, 40), np.uint8))
    assert messages(masks, dataset) == ["masks/ant: every mask is empty"]


def test_binary_masks_are_sound_for_davis2016(davis):
    dataset, masks = davis
    (dataset.root / "ImageSets" / "2017").rename(dataset.root / "ImageSets" / "2016")
    for path in masks.rglob("*.png"):
        write_labels(path, (np.array(Image.open(path)) > 0) * np.uint8(255))
    assert messages(masks, Davis2016(dataset.root, "val")) == []


def test_private_split_is_checked_without_ground_truth(davis):
    dataset, masks = davis
    (dataset.root / "ImageSets" / "2017" / "val.txt").rename(dataset.root / "ImageSets" / "2017" / "test-dev.txt")
    for path in dataset.root.glob("Annotations/480p/*/0000[1-5].png"):
        path.unlink()
    private = Davis2017(dataset.root, "test-dev")
    assert messages(masks, private) == []
    (masks / "ant" / "00005.png").unlink()
    write_labels(masks / "bee" / "00002.png", picture(2, 2)[1:])
    assert messages(masks, private) == [
        "masks/ant lacks 1 of 6 masks: frames 00005",
        "mask masks/bee/00002.png is 40x23 pixels, its frame 40x24",
    ]


def test_a_choice_of_sequences_needs_no_others_and_knows_them(davis):
    dataset, masks = davis
    assert messages(masks, dataset.only(["bee"])) == []
    (masks / "ant").rename(masks / "wasp")
    assert messages(masks, dataset.only(["bee"])) == ["masks holds folders that are no sequence of davis2017 val: wasp"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_and_order_on_any_number_of_processes(davis, monkeypatch, jobs):
    dataset, masks = davis
    monkeypatch.setattr("vosbench.base.processes.WORTHWHILE", 1)
    for name in ("ant", "bee", "cat"):
        (masks / name / "00003.png").unlink()
    seen = []
    found = check_predictions(masks, dataset, jobs=jobs, progress=lambda *counts: seen.append(counts))
    assert [problem.path.name for problem in found] == ["ant", "bee", "cat"]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_folder_of_a_run_that_is_called_like_a_sequence(davis):
    dataset, masks = davis
    run = masks.parent / "ant"
    (run / "masks").mkdir(parents=True)
    masks.rename(run / "masks/fifo")
    (problem,) = check_predictions(run, dataset, jobs=1)
    assert problem.hint == f"give the folder of one method: {run / 'masks/fifo'}"
    (problem,) = check_predictions(run / "masks/fifo/ant", dataset, jobs=1)
    assert problem.hint == f"that is the folder of one sequence: give the folder above it, {run / 'masks/fifo'}"


def test_no_folder(davis, tmp_path):
    dataset, _ = davis
    assert messages(tmp_path / "none", dataset) == ["masks is not a folder"]
