"""A sequence that a protocol cannot score is said, the rest is scored, as in a run; and gaps in the ids are told of."""

import json
import shutil

import numpy as np
import pytest
from layouts import write_lvos, write_sav, write_vost
from PIL import Image
from spoiling import relabel

from vosbench.cli import options
from vosbench.images import read_labels

pytestmark = pytest.mark.usefixtures("scored_in_a_thread")


@pytest.fixture
def videos(small_davis, tmp_path):
    """Two videos; in `ant` object 1 becomes object 3 in frame 3."""
    for kind in ("JPEGImages", "Annotations"):
        for name in ("ant", "bee"):
            shutil.copytree(small_davis / kind / "480p" / name, tmp_path / "videos" / kind / name)
    for frame in (3, 4, 5):
        path = tmp_path / f"videos/Annotations/ant/{frame:05d}.png"
        relabel(path, lambda labels: np.where(labels == 1, 3, labels))
    return tmp_path / "videos"


def moved(videos, tmp_path):
    """Predictions that are not quite the truth."""
    masks = shutil.copytree(videos / "Annotations", tmp_path / "masks")
    for path in masks.rglob("*.png"):
        relabel(path, lambda labels: np.roll(labels, 1, 1))
    return masks


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_later_object_costs_its_sequence_alone(videos, tmp_path, vosbench, jobs):
    masks = moved(videos, tmp_path)
    command = ("score", masks, "--dataset", "folder", "--root", videos, "--no-cache", "--jobs", jobs)
    data = (*command, "--protocol", "davis2017")
    outcome = vosbench(*data, "--json", tmp_path / "all.json")
    assert outcome.status == 2
    assert "PARTIAL (not scored: ant); 1 object." in " ".join(outcome.out.split())
    said = "vosbench: not scored: sequence ant holds the id 3, but the highest allowed is 2; protocols that can: "
    assert outcome.err.startswith(said)
    assert "vos-benchmark" in outcome.err
    assert json.loads((tmp_path / "all.json").read_text())["conditions"]["partial"] is True
    alone = vosbench(*data, "--sequences", "bee", "--json", tmp_path / "bee.json")
    assert alone.status == 0
    both = [json.loads((tmp_path / name).read_text())["result"]["summary"] for name in ("all.json", "bee.json")]
    assert both[0] == both[1]
    assert vosbench(*command).status == 0  # by the rules of the folder, in which later objects count
    run = ("run", *data[2:6], "--protocol", "davis2017", "-p", "first-only", "--shorter-side", 0)
    run = vosbench(*run, "--out", tmp_path / "run")
    assert run.status == 2
    assert run.err.startswith(said)


def test_a_fault_of_the_prediction_is_still_one(videos, tmp_path, refused):
    masks = moved(videos, tmp_path)
    relabel(masks / "bee/00002.png", lambda labels: np.where(labels == 1, 7, labels))
    data = ("score", masks, "--dataset", "folder", "--root", videos, "--no-cache", "--protocol", "davis2017")
    assert "bee/00002.png holds the id 7, but the highest allowed is 1" in refused(*data, "--jobs", 1)
    said = refused(*data, "--sequences", "ant", "--jobs", 1)
    assert "no sequence can be scored: sequence ant holds the id 3" in said
    assert "protocols that can: " in said


@pytest.mark.filterwarnings("always")
def test_gaps_in_the_ids_are_told_of(small_davis, tmp_path, vosbench):
    for path in (small_davis / "Annotations/480p/bee").iterdir():
        relabel(path, lambda labels: np.where(labels == 1, 3, labels))
    masks = shutil.copytree(small_davis / "Annotations/480p", tmp_path / "masks")
    for path in masks.rglob("*.png"):
        relabel(path, lambda labels: np.roll(labels, 1, 1))
    data = ("score", masks, "--dataset", "davis2017", "--root", small_davis, "--cache", tmp_path / "cache", "--jobs", 1)
    for _ in range(2):  # the second time from the cache
        outcome = vosbench(*data)
        assert outcome.status == 0
        problem, hint = outcome.err.splitlines()[:2]
        assert problem.startswith(
            "vosbench: problem: sequence bee: by the protocol davis2017 its objects are 1 to 3, of which no mask holds "
        )
    assert vosbench(*data, "--protocol", "vos-benchmark").err == ""
    other = ("--dataset", "davis2017", "--root", small_davis, "--sequences", "bee")
    checked = vosbench("check", *other)
    assert (checked.status, checked.out.splitlines()) == (2, [problem.removeprefix("vosbench: problem: "), hint])
    ran = vosbench("run", *other, "-p", "first-only", "--no-controls", "--out", tmp_path / "run")
    assert (ran.status, ran.err.splitlines()[:2]) == (0, [problem, hint])


@pytest.mark.filterwarnings("always")
def test_ids_that_were_numbered_anew_are_told_of(videos, tmp_path, vosbench):
    """Palettes show it: a colour changes its id."""
    for path, second in ((p, p.stem == "00002") for p in (videos / "Annotations/ant").iterdir()):
        picture = Image.fromarray(read_labels(path))
        picture.putpalette([0, 0, 0, *((0, 128, 0, 128, 0, 0) if second else (128, 0, 0, 0, 128, 0))])
        picture.save(path)
    data = ("--dataset", "folder", "--root", videos, "--sequences", "ant")
    checked = vosbench("check", *data)
    problem, hint = (line + "\n" for line in checked.out.splitlines())
    assert (checked.status, "the colour (0, 128, 0) is the id 1, but 2 in 0000" in problem) == (2, True)
    ran = vosbench("run", *data, "-p", "first-only", "--no-controls", "--threads", 1, "--out", tmp_path / "run")
    assert (ran.status, ran.err.startswith(f"vosbench: problem: {problem}{hint}")) == (0, True)
    scored = vosbench("score", tmp_path / "run/masks/first-only", *data, "--jobs", 1, "--no-cache")
    assert (scored.status, scored.err) == (0, f"vosbench: problem: {problem}{hint}")


def test_what_a_run_and_a_score_refuse_is_found_by_check(videos, tmp_path, vosbench):
    data = ("--dataset", "folder", "--root", videos, "--sequences", "ant", "--protocol", "davis2017")
    checked = vosbench("check", *data, "--jobs", 1)
    assert (checked.status, "sequence ant holds the id 3, but the highest allowed is 2" in checked.out) == (2, True)
    for outcome in (
        vosbench("score", moved(videos, tmp_path), *data, "--no-cache", "--jobs", 1),
        vosbench("run", *data, "-p", "first-only", "--out", tmp_path / "run"),
    ):
        assert outcome.status == 2
        (advised,) = [line for line in outcome.err.splitlines() if "protocols that can: " in line]
        names = advised.partition("protocols that can: ")[2].partition(";")[0].split(", ")
        assert not {"davis2017", "davis2017-official", "visor"} & set(names)
        assert {"youtube-vos", "vos-benchmark", "folder"} <= set(names)


def hidden(root):
    """SA-V whose object 001 is in no true mask."""
    for path in (write_sav(root) / "sav_val/Annotations_6fps/sav_000001/001").iterdir():
        relabel(path, lambda labels: 0 * labels)
    return "sav", 2, "sequence sav_000001: the ground truth of object 2 is empty in all scored frames"


def wrong_numbers(root):
    (meta,) = (write_lvos(root) / "val").glob("*meta.json")
    told = json.loads(meta.read_text())
    for one in told["videos"]["ant"]["objects"].values():
        one["frame_range"]["end"] = "00000090"
    meta.write_text(json.dumps(told))
    return "lvos-v2", 2, "sequence ant"


def one_mask(root):
    for path in sorted((write_vost(root) / "Annotations/1_cut_ant").iterdir())[1:]:
        path.unlink()
    return "vost", 0, "sequence 1_cut_ant has no frame to score"


@pytest.mark.parametrize("spoil", [hidden, wrong_numbers, one_mask])
def test_check_says_what_a_run_and_a_score_say(tmp_path, vosbench, spoil):
    name, status, reason = spoil(tmp_path / "data")
    data = ("--dataset", name, "--root", tmp_path / "data", "--limit", 2)
    checked = vosbench("check", *data)
    assert (checked.status, reason in checked.out) == (status, True)
    assert ("it will not be scored" in checked.out) == (status == 0)
    command = ("-p", "first-only", "--no-controls", "--timing", "none", "--shorter-side", 0, "--out", tmp_path / "run")
    ran = vosbench("run", *data, *command)
    scored = vosbench("score", tmp_path / "run/masks/first-only", *data, "--no-cache", "--jobs", 1)
    for outcome in (ran, scored):
        assert outcome.status == status
        assert f"vosbench: not scored: {reason}" in outcome.err
        last = outcome.err.splitlines()[-2:]
        assert (last[0].startswith(f"vosbench: error: {reason}") and last[1].startswith("hint: ")) == (status == 2)


def test_void_in_every_true_mask_is_scored_by_a_run_too(small_davis, tmp_path, vosbench):
    for path in (small_davis / "Annotations/480p/ant").iterdir():
        relabel(path, lambda labels: np.where(np.arange(labels.shape[1]) < 3, 255, labels))
    data = ("--dataset", "davis2017", "--root", small_davis, "--sequences", "ant", "--json")
    assert vosbench("check", *data[:-1]).status == 0
    command = ("-p", "first-only", "--no-controls", "--shorter-side", 0, "--out", tmp_path / "run")
    run = vosbench("run", *data, tmp_path / "run.json", *command)
    assert (run.status, "not scored" in run.err) == (0, False)
    masks = tmp_path / "run/masks/first-only"
    assert vosbench("score", masks, *data, tmp_path / "score.json", "--no-cache", "--jobs", 1).status == 0
    (row,) = json.loads((tmp_path / "run.json").read_text())["result"]["runs"][0]["rows"]
    assert row["jf"] == pytest.approx(json.loads((tmp_path / "score.json").read_text())["result"]["summary"]["jf"])


def test_an_object_that_davis_never_scores_is_no_misfit(videos, tmp_path, vosbench):
    """It appears in the last frame, which is skipped: check, run and score take the sequence."""
    for frame in (3, 4, 5):
        path = videos / f"Annotations/ant/{frame:05d}.png"
        relabel(path, lambda labels: np.where(labels == 3, 1, labels))
    last = sorted((videos / "Annotations/ant").iterdir())[-1]
    relabel(last, lambda labels: np.where(np.arange(labels.shape[1]) < 5, 4, labels))
    data = ("--dataset", "folder", "--root", videos, "--protocol", "davis2017", "--sequences", "ant")
    assert vosbench("check", *data).status == 0
    command = ("-p", "first-only", "--no-controls", "--timing", "none", "--shorter-side", 0, "--out", tmp_path / "run")
    ran = vosbench("run", *data, *command)
    assert (ran.status, ran.err.count("not scored")) == (0, 0)
    masks = tmp_path / "run/masks/first-only"
    assert vosbench("score", masks, *data, "--no-cache", "--jobs", 1).status == 0
    assert "holds ids" not in vosbench("check", masks, *data, "--jobs", 1).out


def test_what_cannot_be_scored_is_said_in_the_same_words(videos, tmp_path, vosbench):
    """By a check, a dry run and a run."""
    data = ("--dataset", "folder", "--root", videos, "--protocol", "davis2017")
    run = ("run", *data, "-p", "first-only", "--shorter-side", 48, "--timing", "none", "--out", tmp_path / "run")
    (dry,) = [line for line in vosbench(*run, "--dry-run").err.splitlines() if "not scored" in line]
    assert dry in vosbench(*run).err
    reason, _, advice = dry.removeprefix("vosbench: not scored: ").partition("; ")
    assert f"{reason}\n  hint: {advice}" in vosbench("check", *data).out


def test_the_last_error_gives_every_hint(capsys):
    hints = {"ant": "copy it", "bee": "resize it", "cat": "copy it"}
    options.print_unfit({name: f"{name} is bad" for name in hints}, hints.__getitem__)
    assert capsys.readouterr().err.splitlines() == [
        "vosbench: error: ant is bad; not scored either: cat",
        "hint: copy it",
        "vosbench: error: bee is bad",
        "hint: resize it",
    ]
