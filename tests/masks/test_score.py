"""Scoring folders of masks: the official numbers, the official files, and every fault with its path."""

import csv
import errno
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosbench.datasets.folder import Folder
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.masks.score import score, write_official_csv, write_per_frame_csv


@pytest.fixture(scope="module")
def lag2(shared, tmp_path_factory):
    """DAVIS 2017 val from the masks of OSVOS; the prediction for frame t is the mask of frame max(0, t - 2)."""
    folder = tmp_path_factory.mktemp("lag2")
    (folder / "Annotations").symlink_to(shared / "data" / "osvos")
    truth = Folder(folder)
    for sequence in truth.sequence_names():
        frames = sorted(truth.mask_folder(sequence).glob("*.png"))
        (folder / "masks" / sequence).mkdir(parents=True)
        for index, frame in enumerate(frames):
            (folder / "masks" / sequence / frame.name).symlink_to(frames[max(0, index - 2)].resolve())
    return score(folder / "masks", truth, "davis2017-official", jobs=2)


def test_golden_of_the_official_evaluator(lag2):
    with (Path(__file__).parents[1] / "data" / "davis2017_lag2.csv").open() as file:
        golden = list(csv.DictReader(file))
    assert len(golden) == len(lag2.objects) == 61
    for expected, found in zip(golden, lag2.objects, strict=True):
        assert (found.sequence, str(found.object_id)) == (expected["sequence"], expected["object"])
        for measure, statistics in (("J", found.j), ("F", found.f)):
            for name in ("Mean", "Recall", "Decay"):
                assert getattr(statistics, name.lower()) == pytest.approx(
                    float(expected[f"{measure}-{name}"]), abs=1e-9
                )


def test_official_files(lag2, tmp_path):
    overall, per_object = write_official_csv(lag2, tmp_path / "new", "val")
    assert overall.name == "global_results-val.csv"
    assert overall.read_text() == (
        "J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay\n0.528,0.497,0.529,0.150,0.560,0.587,0.156\n"
    )
    assert per_object.name == "per-sequence_results-val.csv"
    lines = per_object.read_text().splitlines()
    assert lines[:2] == ["Sequence,J-Mean,F-Mean", "bike-packing_1,0.561,0.780"]
    assert len(lines) == 62
    assert sorted(path.name for path in overall.parent.iterdir()) == [overall.name, per_object.name]


@pytest.mark.usefixtures("spread_out")
def test_result_is_the_same_on_any_number_of_processes(pair):
    truth, masks = pair
    seen = []
    one = score(masks, truth, jobs=1, progress=lambda done, total: seen.append((done, total)))
    two = score(masks, truth, jobs=2)
    assert one.objects == two.objects
    assert seen[-1] == (6, 6)
    assert [(o.sequence, o.object_id, o.frames) for o in one.objects] == [("ant", 1, 3), ("ant", 2, 3), ("bee", 1, 3)]
    assert one.objects[0].j.mean == pytest.approx(20 / 30)
    assert not one.partial
    assert one.protocol == "davis2017/1"


def test_a_choice_of_sequences_is_marked_partial(pair):
    truth, masks = pair
    (masks / "ant").rename(masks / "other")  # and needs no other predictions
    chosen = score(masks, truth.only(["bee"]), jobs=1)
    assert {o.sequence for o in chosen.objects} == {"bee"}
    assert chosen.partial
    assert score(masks, truth.only(["ant", "bee"]).only(["bee"], limit=1), jobs=1).partial
    assert not truth.only(limit=9).is_partial


def test_unknown_protocol_suggests_the_near_one(pair):
    truth, masks = pair
    with pytest.raises(VosbenchError, match="unknown protocol 'davis2071'") as caught:
        score(masks, truth, "davis2071")
    assert "davis2017" in caught.value.hint


def spoil(path, how):
    labels = np.zeros((20, 30), np.uint8)
    if how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-30])
    elif how == "RGB":
        Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    elif how == "size":
        write_labels(path, labels[:, 1:])
    elif how == "extra id":
        write_labels(path, labels + 3)
    elif how == "0/255":
        labels[5:9] = 255
        write_labels(path, labels)
    elif how == "anti-aliased":
        labels[:] = np.arange(30) * 8
        Image.fromarray(labels).save(path)


@pytest.mark.parametrize(
    ("how", "message", "hint"),
    [
        ("missing", "does not exist", "check"),
        ("empty", "not a readable PNG", "again"),
        ("truncated", "not a readable PNG", "again"),
        ("RGB", "RGB image", "palette or 8-bit grey"),
        ("size", "is 29x20 pixels, its ground truth 30x20", "nearest neighbour"),
        ("extra id", "holds the id 3, but the highest allowed is 1", "first annotation"),
        ("0/255", "holds the id 255", "0/255 mask"),
        ("anti-aliased", "holds the id 232", "anti-aliasing"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.usefixtures("spread_out")
def test_a_bad_mask_in_the_last_sequence_is_named(pair, how, message, hint, jobs):
    truth, masks = pair
    path = masks / "bee" / "00003.png"
    spoil(path, how)
    with pytest.raises(VosbenchError, match=message) as caught:
        score(masks, truth, jobs=jobs)
    assert str(path) in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_bad_ground_truth_is_named(pair):
    truth, masks = pair
    alone = score(masks, truth.only(["ant"]), jobs=1).objects
    spoil(truth.mask_folder("bee") / "00002.png", "truncated")
    found = score(masks, truth, jobs=1)
    assert (found.partial, found.objects) == (True, alone)
    assert (
        "truth/Annotations/bee/00002.png is not a readable PNG" in found.unscored["bee"] == found.faults["bee"].message
    )
    spoil(truth.mask_folder("ant") / "00000.png", "truncated")
    with pytest.raises(VosbenchError, match=r"no sequence can be scored: .*ant.00000\.png"):
        score(masks, truth, jobs=1)


def test_a_missing_sequence_is_named(pair):
    truth, masks = pair
    (masks / "bee").rename(masks / "wasp")
    with pytest.raises(VosbenchError, match="predictions lack the sequence bee"):
        score(masks, truth, jobs=1)


def test_faulty_sequences_need_no_masks_however_many_they_are(pair):
    truth, masks = pair
    shutil.copytree(truth.mask_folder("bee"), truth.mask_folder("cow"))
    shutil.rmtree(masks / "bee")
    for name in ("bee", "cow"):
        (truth.mask_folder(name) / "00003.png").write_bytes(b"")
    found = score(masks, Folder(truth.root), jobs=1)
    assert [*found.faults] == [*found.unscored] == ["bee", "cow"]
    assert {o.sequence for o in found.objects} == {"ant"}


def test_two_frames_leave_nothing_to_score(pair):
    truth, masks = pair
    for name in ("bee", "ant"):
        for frame in (1, 2, 3):
            (truth.mask_folder(name) / f"0000{frame}.png").unlink()
        if name == "bee":
            found = score(masks, truth, jobs=1)
            assert found.partial
            assert found.unscored == {"bee": "sequence bee has no frame to score"}
            assert [(o.sequence, o.object_id) for o in found.objects] == [("ant", 1), ("ant", 2)]
    with pytest.raises(
        VosbenchError, match="sequence ant has no frame to score; not to be scored either: bee"
    ) as caught:
        score(masks, truth, jobs=1)
    assert "folder" in caught.value.hint


def test_an_unwritable_folder_is_named(pair, tmp_path):
    truth, masks = pair
    (tmp_path / "file").write_text("")
    with pytest.raises(VosbenchError, match=r"cannot write .*global_results-val\.csv"):
        write_official_csv(score(masks, truth, jobs=1), tmp_path / "file", "val")


@pytest.mark.usefixtures("spread_out")
def test_a_killed_worker_is_an_error_and_no_hang(pair):
    truth, masks = pair
    before = set(multiprocessing.active_children())  # that other tests left idle
    for folder in (truth.mask_folder("bee"), masks / "bee"):
        for frame in range(5, 60):
            shutil.copy(folder / "00004.png", folder / f"{frame:05d}.png")

    def kill(done, _total):
        if done == 1:
            (worker,) = set(multiprocessing.active_children()) - before
            os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(VosbenchError, match=r"a worker process died.*SIGKILL") as caught:
        score(masks, truth, jobs=2, progress=kill)
    assert "memory" in caught.value.hint
    assert set(multiprocessing.active_children()) <= before
    assert len(score(masks, truth, jobs=2).objects) == 3


def test_a_full_disk_leaves_no_half_written_result(pair, tmp_path, monkeypatch):
    truth, masks = pair
    scores = score(masks, truth, jobs=1)

    def full(path, _text, **_options):
        path.open("w").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(VosbenchError, match=r"cannot write .*No space left on device"):
        write_official_csv(scores, tmp_path / "results", "val")
    assert list((tmp_path / "results").iterdir()) == []


def test_no_object_that_counts_is_an_error(pair):
    truth, masks = pair
    for path in truth.root.rglob("0000[1-3].png"):
        write_labels(path, np.zeros((20, 30), np.uint8))
    with pytest.raises(VosbenchError, match="no object of folder all counts under the protocol vos-benchmark"):
        score(masks, truth, "vos-benchmark", jobs=1)


def test_names_with_commas_and_quotes_stay_one_cell(pair, tmp_path):
    truth, masks = pair
    for folder in (truth.mask_folder("bee"), masks / "bee"):
        folder.rename(folder.with_name('bee, "left"'))
    scores = score(masks, type(truth)(truth.root), jobs=1)
    _, per_object = write_official_csv(scores, tmp_path / "new", "val")
    for path, last in ((per_object, "_1"), (write_per_frame_csv(scores, tmp_path / "frames.csv"), "")):
        rows = list(csv.reader(path.read_text().splitlines()))
        assert rows[-1][0] == f'bee, "left"{last}'
        assert len({len(row) for row in rows}) == 1


def test_series_of_every_frame(pair, tmp_path):
    truth, masks = pair
    write_labels(truth.mask_folder("bee") / "00002.png", np.zeros((20, 30), np.uint8))
    scores = score(masks, truth, jobs=1)
    with write_per_frame_csv(scores, tmp_path / "new" / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    assert [row["frame"] for row in rows if row["sequence"] == "bee"] == ["00001", "00002", "00003"]
    assert [row["visible"] for row in rows if row["sequence"] == "bee"] == ["1", "0", "1"]
    for o in scores.objects:
        own = [row for row in rows if (row["sequence"], row["object"]) == (o.sequence, str(o.object_id))]
        assert np.mean([float(row["j"]) for row in own]) == o.j.mean
        assert np.mean([float(row["f"]) for row in own]) == o.f.mean


@pytest.mark.usefixtures("spread_out")
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_folder_may_change_meanwhile(pair, tmp_path, monkeypatch, jobs):
    truth, masks = pair
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    found = score(
        masks.relative_to(tmp_path),
        type(truth)(truth.root.relative_to(tmp_path)),
        jobs=jobs,
        progress=lambda *_: monkeypatch.chdir(tmp_path / "elsewhere"),
        cache=Path("kept"),
    )
    assert found.objects == score(masks, truth, jobs=1).objects
    assert len(list((tmp_path / "kept").iterdir())) == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []
