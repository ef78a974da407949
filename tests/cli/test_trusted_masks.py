"""Masks that look smoothed: refused or told of, and taken as they are by who says so, in every verb alike."""

import json
import shutil

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
    data(blurred)
    score = ("score", "root/Annotations", *DATA, "--jobs", 1, "--no-cache")
    scored = vosbench(*score)
    assert scored.err.count("is anti-aliased") == 1
    trusted = vosbench(*score, "--trust-masks")
    assert (trusted.status, trusted.err) == (0, "")
    assert "masks taken as they are" in trusted.out
    assert scored.out.splitlines()[1:] == trusted.out.splitlines()[1:]


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
