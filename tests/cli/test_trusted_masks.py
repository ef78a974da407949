"""Masks that look smoothed: refused or told of, and taken as they are by who says so, in every verb alike."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from spoiling import relabel

DATA = ("--dataset", "folder", "--root", "root")
QUICKLY = ("--threads", 1, "--shorter-side", 48)


@pytest.fixture
def data(small_davis, tmp_path, monkeypatch):
    """A folder with the sequence `ant`, whose masks are to be changed by `data(change)`."""
    monkeypatch.chdir(tmp_path)
    for kind in ("JPEGImages", "Annotations"):
        shutil.copytree(small_davis / kind / "480p/ant", tmp_path / "root" / kind / "ant")

    def change(change) -> None:
        for path in (tmp_path / "root/Annotations/ant").iterdir():
            relabel(path, change)

    return change


def blurred(labels: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(100 * labels, (5, 5), 0)


def ringed(labels: np.ndarray) -> np.ndarray:
    """A ring of id 1 around a big object of id 2."""
    return cv2.rectangle(cv2.rectangle(0 * labels, (8, 8), (56, 40), 1, -1), (10, 10), (54, 38), 2, -1)


RUN = ("run", *DATA, *QUICKLY, "-p", "first-only", "--no-controls", "--timing", "none")
SIMULATE = ("simulate", *DATA, *QUICKLY, "-p", "first-only", "--jobs", 1)


@pytest.mark.usefixtures("scored_in_a_thread")
def test_smoothed_masks_are_taken_by_who_says_so(data, vosbench, refused, tmp_path):
    data(blurred)
    assert vosbench("check", *DATA).status == 2
    for verb in (RUN, SIMULATE):
        said = refused(*verb)
        assert "00000.png is anti-aliased" in said
        assert "--trust-masks" in said
    assert vosbench("check", *DATA, "--trust-masks").status == 0
    ran = vosbench(*RUN, "--trust-masks", "--out", "run", "--json", "run.json")
    assert (ran.status, "masks taken as they are" in ran.out) == (0, True)
    assert json.loads((tmp_path / "run.json").read_text())["conditions"]["suites"][0]["trust_masks"] is True
    replayed = vosbench(*SIMULATE, "--trust-masks", "--json", "simulated.json")
    assert (replayed.status, "masks taken as they are" in replayed.out) == (0, True)
    assert json.loads((tmp_path / "simulated.json").read_text())["conditions"]["trust_masks"] is True


@pytest.mark.filterwarnings("default")
def test_scoring_tells_of_them(data, vosbench):
    masks = Path(shutil.copytree("root/Annotations", "masks"))
    score = ("score", "masks", *DATA, "--jobs", 1, "--cache", "cache")
    sound = vosbench(*score)
    assert (sound.status, sound.err) == (0, "")
    for path in masks.glob("ant/*"):
        relabel(path, blurred)
    predicted = vosbench(*score)
    assert (predicted.status, predicted.err.count("is anti-aliased")) == (2, 1)
    data(blurred)
    trusted = vosbench(*score, "--trust-masks")
    assert (trusted.status, trusted.err) == (0, "")
    assert "masks taken as they are" in trusted.out
    truth = vosbench(*score)  # as a run, and a check, say; not from what was kept
    assert (truth.status, truth.out) == (2, "")
    assert truth.err.startswith("vosbench: error: mask ")
    assert "root/Annotations/ant/00000.png is anti-aliased" in truth.err


@pytest.mark.filterwarnings("default")
def test_a_true_mask_that_brings_ids_is_looked_at(data, vosbench, tmp_path):
    """Of the true masks, those that show an object first, as where a run finds objects."""
    del data
    shutil.copytree("root/Annotations/ant", "root/Annotations/bee")
    shutil.copytree("root/JPEGImages/ant", "root/JPEGImages/bee")
    shutil.copytree("root/Annotations", "masks")
    relabel(tmp_path / "root/Annotations/ant/00003.png", blurred)
    scored = vosbench("score", "masks", *DATA, "--jobs", 1, "--no-cache")
    assert scored.status == 2
    assert "PARTIAL (not scored: ant); " in " ".join(scored.out.split())
    assert "ant/00003.png is anti-aliased" in scored.err
    assert vosbench("check", *DATA).status == 2


def test_masks_that_are_refused_are_not_empty(data, vosbench):
    data(lambda labels: labels)
    masks = Path(shutil.copytree("root/Annotations", "masks"))
    for path in masks.glob("ant/*"):
        relabel(path, blurred)
    checked = vosbench("check", "masks", *DATA)
    assert (checked.status, "is anti-aliased" in checked.out) == (2, True)
    assert "empty" not in checked.out
    assert "no mask holds" not in checked.out


@pytest.mark.usefixtures("scored_in_a_thread")
@pytest.mark.filterwarnings("default")
def test_of_rings_there_is_a_warning(data, vosbench):
    data(ringed)
    checked = vosbench("check", *DATA)
    assert checked.status == 0
    assert "warning: mask root/Annotations/ant/00000.png: its objects lie in each other like rings" in checked.out
    assert "1 sequence, sound, 6 warnings" in checked.err
    ran = vosbench(*RUN)
    assert (ran.status, ran.err.count("like rings")) == (0, 1)
    assert vosbench(*SIMULATE).err.count("like rings") == 1
    assert "like rings" not in vosbench(*RUN, "--trust-masks").err + vosbench(*SIMULATE, "--trust-masks").err


def test_segment_takes_them_too(data, vosbench, refused):
    data(blurred)
    segment = ("segment", "root/JPEGImages/ant", "--mask", "root/Annotations/ant/00000.png", "--no-overlay", *QUICKLY)
    assert "is anti-aliased" in refused(*segment, "--out", "out")
    assert vosbench(*segment, "--out", "out", "--trust-masks").status == 0
