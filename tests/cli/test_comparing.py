"""The verbs compare and publish on runs of the small suite: what they print and write, and their exit status."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import cv2
import numpy as np
import pytest

from vosbench.bench.record import ObjectRecord, read_record, read_run, write_record
from vosbench.datasets import open_dataset
from vosbench.datasets.label_pngs import label_pngs
from vosbench.images import read_labels, write_labels
from vosbench.metrics.evaluate import object_scores, score_sequence
from vosbench.metrics.protocols import find_protocol

GATE = ("--fail-on", "regression")


@pytest.fixture
def runs(finished_run, tmp_path, monkeypatch):
    """The working folder, with `DAVIS` and the finished run twice, as `old` and `new`."""
    shutil.copytree(finished_run / "DAVIS", tmp_path / "DAVIS")
    for name in ("old", "new"):
        shutil.copytree(finished_run / "run", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rewrite(folder, change):
    for path in (folder / "records").rglob("*.json"):
        write_record(path, change(read_record(path)))


def test_an_unchanged_run_passes(runs, vosbench, read_json):
    outcome = vosbench(
        *("compare", "old", "new", *GATE, "--tolerance-accuracy", 0, "--junit", "gate.xml", "--markdown", "gate.md"),
        *("--json", "compare.json"),
    )
    assert (outcome.status, outcome.err) == (0, "")
    assert "No object's J&F changed." in outcome.out
    assert "0 of 10 checks failed, 2 undecided." in outcome.out  # two sequences are too few to time
    found = read_json(runs / "compare.json")
    assert [row["difference"] for row in found["rows"]] == [None, 0, None, 0]
    assert found["objects"] == []
    assert {check["result"] for check in found["checks"]} == {"passed", "undecided"}
    assert Xml.parse(runs / "gate.xml").getroot().get("failures") == "0"
    text = (runs / "gate.md").read_text()
    assert text.startswith("| strategy")
    assert "| undecided |" in text


def test_a_flip_of_one_hundredth_of_an_object_is_seen(runs, vosbench, read_json):
    """In one frame, one pixel of a hundred that are rightly the object's, deep inside it, becomes background."""
    mask = runs / "new/masks/every-k_k=2/bee/00002.png"
    labels = read_labels(mask)
    right = (labels == 1) & (read_labels(runs / "DAVIS/Annotations/480p/bee/00002.png") == 1)
    depth = cv2.distanceTransform(right.astype(np.uint8), cv2.DIST_L2, 5)
    deepest = np.argsort(-depth, axis=None, kind="stable")[: max(int(right.sum()) // 100, 1)]
    labels[np.unravel_index(deepest, labels.shape)] = 0
    write_labels(mask, labels)
    path = runs / "new/records/every-k_k=2/bee.json"
    record, protocol = read_record(path), find_protocol("davis2017")
    traces = score_sequence(open_dataset("davis2017", runs / "DAVIS").truth("bee"), label_pngs(mask.parent), protocol)
    objects = tuple(ObjectRecord(o.object_id, o.frames, o.j, o.f) for o in object_scores(traces, protocol))
    write_record(path, replace(record, scores=replace(record.scores, objects=objects)))

    outcome = vosbench("compare", "old", "new", *GATE, "--tolerance-accuracy", 0, "--junit", "gate.xml")
    assert outcome.status == 1
    failed = [case for case in Xml.parse(runs / "gate.xml").getroot() if case.find("failure") is not None]
    assert ("every-k:k=2", "J") in [(case.get("classname"), case.get("name")) for case in failed]
    assert {case.get("classname") for case in failed} == {"every-k:k=2"}
    assert "FAILED" in outcome.out
    assert vosbench("compare", "old", "new", *GATE, "--tolerance-accuracy", 1).status == 0
    assert vosbench("compare", "old", "new", "--json", "moved.json").status == 0  # nothing was said to fail on
    (moved,) = read_json(runs / "moved.json")["objects"]
    assert (moved["strategy"], moved["sequence"]) == ("every-k:k=2", "bee")
    assert moved["jf"] - moved["jf_baseline"] == pytest.approx(moved["difference"])
    assert moved["difference"] < 0
    assert "No object" not in vosbench("compare", "old", "new", "--objects", 0).out
    assert vosbench("compare", "new", "old", *GATE, "--tolerance-accuracy", 0.0).status == 0
    assert vosbench("compare", "new", "old", "--fail-on", "change", "--tolerance-accuracy", 0).status == 1


def test_strategies_of_one_run(runs, vosbench, refused):
    outcome = vosbench("compare", "old", "--policies", "first-only,every-k:k=2,copy-first-mask", "--format", "csv")
    rows = list(csv.DictReader(outcome.out.splitlines()))
    assert [row["strategy"] for row in rows] == ["first-only", "every-k:k=2", "copy-first-mask"]
    assert vosbench("compare", "old", "--out", "table.txt").status == 0
    before = Path("table.txt").read_text()
    assert "table.txt exists already" in refused("compare", "old", "--format", "csv", "--out", "table.txt")
    assert Path("table.txt").read_text() == before
    assert vosbench("compare", "old", "--format", "csv", "--out", "table.txt", "--overwrite").status == 0
    scores = {r.policy.spec: [] for r in read_run(runs / "old")}
    for record in read_run(runs / "old"):
        scores[record.policy.spec] += [(o.j.mean + o.f.mean) / 2 for o in record.scores.objects]
    for row in rows[1:]:
        expected = np.mean(scores[row["strategy"]]) - np.mean(scores["first-only"])
        assert float(row["difference"]) == pytest.approx(expected)
    assert "Compared with first-only of old" in " ".join(
        vosbench("compare", "old", "--policies", "first-only", "--policies", "every-k:k=2").out.split()
    )
    assert "did you mean first-only" in refused("compare", "old", "--policies", "first-onli")
    assert "nothing to compare" in refused("compare", "old", "--policies", "first-only")


def test_the_papers_rows(runs, vosbench, refused):
    text = vosbench("compare", "old", "--paper", "--format", "latex").out
    assert "LFU (2 frames) (paper)" in text
    assert "Table I and III of Pourganjalikhan" in text
    rewrite(runs / "old", lambda r: replace(r, dataset=replace(r.dataset, name="synthetic")))
    assert "the paper has no figures for synthetic" in refused("compare", "old", "--paper")


FAULTS = {
    "half a record": (
        lambda new: (new / "records/first-only/ant.json").write_text('{"schema": 2, "identity": "0123'),
        ["first-only/ant.json is truncated or not JSON", "delete the file and repeat the run"],
    ),
    "a record of a newer schema": (
        lambda new: (new / "records/first-only/ant.json").write_text('{"schema": 99}'),
        ["first-only/ant.json has schema 99, this vosbench reads schemas 1 to", "install a newer vosbench"],
    ),
    "another protocol": (
        lambda new: rewrite(new, lambda r: replace(r, scores=replace(r.scores, protocol="vos-benchmark/1"))),
        ["their protocols differ: davis2017/1 and vos-benchmark/1", "repeat one of the runs"],
    ),
    "two protocols in one run": (
        lambda new: write_record(
            new / "records/first-only/ant.json",
            replace(
                record := read_record(new / "records/first-only/ant.json"),
                scores=replace(record.scores, protocol="vos-benchmark/1"),
            ),
        ),
        ["records of different protocols cannot share a table", "one run at a time"],
    ),
    "other weights": (
        lambda new: rewrite(new, lambda r: replace(r, model=replace(r.model, checkpoint_hash="feedbeef00"))),
        ["weights", "and feedbeef", "make a baseline with these weights"],
    ),
    "another machine": (
        lambda new: rewrite(new, lambda r: replace(r, environment=replace(r.environment, machine="Abacus"))),
        ["machine", "Abacus", "--speed counts"],
    ),
    "other data": (
        lambda new: rewrite(new, lambda r: replace(r, fingerprint="00")),
        ["their versions of the data differ", "repeat one of the runs"],
    ),
    "other data, and a strategy that is gone": (
        lambda new: (
            rewrite(new, lambda r: replace(r, fingerprint="00")),
            shutil.rmtree(new / "records/first-only"),
        ),
        ["their versions of the data differ", "repeat one of the runs"],
    ),
    "a strategy that is gone": (
        lambda new: shutil.rmtree(new / "records/first-only"),
        ["strategy first-only of old is not in new", "--policies"],
    ),
    "no run": (shutil.rmtree, ["run new does not exist", "vosbench run"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_compared_is_status_2(runs, refused, fault):
    spoil, expected = FAULTS[fault]
    spoil(runs / "new")
    said = refused("compare", "old", "new", *GATE, "--junit", "gate.xml")
    for words in expected:
        assert words in said
    assert Xml.parse(runs / "gate.xml").getroot().get("errors") == "1"


def test_another_machine_is_fine_by_counts(runs, vosbench):
    rewrite(runs / "new", lambda r: replace(r, environment=replace(r.environment, machine="Abacus")))
    outcome = vosbench("compare", "old", "new", *GATE, "--speed", "counts")
    assert outcome.status == 0
    assert "0 of 8 checks failed." in outcome.out
    assert "differ in machine" in " ".join(outcome.out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tolerance-accuracy", "-1"], ["a tolerance of -1.0 points means nothing", "0 to 100"]),
        (["--tolerance-speed", "0.5"], ["a speed tolerance of 0.5 means nothing", "1.1"]),
        (["--fail-on", "anything"], ["'--fail-on'", "regression"]),
        (["--format", "xml"], ["unknown table format 'xml'", "known"]),
    ],
)
@pytest.mark.usefixtures("runs")
def test_options_that_mean_nothing(refused, arguments, words):
    said = refused("compare", "old", "new", *arguments)
    for word in words:
        assert word in said


@pytest.mark.usefixtures("runs")
def test_the_same_run_twice(refused):
    assert "the same run is given twice" in refused("compare", "old", "old")


def test_publish(runs, vosbench, refused, read_json):
    rewrite(runs / "old", lambda r: replace(r, environment=replace(r.environment, dirty=True)))
    assert "from a changed working tree" in refused("publish", "old")
    outcome = vosbench("publish", "old", "--allow-dirty", "--json", "files.json")
    assert outcome.status == 0
    files = read_json(runs / "files.json")["files"]
    assert outcome.out == f"results/old holds {len(files)} files, made of the records in old\n"
    assert all((runs / file).is_file() for file in files)
    assert read_run(runs / "results/old") == read_run(runs / "old")
    assert vosbench("table", "results/old").out == vosbench("table", "old").out
    assert "give one: --out results/NAME" in refused("publish", "old", "new", "--allow-dirty")
    assert "do not differ in one strength" in refused("publish", "old", "new", "--allow-dirty", "--out", "results/two")
    (runs / "old/records/first-only/ant.json").unlink()
    assert "run old is partial (1 of 2 sequences are done)" in refused("publish", "old", "--allow-dirty")
