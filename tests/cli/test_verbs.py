"""Every verb does its work, prints it, and writes sound JSON."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import astuple

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vosbench import cli
from vosbench.cli import comparing, data, masks, results, simulation, work
from vosbench.datasets import DATASETS
from vosbench.images import read_labels, write_labels
from vosbench.report import figures
from vosbench.report.records import RunRecord, read_run

VERBS = {
    name: example
    for module in (work, simulation, masks, data, results, comparing)
    for name, (_, example) in module.VERBS.items()
}


def read_json(path):
    """Strict JSON: NaN and Infinity, which Python would take, are none."""
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.fixture
def finished(finished_run, tmp_path):
    return shutil.copytree(finished_run / "run", tmp_path / "run")


def test_all_verbs_are_there(vosbench):
    outcome = vosbench("--help")
    assert outcome.status == 0
    measuring = {"run", "simulate", "train", "score", "check"}
    assert set(VERBS) == measuring | {"export", "table", "timing", "plot", "list", "compare", "publish"}
    for verb in VERBS:
        assert f"\n  {verb} " in outcome.out
    assert vosbench() == outcome


@pytest.mark.parametrize("verb", VERBS)
def test_help_ends_with_an_example_that_parses(vosbench, verb):
    outcome = vosbench(verb, "--help")
    assert outcome.status == 0
    text = " ".join(outcome.out.split())
    assert text.endswith(f"Example: {VERBS[verb]}")
    flags = [word for word in VERBS[verb].split() if word.startswith("-")]
    assert VERBS[verb].startswith(f"vosbench {verb}")
    assert all(f" {flag}" in outcome.out for flag in flags)


def test_run(small_davis, tmp_path, vosbench):
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "-p", "fifo:capacity=1.5")
    outcome = vosbench(*arguments, "--out", tmp_path / "run", "--json", tmp_path / "run.json")
    assert outcome.status == 0
    for line in ("first-only", "fifo:capacity=1.5", "copy-first-mask (control)", "predict-nothing (control)"):
        assert f"\n{line} " in outcome.out
    assert f"are in {tmp_path / 'run'}" in outcome.out
    assert "protocol davis2017/1; 2 sequences, 3 objects" in outcome.out
    assert outcome.err.splitlines()[-1].startswith("[8/8] predict-nothing on bee, 6 frames")
    written = read_json(tmp_path / "run.json")
    records = tuple(RunRecord.from_json(record) for record in written["records"])
    assert sorted(records, key=lambda r: (r.policy.position, r.sequence)) == list(read_run(tmp_path / "run"))

    again = vosbench(*arguments, "--out", tmp_path / "run")
    assert again.out == outcome.out  # the same times: nothing was run
    assert again.err == ""
    fresh = vosbench(*arguments, "--out", tmp_path / "run", "--fresh", "--no-controls", "--sequences", "bee")
    assert [line.split(", 6 frames")[0] for line in fresh.err.splitlines()] == [
        "[1/2] first-only on bee",
        "[2/2] fifo:capacity=1.5 on bee",
    ]
    assert "PARTIAL" in fresh.out
    assert "control" not in fresh.out


def test_run_without_a_folder_is_the_latest(small_davis, tmp_path, monkeypatch, vosbench):
    monkeypatch.chdir(tmp_path)
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "--limit", 1)
    first = vosbench(*arguments)
    folder = next((tmp_path / ".vosbench/runs").iterdir())
    assert folder.name.startswith("davis2017-val-stcn-tiny-")
    assert f".vosbench/runs/{folder.name}" in first.out
    assert vosbench(*arguments, "--top-k", 4).status == 0
    assert len(list((tmp_path / ".vosbench/runs").iterdir())) == 2
    assert "top-4" in vosbench("table").out


def test_youtube_vos_gives_exactly_the_masks_that_the_server_wants(small_youtube, tmp_path, vosbench):
    outcome = vosbench(
        *("run", "--dataset", "youtube-vos-2019", "--root", small_youtube, "--size", 48),
        *("-p", "first-and-latest", "-p", "lfu:capacity=2", "--out", tmp_path / "run", "--json", tmp_path / "run.json"),
    )
    assert outcome.status == 0
    assert "not scored" in outcome.out
    assert "control" not in outcome.out
    start = {1: 0, 3: 5, 7: 15}
    for strategy in ("first-and-latest", "lfu_capacity=2"):
        folder = tmp_path / "run/masks" / strategy
        assert [path.name for path in folder.iterdir()] == ["a1"]
        masks = {path.stem: read_labels(path) for path in (folder / "a1").iterdir()}
        assert set(masks) == {f"{10 + 5 * t:05d}" for t in (0, 2, 5, 9, 15, 19)}
        for t in (0, 2, 5, 9, 15, 19):
            mask = masks[f"{10 + 5 * t:05d}"]
            assert mask.shape == (48, 64)
            assert set(np.unique(mask)) <= {0, *(i for i, first in start.items() if first <= t)}
        for object_id, t in start.items():  # given masks come back as they are
            given = read_labels(small_youtube / f"valid/Annotations/a1/{10 + 5 * t:05d}.png")
            assert (given == object_id).any()
            assert np.array_equal(masks[f"{10 + 5 * t:05d}"] == object_id, given == object_id)
    for record in read_json(tmp_path / "run.json")["records"]:
        assert record["scores"] is None
        assert record["settings"]["size"] == 48
        assert record["timings"][0]["objects"] == [1] * 5 + [2] * 10 + [3] * 5


def test_a_plain_folder_runs(small_davis, tmp_path, vosbench):
    shutil.rmtree(small_davis / "ImageSets")
    outcome = vosbench(
        *("run", "--dataset", "folder", "--root", small_davis, "-p", "first-only", "--no-controls"),
        *("--sequences", "ant", "--out", tmp_path / "run"),
    )
    assert outcome.status == 0
    assert "folder all" in outcome.out
    assert "2 objects" in outcome.out


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working folder of its own, where `.vosbench` is kept."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_score(small_davis, tmp_path, elsewhere, vosbench):
    arguments = ("score", small_davis / "Annotations/480p", "--dataset", "davis2017", "--root", small_davis)
    outcome = vosbench(
        *(*arguments, "--jobs", 1, "--objects", "--csv", tmp_path / "csv", "--json", tmp_path / "score.json"),
    )
    assert outcome.status == 0
    assert outcome.err == ""
    assert "davis2017 val, protocol davis2017/1; 3 objects." in " ".join(outcome.out.split())
    written = read_json(tmp_path / "score.json")
    assert written["summary"]["jf"] == 1
    assert [(o["sequence"], o["object"], o["j_mean"]) for o in written["objects"]] == [
        ("ant", 1, 1),
        ("ant", 2, 1),
        ("bee", 1, 1),
    ]
    assert not written["partial"]
    with (tmp_path / "csv/global_results-val.csv").open() as file:
        assert next(csv.DictReader(file))["J&F-Mean"] == "1.000"
    assert vosbench(*arguments, "--limit", 1).out.count("PARTIAL")
    assert vosbench(*arguments, "--sequences", "bee", "--json", tmp_path / "bee.json").out.count("PARTIAL")
    assert read_json(tmp_path / "bee.json")["partial"]
    assert "PARTIAL" not in vosbench(*arguments, "--sequences", "bee,ant").out
    assert len(list((elsewhere / ".vosbench/scores").iterdir())) == 2


@pytest.mark.usefixtures("elsewhere")
def test_score_looks_up_what_it_knows(small_davis, tmp_path, vosbench, monkeypatch):
    arguments = ("score", small_davis / "Annotations/480p", "--root", small_davis, "--objects", "--jobs", 1)
    first = vosbench(*arguments, "--no-cache")
    assert list(tmp_path.glob("**/.vosbench")) == []
    assert vosbench(*arguments, "--cache", tmp_path / "kept") == first
    monkeypatch.setattr("vosbench.scoring.score_frames", lambda *_: pytest.fail("it was scored again"))
    assert vosbench(*arguments, "--cache", tmp_path / "kept") == first
    with pytest.raises(pytest.fail.Exception, match="scored again"):
        vosbench(*arguments, "--cache", tmp_path / "kept", "--no-cache")


@pytest.mark.usefixtures("elsewhere")
def test_score_with_extras(small_davis, tmp_path, vosbench, refused):
    truth, predicted = small_davis / "Annotations/480p", tmp_path / "masks"
    shutil.copytree(truth, predicted)
    for path in (predicted / "ant").iterdir():
        write_labels(path, np.roll(read_labels(path), 2, axis=1))
    labels = read_labels(truth / "ant/00002.png")
    write_labels(truth / "ant/00002.png", np.where(labels == 2, 0, labels))  # out of sight in one frame
    arguments = ("score", predicted, "--dataset", "davis2017", "--root", small_davis, "--jobs", 1)
    plain = vosbench(*arguments)
    assert "re-appearance" not in plain.out
    outcome = vosbench(
        *(*arguments, "--analysis", "--per-frame", tmp_path / "frames.csv", "--json", tmp_path / "score.json")
    )
    assert outcome.out.startswith(plain.out)
    assert "re-appearance" in outcome.out
    found = read_json(tmp_path / "score.json")["analysis"]
    with (tmp_path / "frames.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if (row["sequence"], row["object"]) == ("ant", "2")]
    assert [row["visible"] for row in rows] == ["1", "0", "1", "1"]
    again = [(float(row["j"]) + float(row["f"])) / 2 for row in rows[2:]]
    assert found["after_reappearance"] == pytest.approx(np.mean(again))
    assert found["reappearing"] == 1
    assert set(found["recall"]) == {"0.5", "0.6", "0.7", "0.8", "0.9"}
    wide = vosbench(*arguments, "--boundary-threshold", 3, "--json", tmp_path / "wide.json")
    assert "davis2017/1:boundary_threshold=3" in " ".join(wide.out.split())
    assert (
        read_json(tmp_path / "wide.json")["summary"]["f_mean"] > read_json(tmp_path / "score.json")["summary"]["f_mean"]
    )
    outcome = vosbench(*arguments, "--stability", "--json", tmp_path / "stable.json")
    assert outcome.out.startswith(plain.out)
    stable = read_json(tmp_path / "stable.json")["stability"]
    assert [(o["sequence"], o["object_id"], o["pairs"]) for o in stable["objects"]] == [
        ("ant", 1, 3),
        ("ant", 2, 1),
        ("bee", 1, 3),
    ]
    assert stable["mean"] == {"t_mean": pytest.approx(0, abs=1e-12), "objects": 3}  # rectangles that drift
    for bad in ("0", "-1", "nan", "inf"):
        assert "boundary threshold" in refused(*arguments, "--boundary-threshold", bad)


@pytest.mark.usefixtures("elsewhere")
def test_seen_and_unseen(small_youtube, tmp_path, vosbench, refused):
    root = small_youtube
    (root / "valid").rename(root / "train")
    meta = json.loads((root / "train/meta.json").read_text())
    objects = meta["videos"]["a1"]["objects"]
    for object_id, category in (("1", "ape"), ("3", "cat"), ("7", "ape")):
        objects[object_id]["category"] = category
    (root / "train/meta.json").write_text(json.dumps(meta))
    videos = {"v": {"objects": {"1": {"category": "ape", "frames": []}}}}
    (tmp_path / "known.json").write_text(json.dumps({"videos": videos}))
    masks = root / "train/Annotations"
    arguments = ("score", masks, "--dataset", "youtube-vos-2019", "--root", root, "--split", "train", "--jobs", 1)
    outcome = vosbench(*arguments, "--train-meta", tmp_path / "known.json", "--json", tmp_path / "score.json")
    assert outcome.status == 0
    written = read_json(tmp_path / "score.json")
    scores = {o["object"]: o["j_mean"] for o in written["objects"]}
    assert "unseen" in outcome.out
    assert set(scores) <= {1, 3, 7}
    assert written["seen_unseen"]["j_seen"] == pytest.approx(np.mean([v for k, v in scores.items() if k != 3]))
    assert written["seen_unseen"]["j_unseen"] == scores[3]
    assert "not the meta.json" in refused(*arguments, "--train-meta", tmp_path / "score.json")


def test_seen_and_unseen_need_categories(small_davis, small_youtube, refused):
    del small_youtube
    (small_davis / "known.json").write_text('{"videos": {}}')
    arguments = ("score", small_davis / "Annotations/480p", "--root", small_davis)
    assert "names no categories" in refused(*arguments, "--train-meta", small_davis / "known.json")


def test_export(small_davis, tmp_path, vosbench):
    run = ("run", "--dataset", "davis2017", "--root", small_davis, "--split", "test-dev", "-p", "first-only")
    assert vosbench(*run, "--out", tmp_path / "run").status == 0
    masks, archive = tmp_path / "run/masks/first-only", tmp_path / "test-dev.zip"
    arguments = ("export", masks, "--dataset", "davis2017", "--root", small_davis, "--split", "test-dev")
    outcome = vosbench(*arguments, "--out", archive, "--json", tmp_path / "export.json")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == f"{archive} holds 6 masks of 1 sequence of davis2017 test-dev\n"
    assert read_json(tmp_path / "export.json") == {"archive": str(archive), "masks": 6, "sequences": ["cat"]}
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == [f"cat/{t:05d}.png" for t in range(6)]
    archive.unlink()
    (masks / "cat/00001.png").unlink()
    (masks / "cat/00002.png").write_bytes(b"")
    outcome = vosbench(*arguments, "--out", archive)
    assert outcome.status == 2
    assert outcome.out.count("\n  hint: ") == 2
    assert "frames 00001" in outcome.out
    assert "00002.png is not a readable PNG" in outcome.out
    assert len(outcome.err.splitlines()) == 2
    assert "cannot be submitted" in outcome.err
    assert not archive.exists()


def test_check(small_davis, tmp_path, vosbench):
    arguments = ("check", "--dataset", "davis2017", "--root", small_davis, "--json", tmp_path / "check.json")
    outcome = vosbench(*arguments)
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.endswith("2 sequences, sound\n")
    assert read_json(tmp_path / "check.json")["problems"] == []
    (small_davis / "JPEGImages/480p/ant/00002.jpg").unlink()
    (small_davis / "Annotations/480p/bee/00001.png").write_bytes(b"")
    outcome = vosbench(*arguments)
    assert outcome.status == 2
    assert outcome.err.endswith("problems\n")
    problems = read_json(tmp_path / "check.json")["problems"]
    assert outcome.out.count("hint: ") == len(problems) >= 2
    assert any("bee/00001.png is not a readable PNG" in problem["message"] for problem in problems)
    assert any("ant lacks frames 00002" in problem["message"] for problem in problems)


def test_check_of_predictions(small_davis, tmp_path, vosbench):
    predicted = tmp_path / "masks"
    shutil.copytree(small_davis / "Annotations/480p", predicted)
    shutil.rmtree(predicted / "cat")
    for path in predicted.rglob("*.png"):
        write_labels(path, np.roll(read_labels(path), 1, axis=1))
    arguments = ("check", predicted, "--dataset", "davis2017", "--root", small_davis, "--json", tmp_path / "check.json")
    outcome = vosbench(*arguments)
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err == f"{predicted} for davis2017 val: 2 sequences, sound\n"
    (predicted / "ant/00003.png").unlink()
    write_labels(predicted / "bee/00002.png", read_labels(predicted / "bee/00002.png") * 9)
    outcome = vosbench(*arguments)
    assert outcome.status == 2
    assert outcome.err == f"{predicted} for davis2017 val: 2 sequences, 2 problems\n"
    assert [problem["message"] for problem in read_json(tmp_path / "check.json")["problems"]] == [
        f"{predicted / 'ant'} lacks 1 of 4 masks: frames 00003",
        f"{predicted / 'bee'} holds ids that the ground truth does not have: 9, first in 00002",
    ]
    outcome = vosbench(*arguments, "--sequences", "bee")
    assert outcome.err == f"{predicted} for davis2017 val: 1 sequence, PARTIAL, 1 problem\n"
    assert read_json(tmp_path / "check.json")["partial"]
    private = vosbench("check", predicted, "--dataset", "davis2017", "--root", small_davis, "--split", "test-dev")
    assert private.status == 2
    assert "lacks 1 of 1 sequences: cat" in private.out


IDEA = """
from dataclasses import dataclass
from vosbench.memory.policy import BoundedPolicy

@dataclass
class Idea(BoundedPolicy):
    def victims(self, count, incoming):
        return self.bank.by_age()[-count:]
"""


def test_check_of_a_strategy(tmp_path, monkeypatch, vosbench):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "idea.py").write_text(IDEA + "    def score(self, frame):\n        return None\n")
    spec = "gated:base=idea.py(every=2),timeout=3"
    assert astuple(vosbench("check", "policy", spec)) == (0, "", f"{spec}: 12 checks, sound\n")
    (tmp_path / "idea.py").write_text(IDEA.replace("-count:", "1 - count:") + "    score = None\n")
    outcome = vosbench("check", "policy", "./idea.py:every=3", "--json", "check.json")
    assert outcome.status == 2
    assert outcome.err == "./idea.py:every=3: 12 checks, 1 problem\n"
    line, hint = outcome.out.splitlines()
    assert line == "idea.py:5: frame 6: victims names 5 slots, not the 6 asked for"
    assert hint.startswith("  hint: ")
    assert read_json(tmp_path / "check.json") == {
        "policy": "./idea.py:every=3",
        "checks": 12,
        "problems": [{"message": line, "hint": hint.removeprefix("  hint: ")}],
    }


def test_predictions_may_lie_in_a_folder_called_policy(small_davis, tmp_path, monkeypatch, vosbench):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_davis / "Annotations/480p", tmp_path / "policy")
    shutil.rmtree(tmp_path / "policy/cat")
    for path in (tmp_path / "policy").rglob("*.png"):
        write_labels(path, np.roll(read_labels(path), 1, axis=1))
    outcome = vosbench("check", "policy", "--dataset", "davis2017", "--root", small_davis)
    assert astuple(outcome) == (0, "", "policy for davis2017 val: 2 sequences, sound\n")


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("policies", ["every-k", "fifo", "first-and-latest", "first-only", "latest-only", "lfu", "lfu-softmax"]),
        ("datasets", list(DATASETS)),
        ("models", ["stcn-tiny"]),
        ("protocols", ["davis2017", "davis2016"]),
        ("configs", ["paper-stage0", "paper-stage1", "stcn-tiny"]),
    ],
)
def test_list(tmp_path, vosbench, what, names):
    outcome = vosbench("list", what, "--json", tmp_path / "list.json")
    assert outcome.status == 0
    printed = [line.split()[0] for line in outcome.out.splitlines()]
    assert set(names) <= set(printed)
    assert [row["name"] for row in read_json(tmp_path / "list.json")] == printed


def test_list_shows_parameters_with_their_defaults(vosbench):
    lines = {line.split()[0]: line for line in vosbench("list").out.splitlines()}
    assert lines["lfu"].partition("  [")[2].startswith("capacity=2.0, every=5, pin_first=false")
    assert "append every k-th frame" in lines["every-k"]


@pytest.mark.parametrize("by", ["strategy", "sequence", "object"])
def test_table(finished, tmp_path, vosbench, by):
    outcome = vosbench("table", finished, "--by", by, "--json", tmp_path / "table.json")
    assert outcome.status == 0
    rows = read_json(tmp_path / "table.json")["rows"]
    assert len(rows) == {"strategy": 4, "sequence": 8, "object": 12}[by]
    assert outcome.out.count("\n") > len(rows)
    assert {row["strategy"] for row in rows} == {"every-k:k=2", "first-only", "copy-first-mask", "predict-nothing"}


def test_table_formats(finished, tmp_path, vosbench):
    assert vosbench("table", finished, "--format", "markdown").out.startswith("| strategy")
    assert r"\begin{table}" in vosbench("table", finished, "--format", "latex").out
    assert len(json.loads(vosbench("table", finished, "--format", "json").out)["rows"]) == 4
    assert vosbench("table", finished, "--format", "csv", "--out", tmp_path / "new/table.csv").out == ""
    lines = (tmp_path / "new/table.csv").read_text().splitlines()
    assert len(lines) == 5
    assert len(list(csv.DictReader(lines))) == 4


def test_table_of_a_broken_record(finished, refused):
    path = finished / "records/first-only/ant.json"
    path.write_text(path.read_text()[:100])
    assert "first-only/ant.json is truncated or not JSON" in refused("table", finished)
    path.unlink()
    assert "first-only has no record of 1 sequence that others have: ant" in refused("table", finished)


def test_timing(finished, tmp_path, vosbench, refused):
    outcome = vosbench("timing", finished, "--json", tmp_path / "timing.json")
    assert outcome.status == 0
    written = read_json(tmp_path / "timing.json")
    assert set(written) == {"stages", "latency"}
    assert [row["strategy"] for row in written["latency"]["rows"]] == ["every-k:k=2", "first-only"]
    assert json.loads(vosbench("timing", finished, "--format", "json").out) == written
    text = vosbench("timing", finished, "--only", "stages", "--format", "csv").out
    rows = list(csv.DictReader(text.splitlines()))
    assert [float(row["share"]) for row in rows] == [row["share"] for row in written["stages"]["rows"]]
    assert sum(float(row["share"]) for row in rows if row["strategy"] == "first-only") == pytest.approx(1)
    assert "--only stages" in refused("timing", finished, "--format", "csv")
    assert "stages" in refused("timing", finished, "--only", "stage")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_plot(finished, tmp_path, vosbench, kind):
    outcome = vosbench("plot", finished, "--out", tmp_path / "new", "--format", kind, "--json", tmp_path / "plot.json")
    assert outcome.status == 0
    assert "accuracy-against-capacity is left out: no strategy was run at two capacities" in outcome.err
    names = ["accuracy-against-speed", "latency-against-frame", "memory-against-frame"]
    figures = [tmp_path / "new" / f"{name}.{kind}" for name in names]
    assert outcome.out.splitlines() == read_json(tmp_path / "plot.json")["figures"] == [str(path) for path in figures]
    for path in figures:
        if kind == "png":
            assert min(cv2.imread(str(path)).shape[:2]) > 500
        else:
            assert "first-only" in path.read_text()


def test_plot_of_a_sweep(small_davis, tmp_path, vosbench):
    sweep = ("-p", "lfu:capacity=1,every=1", "-p", "lfu:capacity=2,every=1", "-p", "first-only", "--no-controls")
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "--limit", 1, "--out", tmp_path / "run")
    assert vosbench(*arguments, *sweep).status == 0
    assert vosbench("plot", tmp_path / "run", "--out", tmp_path, "--format", "svg").status == 0
    figure = (tmp_path / "accuracy-against-capacity.svg").read_text()
    assert "lfu:every=1" in figure
    assert "first-only" in figure


def test_plot_faults(finished, tmp_path, refused):
    assert "unknown figure format 'gif'" in refused("plot", finished, "--format", "gif")
    (tmp_path / "file").write_text("")
    assert "cannot write " in refused("table", finished, "--out", tmp_path / "file" / "table.txt")


def test_some_strategies_of_a_run(finished, tmp_path, vosbench, refused):
    outcome = vosbench("table", finished, "--policies", "every-k:k=2,copy-first-mask", "--format", "csv")
    assert [row["strategy"] for row in csv.DictReader(outcome.out.splitlines())] == ["every-k:k=2", "copy-first-mask"]
    assert vosbench("plot", finished, "--policies", "first-only", "--format", "svg", "--out", tmp_path).status == 0
    figure = (tmp_path / "accuracy-against-speed.svg").read_text()
    assert "first-only" in figure
    assert "every-k" not in figure
    for verb in ("table", "plot"):
        assert "did you mean first-only" in refused(verb, finished, "--policies", "first-onli")


def test_a_crowd_is_not_drawn(finished, tmp_path, vosbench, refused, monkeypatch):
    monkeypatch.setattr(figures, "MOST", 1)
    assert "2 strategies cannot be told apart" in refused("plot", finished, "--out", tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
    assert vosbench("plot", finished, "--policies", "first-only", "--out", tmp_path / "figures").status == 0
    assert vosbench("publish", finished, "--out", tmp_path / "published", "--allow-dirty").status == 0
    assert (tmp_path / "published" / "strategies.md").exists()
    assert not list((tmp_path / "published").glob("*.svg"))


def test_results_of_a_private_split(small_davis, tmp_path, vosbench):
    run = tmp_path / "private"
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "--split", "test-dev", "-p", "first-only")
    outcome = vosbench(*arguments, "--out", run, "--json", tmp_path / "run.json")
    assert outcome.status == 0
    assert "not scored" in outcome.out
    assert [record["scores"] for record in read_json(tmp_path / "run.json")["records"]] == [None]
    assert vosbench("table", run, "--json", tmp_path / "table.json").status == vosbench("timing", run).status == 0
    assert [row["jf"] for row in read_json(tmp_path / "table.json")["rows"]] == [None]
    plot = vosbench("plot", run, "--out", tmp_path / "figures")
    assert plot.status == 0
    assert "accuracy-against-speed is left out" in plot.err
    assert "accuracy-against-capacity is left out: the run has no scores" in plot.err
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "latency-against-frame",
        "memory-against-frame",
    }


@pytest.mark.parametrize("option", ["--json", "--out"])
def test_a_result_that_cannot_be_written(finished, tmp_path, vosbench, option):
    (tmp_path / "file").write_text("")
    outcome = vosbench("table", finished, option, tmp_path / "file/table")
    assert outcome.status == 2
    assert "cannot write" in outcome.err
    assert "hint: " in outcome.err


def test_train(tmp_path, vosbench):
    (tmp_path / "tiny.toml").write_text(
        "size = 48\nbatch = 1\nsteps = 2\nlog_every = 1\nworkers = 0\nthreads = 1\nmax_gap = 2\n"
    )
    arguments = ("train", tmp_path / "tiny.toml", "--out", tmp_path / "training", "--export")
    outcome = vosbench(*arguments, tmp_path / "tiny.safetensors")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "step 1/2",
        "step 2/2",
        f"weights are in {tmp_path / 'tiny.safetensors'}",
    ]
    assert len((tmp_path / "training/curve.csv").read_text().splitlines()) == 3
    again = vosbench(*arguments, tmp_path / "again.safetensors")
    assert again.out == f"weights are in {tmp_path / 'again.safetensors'}\n"
    first, second = (load_file(tmp_path / f"{name}.safetensors") for name in ("tiny", "again"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_ctrl_c_is_one_line(monkeypatch, vosbench):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "open_dataset", interrupt)
    outcome = vosbench("check", "--dataset", "davis2017")
    assert outcome.status == 128 + signal.SIGINT
    assert outcome.err.splitlines() == [
        "vosbench: error: interrupted",
        "hint: start the same command again: what is finished is kept",
    ]


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(data, "open_dataset", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["check", "--dataset", "davis2017"])


def test_a_reader_that_goes_away_is_no_error():
    code = "import sys; from vosbench.cli import main; sys.stdin.read(); sys.exit(main(['list', 'datasets']))"
    command = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    command.stdout.close()
    command.stdin.close()
    assert command.wait(60) == 0
    assert command.stderr.read() == b""
    command.stderr.close()
