"""Folders one level too high or too low, of another layout, or absent: one line, and where to look instead."""

import shutil

import numpy as np
import pytest
from layouts import write_frames
from spoiling import relabel

from vosbench.images import write_labels

pytestmark = pytest.mark.usefixtures("scored_in_a_thread")


def test_the_folder_of_a_run_is_not_that_of_its_masks(finished_run, vosbench, refused, tmp_path):
    run, data = finished_run / "run", ("--dataset", "davis2017", "--root", finished_run / "DAVIS")
    for folder in (run, run / "masks"):
        said = refused("score", folder, *data, "--jobs", 1)
        assert f"give the folder of one method: {run / 'masks/copy-first-mask'}; or every-k_k=2, " in said
        checked = vosbench("check", folder, *data, "--jobs", 1)
        assert checked.status == 2
        assert checked.err.endswith(" 1 problem\n")
        assert f"hint: give the folder of one method: {run / 'masks/copy-first-mask'}" in checked.out
    lists = tmp_path / "DAVIS"
    shutil.copytree(finished_run / "DAVIS", lists)
    (lists / "ImageSets/2017/val.txt").rename(lists / "ImageSets/2017/test-challenge.txt")
    asked = ("export", run, "--dataset", "davis2017", "--root", lists, "--split", "test-challenge", "--out", "a.zip")
    assert "give the folder of one method: " in vosbench(*asked).err


def test_what_is_no_folder_of_methods_masks(finished_run, vosbench, refused, tmp_path):
    """An archive, one video of it, a picture; and the same given as a run."""
    run, data = finished_run / "run", ("--dataset", "davis2017", "--root", finished_run / "DAVIS", "--jobs", 1)
    archive, one = tmp_path / "masks.zip", run / "masks/first-only/ant"
    archive.write_bytes(b"PK half of one")
    for place, said in (
        (archive, "masks.zip is an archive: unpack it"),
        (one, f"that is the folder of one sequence: give the folder above it, {one.parent}"),
        (one / "00000.png", "give the folder of <sequence>/<frame>.png"),
        (tmp_path / "none.zip", "give the folder of <sequence>/<frame>.png"),
    ):
        assert said in refused("score", place, *data)
        checked = vosbench("check", place, *data)
        assert (checked.status, checked.err.endswith(" 1 problem\n"), said in checked.out) == (2, True, True)
    for verb in ("table", "report", "plot", "compare", "timing"):
        assert "masks.zip is no folder" in refused(verb, archive)


@pytest.mark.parametrize("dataset", ["davis2017", "folder"])
def test_an_absent_folder_of_masks_is_told_once(small_davis, vosbench, dataset):
    shutil.rmtree(small_davis / "Annotations/480p/ant")
    outcome = vosbench("check", "--dataset", dataset, "--root", small_davis, "--sequences", "ant")
    assert (outcome.status, outcome.out.count("\n"), outcome.out.count("/ant")) == (2, 2, 1)
    assert "Annotations/480p/ant does not exist\n  hint: put masks there, each object's first at least" in outcome.out


@pytest.fixture
def sav(tmp_path):
    """SA-V val: `ant`, whose label maps hold 255 alone, and `bee` with one object."""
    names = [f"{t:05d}" for t in range(13)]
    for video, object_id in (("ant", 255), ("bee", 1)):
        write_frames(tmp_path / "SAV/sav_val/JPEGImages_24fps" / video, names, (1,))
        for t in range(0, 13, 4):
            labels = np.zeros((48, 64), np.uint8)
            labels[4:16, 6 + t : 24 + t] = object_id
            path = tmp_path / f"SAV/sav_val/Annotations_6fps/{video}/{t:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_labels(path, labels)
    return tmp_path / "SAV"


@pytest.mark.parametrize("dataset", ["folder", "object-folders"])
def test_a_root_of_another_layout_is_named(sav, refused, dataset):
    for root, where in ((sav, "sav_val/JPEGImages_24fps"), (sav / "sav_val", "JPEGImages_24fps")):
        said = refused("run", "--dataset", dataset, "--root", root)
        assert f"it holds {where}, as SA-V and VOST do: open it as the data set sav or vost (--dataset sav)" in said


def test_a_root_above_the_folder_is_named(small_davis, refused, tmp_path):
    shutil.move(small_davis, tmp_path / "all/DAVIS")
    said = refused("run", "--dataset", "folder", "--root", tmp_path / "all")
    assert f"give {tmp_path / 'all/DAVIS'} as root (--root)" in said


def test_label_maps_of_sav_that_hold_255_alone_are_no_binary_masks(sav, vosbench, tmp_path):
    """Its evaluator takes 255 for an id as any other; here it is void, and no object to follow."""
    outcome = vosbench("check", "--dataset", "sav", "--root", sav)
    assert outcome.status == 2
    assert "0/255" not in outcome.out
    assert outcome.out.startswith("sequence ant: none of the 4 masks in ")
    masks = shutil.copytree(sav / "sav_val/Annotations_6fps", tmp_path / "masks")
    for path in masks.rglob("*.png"):
        relabel(path, lambda labels: np.roll(labels, 1, 1))
    scored = vosbench("score", masks, "--dataset", "sav", "--root", sav, "--no-cache")
    assert scored.status == 0
    assert "2 objects" in " ".join(scored.out.split())
