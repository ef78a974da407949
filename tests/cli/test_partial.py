"""What a result lacks is said by every verb that shows it; sequences are left out by name."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from spoiling import relabel

from vosbench.bench.record import Failure, read_record, write_record

pytestmark = pytest.mark.usefixtures("scored_in_a_thread")


def flat(text):
    return " ".join(text.split())


def rewrite(run, change):
    for path in run.rglob("*.json"):
        if (record := change(read_record(path))) is None:
            path.unlink()
        else:
            write_record(path, record)


def faulty(record):
    failure = Failure("a frame is truncated", 0, 0, cause="sequence")
    return replace(record, masks=None, scores=None, timings=(), memory=None, failure=failure)


def failed(record):
    return replace(faulty(record), failure=Failure("out of memory", 3, 9))


LACKS = {
    "sequences were left out": lambda r: replace(r, partial=True, dataset=replace(r.dataset, in_split=3)),
    "1 of 2 sequences are done": lambda r: None if r.sequence == "bee" else r,
    "not run yet: lru": lambda r: replace(r, suite={**r.suite, "policies": [*r.suite["policies"], "lru"]}),
    "faulty: bee": lambda r: faulty(r) if r.sequence == "bee" else r,
    "not scored: bee": lambda r: replace(r, scores=None, unscored="one mask") if r.sequence == "bee" else r,
    "failed: first-only": lambda r: failed(r) if (r.policy.spec, r.sequence) == ("first-only", "bee") else r,
}


def test_csv_is_marked_too(finished_run, tmp_path, vosbench):
    whole, run = finished_run / "run", shutil.copytree(finished_run / "run", tmp_path / "run")
    rewrite(run, LACKS["sequences were left out"])
    tables = (("table",), ("table", "--by", "object", "--columns", "sequence,jf"), ("timing", "--only", "latency"))
    for verb, *more in (*tables, ("compare",)):
        outcome = vosbench(verb, run, *more, "--format", "csv")
        assert "vosbench: warning: PARTIAL (sequences were left out)\n" in outcome.err
        rows = list(csv.DictReader(outcome.out.splitlines()))
        assert {row["partial"] for row in rows} == {"sequences were left out"}
        unmarked = vosbench(verb, whole, *more, "--format", "csv")
        assert ("PARTIAL" in unmarked.err, "partial" in unmarked.out) == (False, False)


def test_the_csv_of_scores_is_marked_too(small_davis, finished_run, tmp_path, vosbench):
    data = ("--dataset", "davis2017", "--root", small_davis, "--no-cache", "--jobs", 1, "--csv", tmp_path / "csv")
    for more in (("--limit", 1), ()):
        outcome = vosbench("score", finished_run / "run/masks/first-only", *data, *more, "--format", "csv")
        assert ("vosbench: warning: PARTIAL (sequences were left out)\n" in outcome.err) == bool(more)
        for text in (outcome.out.partition(str(tmp_path))[0], *map(Path.read_text, (tmp_path / "csv").iterdir())):
            heads, *rows = csv.reader(text.splitlines())
            assert (heads[-1] == "partial") == bool(more)
            assert all(len(row) == len(heads) for row in rows)


@pytest.mark.parametrize("reason", LACKS)
def test_every_verb_says_what_a_run_lacks(finished_run, tmp_path, vosbench, reason):
    run = shutil.copytree(finished_run / "run", tmp_path / "run")
    rewrite(run, LACKS[reason])
    for arguments in (
        ("table", run),
        ("table", run, "--by", "object"),
        ("table", run, "--by", "sequence", "--format", "markdown"),
        ("timing", run),
        ("compare", run, "--fail-on", "regression", "--speed", "counts"),
    ):
        outcome = vosbench(*arguments)
        assert outcome.status in (0, 1), outcome.err
        assert f"PARTIAL ({reason})" in flat(outcome.out), arguments
        conditions = json.loads(vosbench(*arguments, "--json", "-").out)["conditions"]
        conditions = conditions.get("baseline", conditions)
        assert (conditions["partial"], conditions["lacks"]) == (True, [reason])
    refused = vosbench("publish", run, "--out", tmp_path / "published", "--allow-dirty")
    if reason.startswith("failed"):  # which is a result too
        assert refused.status == 0
    else:
        assert refused.status == 2
        assert f"is partial ({reason})" in refused.err
        published = vosbench("publish", run, "--out", tmp_path / "published", "--allow-dirty", "--allow-partial")
        assert published.status == 0
    assert f"PARTIAL ({reason})" in (tmp_path / "published/strategies.md").read_text()


def test_a_figure_says_it_too(finished_run, tmp_path, vosbench):
    run = shutil.copytree(finished_run / "run", tmp_path / "run")
    rewrite(run, LACKS["faulty: bee"])
    outcome = vosbench("plot", run, "--out", tmp_path, "--format", "svg", "--json", tmp_path / "plot.json")
    assert outcome.status == 0
    assert "PARTIAL (faulty: bee)" in (tmp_path / "accuracy-against-speed.svg").read_text()
    assert json.loads((tmp_path / "plot.json").read_text())["conditions"]["runs"][0]["lacks"] == ["faulty: bee"]


@pytest.fixture
def videos(small_davis, tmp_path):
    """A plain folder of `a,b`, `bee` and `one`, which has its first mask only."""
    for name, source in (("a,b", "ant"), ("bee", "bee"), ("one", "cat")):
        for kind in ("JPEGImages", "Annotations"):
            shutil.copytree(small_davis / kind / "480p" / source, tmp_path / "videos" / kind / name)
    return tmp_path / "videos"


RUN = ("run", "--shorter-side", 0, "-p", "first-only", "--no-controls")


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (("--exclude", "bee,one"), ["a,b"]),
        (("--exclude", "a,b", "--exclude", "one"), ["bee"]),
        (("--sequences", "a,b", "--sequences", "bee"), ["a,b", "bee"]),
        (("--exclude", "@names.txt"), ["one"]),
        (("--sequences", "@names.txt", "--exclude", "bee"), ["a,b"]),
        (("--exclude", "bee", "--limit", 1), ["a,b"]),
    ],
)
def test_sequences_are_left_out_by_name(videos, tmp_path, monkeypatch, vosbench, chosen, left):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_bytes("a,b\r\n#one\r\nbee\r\n".encode("utf-16"))
    data = ("--dataset", "folder", "--root", videos, *chosen)
    checked = vosbench("check", *data)
    assert (checked.status, f"{len(left)} sequence" in checked.err, "PARTIAL" in checked.err) == (0, True, True)
    outcome = vosbench(*RUN, *data, "--out", "run")
    assert outcome.status == 0
    assert "PARTIAL (sequences were left out)" in flat(outcome.out)
    assert sorted(path.stem for path in (tmp_path / "run/records/first-only").iterdir()) == left
    if "one" not in left:
        scores = vosbench("score", "run/masks/first-only", *data)
        assert scores.status == 0
        assert "PARTIAL (sequences were left out)" in flat(scores.out)


def test_what_cannot_be_left_out(videos, refused):
    data = ("--dataset", "folder", "--root", videos)
    for verb in (("check",), RUN, ("score", videos / "Annotations")):
        assert "unknown sequence 'wasp'" in refused(*verb, *data, "--exclude", "bee,wasp")
        assert "all sequences are excluded" in refused(*verb, *data, "--exclude", "bee,one", "--exclude", "a,b")
    assert "cannot read absent.txt" in refused("check", *data, "--exclude", "@absent.txt")


def test_a_folder_with_a_video_that_cannot_be_scored_and_one_that_is_faulty(videos, tmp_path, vosbench):
    path = videos / "JPEGImages/bee/00003.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    arguments = (*RUN, "--dataset", "folder", "--root", videos, "--out", tmp_path / "run")
    outcome = vosbench(*arguments)
    assert outcome.status == 2
    first, *_, last = outcome.err.splitlines()
    assert first == "vosbench: not scored: sequence one has no frame to score; no protocol can: it has too few masks"
    assert last.startswith(f"vosbench: faulty: bee: frame {path} is truncated: ")
    assert "PARTIAL (faulty: bee; not scored: one); 2 sequences, 2 objects" in flat(outcome.out)
    again = vosbench(*arguments)
    assert (again.status, again.out) == (2, outcome.out)
    masks = tmp_path / "run/masks/first-only"
    data = ("--dataset", "folder", "--root", videos)
    whole = vosbench("score", masks, *data)
    assert (whole.status, "PARTIAL (not scored: bee, one)" in flat(whole.out)) == (2, True)
    scored = vosbench("score", masks, *data, "--exclude", "bee", "--json", "-")
    assert scored.status == 0
    assert json.loads(scored.out)["conditions"]["lacks"] == ["sequences were left out", "not scored: one"]
    assert "vosbench: not scored: sequence one has no frame to score; no protocol can" in scored.err
    assert vosbench("check", masks, *data, "--exclude", "bee").status == 0


def test_ground_truth_that_is_broken(small_davis, tmp_path, vosbench):
    path = small_davis / "Annotations/480p/ant/00003.png"
    path.write_bytes(path.read_bytes()[:60])
    data = ("--dataset", "davis2017", "--root", small_davis)
    outcome = vosbench("run", *data, "-p", "first-only", "--no-controls", "--out", tmp_path / "run")
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1].startswith(
        f"vosbench: faulty: ant is not scored: mask {path} is not a readable"
    )
    assert "PARTIAL (not scored: ant); 2 sequences, 1 object" in flat(outcome.out)


FAULTS = {  # of the sequence bee, which then has no masks
    "frame": lambda root: (root / "JPEGImages/bee/00003.jpg").write_bytes(b"nothing"),
    "other size": lambda root: Image.new("RGB", (8, 8)).save(root / "JPEGImages/bee/00003.jpg"),
    "no frames": lambda root: shutil.rmtree(root / "JPEGImages/bee"),
    "no object": lambda root: [relabel(p, np.zeros_like) for p in (root / "Annotations/bee").iterdir()],
}


@pytest.mark.parametrize("what", FAULTS)
def test_masks_of_a_faulty_sequence_are_not_missed(videos, tmp_path, vosbench, what):
    data = ("--dataset", "folder", "--root", videos)
    masks = shutil.copytree(videos / "Annotations", tmp_path / "masks")
    for path in (masks / "a,b").iterdir():
        relabel(path, lambda labels: np.roll(labels, 1, 1))  # not the truth itself
    shutil.rmtree(masks / "bee")
    FAULTS[what](videos)
    scored = vosbench("score", masks, *data, "--jobs", 1, "--no-cache")
    assert scored.status == 2
    assert "PARTIAL (not scored: bee, one); 2 objects." in flat(scored.out)
    checked = vosbench("check", masks, *data, "--jobs", 1)
    assert (checked.status, "bee" in checked.out, "sequences: bee" in checked.out) == (2, True, False)
    shutil.rmtree(masks / "a,b")
    assert "predictions lack the sequence a,b" in vosbench("score", masks, *data).err
    assert "lacks 1 of 3 sequences: a,b" in vosbench("check", masks, *data).out


def test_no_score(videos, tmp_path, vosbench):
    outcome = vosbench(*RUN, "--no-score", "--dataset", "folder", "--root", videos, "--out", tmp_path / "run")
    assert outcome.status == 0
    assert "not scored (no scores were asked for); 3 sequences" in flat(outcome.out)
    assert "model" in outcome.out
    assert "J&F" not in vosbench("timing", tmp_path / "run").out


def test_a_protocol_that_no_video_fits_is_refused_before_the_first_frame(videos, refused):
    said = refused(*RUN, "--dataset", "folder", "--root", videos, "--sequences", "one", "--protocol", "vos-benchmark")
    assert (
        said == "error: sequence one has no frame to score\nno protocol can: it has too few masks; or ask for no "
        "scores: score=False (--no-score)"
    )


def test_a_faulty_sequence_is_excluded_in_the_same_folder(small_davis, tmp_path, vosbench):
    frame = small_davis / "JPEGImages/480p/bee/00004.jpg"
    whole = frame.read_bytes()
    frame.write_bytes(whole[:400])
    command = ("run", "--root", small_davis, "--dataset", "davis2017", "-p", "first-only", "--out", tmp_path / "run")
    assert vosbench(*command).status == 2
    without = vosbench(*command, "--exclude", "bee")
    assert (without.status, "PARTIAL (sequences were left out)" in flat(without.out)) == (0, True)
    assert "with those of 1 more sequence;" in flat(without.out)
    assert "PARTIAL (faulty: bee)" in vosbench("table", tmp_path / "run").out
    frame.write_bytes(whole)
    mended = vosbench(*command)
    assert (mended.status, "PARTIAL" in mended.out, "more sequence" in mended.out) == (0, False, False)
