"""Archives hold exactly what a server wants, in its layout, or are not written at all."""

import errno
import json
import os
import shutil
import warnings
import zipfile

import numpy as np
import pytest
from layouts import write_mose, write_vost

from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import read_labels, write_labels
from vosbench.inference.controls import copy_first_mask
from vosbench.masks.export import UnfitMasksError, export


def predict(folder, dataset, names=None):
    """Sound predictions: each frame's mask is that of the first annotations, a pixel on."""
    for sequence in dataset.sequence_names():
        video = dataset.sequence(sequence)
        labels = list(copy_first_mask(video))[-1]
        (folder / sequence).mkdir(parents=True)
        for frame in video.frames:
            if names is None or frame.name in names:
                write_labels(folder / sequence / f"{frame.name}.png", np.roll(labels, 1, axis=1))
    return folder


@pytest.fixture
def test_dev(small_davis, tmp_path):
    dataset = open_dataset("davis2017", small_davis, "test-dev")
    return dataset, predict(tmp_path / "masks", dataset)


def contents(archive):
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def test_davis(test_dev, tmp_path):
    dataset, masks = test_dev
    assert export(masks, dataset, tmp_path / "new" / "davis.zip") == 6
    found = contents(tmp_path / "new" / "davis.zip")
    assert list(found) == [f"cat/{t:05d}.png" for t in range(6)]
    for name, data in found.items():
        assert data == (masks / name).read_bytes()


def test_an_object_of_the_meta_file_that_no_mask_shows_may_be_predicted(tmp_path):
    root, masks = write_mose(tmp_path / "MOSE"), tmp_path / "masks"
    dataset = open_dataset("mose-v2", root)
    predict(masks, dataset)
    meta = json.loads((root / "valid/meta.json").read_text())
    meta["videos"]["bee"]["objects"].append(4)
    (root / "valid/meta.json").write_text(json.dumps(meta))
    with warnings.catch_warnings(action="error"):
        export(masks, open_dataset("mose-v2", root), tmp_path / "without.zip")  # nor need it be
        path = sorted((masks / "bee").iterdir())[-1]
        write_labels(path, np.full_like(read_labels(path), 4))
        export(masks, open_dataset("mose-v2", root), tmp_path / "with.zip")
    write_labels(path, np.full_like(read_labels(path), 5))
    with pytest.raises(UnfitMasksError, match="bee holds ids that the ground truth does not have: 5"):
        export(masks, open_dataset("mose-v2", root), tmp_path / "another.zip")


def test_youtube_vos_gets_the_wanted_frames_only(small_youtube, tmp_path):
    dataset = open_dataset("youtube-vos-2019", small_youtube)
    masks = predict(tmp_path / "masks", dataset)
    assert len(list((masks / "a1").iterdir())) == 20
    assert export(masks, dataset, tmp_path / "out.zip") == 6
    assert list(contents(tmp_path / "out.zip")) == [
        f"Annotations/a1/{10 + 5 * t:05d}.png" for t in (0, 2, 5, 9, 15, 19)
    ]


def mose_of(small_davis, tmp_path):
    root = tmp_path / "MOSE/valid"
    for name in ("bee", "cat"):
        shutil.copytree(small_davis / "JPEGImages/480p" / name, root / "JPEGImages" / name)
        (root / "Annotations" / name).mkdir(parents=True)
        shutil.copy(small_davis / "Annotations/480p" / name / "00000.png", root / "Annotations" / name)
    return root.parent


def test_mose_wants_every_frame_and_a_plain_folder_has_no_server(small_davis, tmp_path):
    root = mose_of(small_davis, tmp_path) / "valid"
    dataset = open_dataset("mose-v1", root.parent)
    masks = predict(tmp_path / "masks", dataset)
    assert export(masks, dataset, tmp_path / "out.zip") == 12
    assert list(contents(tmp_path / "out.zip")) == [f"{n}/{t:05d}.png" for n in ("bee", "cat") for t in range(6)]
    for name in ("folder", "object-folders"):
        with pytest.raises(VosbenchError, match=f"no server takes masks of the data set {name}"):
            export(masks, open_dataset(name, root), tmp_path / "other.zip")


def test_the_same_masks_give_the_same_bytes(test_dev, tmp_path):
    dataset, masks = test_dev
    export(masks, dataset, tmp_path / "first.zip")
    copy = tmp_path / "copy"
    for path in sorted(masks.rglob("*.png"), reverse=True):  # other times, other order on disk
        target = copy / path.relative_to(masks)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    export(copy, dataset, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_every_problem_refuses_the_archive(test_dev, tmp_path):
    dataset, masks = test_dev
    (tmp_path / "out.zip").write_text("an older one")
    (masks / "cat/00000.png").unlink()
    (masks / "cat/00002.png").write_bytes(b"")
    write_labels(masks / "cat/00003.png", read_labels(masks / "cat/00003.png")[:, 1:])
    write_labels(masks / "cat/00004.png", read_labels(masks / "cat/00004.png") * 3)
    (masks / "dog").mkdir()
    with pytest.raises(UnfitMasksError, match=r"masks cannot be submitted: .*; and 4 more") as caught:
        export(masks, dataset, tmp_path / "out.zip")
    told = " ".join(problem.message for problem in caught.value.problems)
    for expected in (
        "no sequence of davis2017 test-dev: dog",
        "lacks 1 of 6 masks: frames 00000",
        "00002.png is not a readable PNG",
        "00003.png is 63x48 pixels, its frame 64x48",
        "ids that the ground truth does not have: 3, 6, first in 00004",
    ):
        assert expected in told
    assert (tmp_path / "out.zip").read_text() == "an older one"
    assert {path.name for path in tmp_path.iterdir()} == {"DAVIS", "masks", "out.zip"}


def test_all_frames_are_wanted_even_where_a_local_score_needs_fewer(small_davis, tmp_path):
    dataset = open_dataset("davis2017", small_davis, "val")
    masks = predict(tmp_path / "masks", dataset)
    (masks / "ant/00005.png").unlink()
    with pytest.raises(UnfitMasksError, match="lacks 1 of 6 masks: frames 00005"):
        export(masks, dataset, tmp_path / "out.zip")


def test_a_choice_of_sequences_is_no_submission(small_davis, tmp_path):
    dataset = open_dataset("davis2017", small_davis, "val").only(["bee"])
    with pytest.raises(VosbenchError, match="a choice of the sequences of davis2017 val cannot be submitted"):
        export(predict(tmp_path / "masks", dataset), dataset, tmp_path / "out.zip")


def test_not_every_data_set_has_a_server(small_davis, tmp_path):
    (small_davis / "ImageSets/2017").rename(small_davis / "ImageSets/2016")
    with pytest.raises(VosbenchError, match="no server takes masks of the data set davis2016"):
        export(tmp_path, open_dataset("davis2016", small_davis), tmp_path / "out.zip")


@pytest.mark.parametrize("fault", ["content", "missing", "cut"])
def test_what_cannot_be_read_back_is_not_left_behind(test_dev, tmp_path, monkeypatch, fault):
    dataset, masks = test_dev
    write, close = zipfile.ZipFile.writestr, zipfile.ZipFile.close

    def spoiled(self, entry, data):
        if fault == "content" and entry.filename.endswith("3.png"):
            data = data[:-1] + b"?"
        if fault != "missing" or not entry.filename.endswith("3.png"):
            write(self, entry, data)

    def cut(self):
        close(self)
        if self.mode == "w":
            path = tmp_path / self.filename
            path.write_bytes(path.read_bytes()[:-30])

    monkeypatch.setattr(zipfile.ZipFile, "writestr", spoiled)
    if fault == "cut":
        monkeypatch.setattr(zipfile.ZipFile, "close", cut)
    with pytest.raises(VosbenchError, match=r"archive .*out\.zip, opened again, does not hold the masks"):
        export(masks, dataset, tmp_path / "out.zip")
    assert {path.name for path in tmp_path.iterdir()} == {"DAVIS", "masks"}


def test_an_unwritable_archive_is_named(test_dev, tmp_path):
    dataset, masks = test_dev
    (tmp_path / "file").write_text("")
    with pytest.raises(VosbenchError, match=r"cannot write archive .*out\.zip"):
        export(masks, dataset, tmp_path / "file" / "out.zip")


def test_an_object_that_is_never_predicted_is_a_warning(small_davis, tmp_path):
    """A server takes such masks: the object scores 0."""
    dataset = open_dataset("mose-v1", mose_of(small_davis, tmp_path))
    masks = predict(tmp_path / "masks", dataset)
    for path in (masks / "cat").iterdir():
        write_labels(path, read_labels(path) % 2)
    with pytest.warns(UserWarning, match=r"cat: no mask holds object 2\n  hint: the object scores 0"):
        assert export(masks, dataset, tmp_path / "out.zip") == 12


def test_a_place_where_nothing_can_be_written_is_no_want_of_space(test_dev, tmp_path, monkeypatch):
    dataset, masks = test_dev
    for number, hint in ((errno.ENOENT, "choose another folder"), (errno.ENOSPC, "free some space or choose another")):

        def fails(*_, number=number, **__):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(zipfile, "ZipFile", fails)
        with pytest.raises(VosbenchError, match="cannot write archive") as caught:
            export(masks, dataset, tmp_path / "out.zip")
        assert caught.value.hint.startswith(hint)


def test_nobody_scores_the_private_split_of_vost(tmp_path):
    dataset = open_dataset("vost", write_vost(tmp_path / "data"), "test")
    with pytest.raises(VosbenchError, match="no server takes masks") as caught:
        export(tmp_path, dataset, tmp_path / "out.zip")
    assert "private" in caught.value.hint
    assert "vosbench score" not in caught.value.hint
