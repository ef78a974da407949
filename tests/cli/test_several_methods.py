"""The masks of several methods from anywhere: one table, compared with one of them, and read as runs are."""

import json
import shutil

import numpy as np
import pytest

from vosbench.bench.record import read_run
from vosbench.images import read_labels, write_labels


@pytest.fixture
def methods(small_davis, tmp_path, monkeypatch):
    """The working folder, with `DAVIS` and three methods: the truth, and the truth moved by 2 and by 6 pixels."""
    monkeypatch.chdir(tmp_path)
    for name, shift in (("exact", 0), ("a/near", 2), ("b/far", 6)):
        shutil.copytree(small_davis / "Annotations/480p", tmp_path / name)
        for path in (tmp_path / name).rglob("*.png"):
            write_labels(path, np.roll(read_labels(path), shift, axis=1))
    return tmp_path


ON = ("--dataset", "davis2017", "--root", "DAVIS", "--jobs", 1)
THREE = ("score", "Ours=a/near", "exact", "b/far", *ON)


def test_one_table_of_three_folders(methods, vosbench, read_json):
    outcome = vosbench(*THREE, "--json", "three.json", "--csv", "official", "--per-frame", "frames.csv")
    assert (outcome.status, outcome.err) == (0, "")
    found = read_json(methods / "three.json")
    assert [row["strategy"] for row in found["rows"]] == ["Ours", "exact", "far"]
    assert [name for name in ("Ours", "exact", "far") if f"\n{name} " in outcome.out] == ["Ours", "exact", "far"]
    assert outcome.out.startswith("davis2017 val, frames 480p; protocol davis2017/1; 2 sequences, 3 objects; ")
    for row, folder in zip(found["rows"], ("a/near", "exact", "b/far"), strict=True):
        assert vosbench("score", folder, *ON, "--json", "one.json").status == 0
        summary = read_json(methods / "one.json")["summary"]
        assert {key: row[key] for key in summary} == summary
        assert found["folders"][row["strategy"]]["summary"] == summary
    assert found["rows"][2]["jf"] < found["rows"][0]["jf"] < found["rows"][1]["jf"] == 1
    assert (methods / "official/far/global_results-val.csv").is_file()
    assert (methods / "frames-Ours.csv").is_file()


def test_columns_choose_in_json_as_in_the_table(methods, vosbench, read_json):
    chosen = ("--columns", "strategy,jf", "--json", "found.json")
    assert vosbench(*THREE, *chosen).status == 0
    assert {tuple(row) for row in read_json(methods / "found.json")["rows"]} == {("strategy", "jf")}
    assert vosbench("score", "exact", *ON, "--columns", "jf,j_mean", "--json", "found.json").status == 0
    assert read_json(methods / "found.json")["summary"] == {"jf": 1, "j_mean": 1}
    assert len(read_json(methods / "found.json")["objects"]) == 3
    assert vosbench("score", "exact", *ON, "--objects", "--columns", "object", "--json", "found.json").status == 0
    assert read_json(methods / "found.json")["objects"] == [{"object": 1}, {"object": 2}, {"object": 1}]


def test_differences_from_one_of_them(methods, vosbench, read_json, refused):
    assert vosbench(*THREE, "--against", "exact", "--json", "three.json").status == 0
    rows = {row["strategy"]: row for row in read_json(methods / "three.json")["rows"]}
    assert list(rows) == ["exact", "Ours", "far"]
    assert rows["exact"]["difference"] is None
    assert rows["Ours"]["difference"] == pytest.approx(rows["Ours"]["jf"] - 1)
    assert rows["Ours"]["p"] is rows["Ours"]["effect"] is None  # of two sequences
    latex = vosbench(*THREE, "--against", "exact", "--format", "latex")
    assert "\\label{tab:score-davis2017-val}" in latex.out
    assert "unknown folder of masks 'near'" in refused(*THREE, "--against", "near")
    assert "nothing to be compared with" in refused("score", "exact", *ON, "--against", "exact")
    assert "two folders of masks are called Ours" in refused("score", "Ours=exact", "Ours=b/far", *ON)


def test_sequences_and_worst_frames(methods, vosbench, read_json):
    outcome = vosbench(*THREE, "--by", "side-by-side,worst-frames", "--by", "sequence", "--json", "three.json")
    tables = read_json(methods / "three.json")["tables"]
    assert list(tables) == ["side-by-side", "worst-frames", "sequence"]
    assert [row["sequence"] for row in tables["side-by-side"]] == ["ant", "bee", "all"]
    assert tables["side-by-side"][2]["exact"] == 1
    assert len(tables["sequence"]) == 6
    chosen = ("--by", "sequence", "--columns", "sequence,jf", "--json", "chosen.json")  # of the first that has them
    heads = [line.split() for line in vosbench(*THREE, *chosen).out.splitlines() if " J&F" in line]
    assert [(head[0], "sequence" in head) for head in heads] == [("strategy", False), ("sequence", True)]
    found = read_json(methods / "chosen.json")
    assert found["tables"]["sequence"][0].keys() == {"sequence", "jf"}
    assert "strategy" in found["rows"][0]
    worst = [row for row in tables["worst-frames"] if row["strategy"] == "far"]
    assert len(worst) == 3
    assert vosbench("score", "b/far", *ON, "--per-frame", "far.csv").status == 0
    lines = [line.split(",") for line in (methods / "far.csv").read_text().splitlines()[1:]]
    jf = {(seq, int(i), frame): (float(j) + float(f)) / 2 for seq, i, frame, j, f, _ in lines}
    first = worst[0]
    assert jf[first["sequence"], first["object"], first["frame"]] == pytest.approx(min(jf.values()))
    assert first["jf"] == pytest.approx(min(jf.values()))
    assert first["frame"] in outcome.out


def test_scored_folders_and_their_json_are_compared(methods, vosbench, read_json, refused):
    for name in ("near", "far"):
        folder = next(methods.glob(f"?/{name}"))
        assert vosbench("score", f"Mine={folder}", *ON, "--json", f"{name}.json", "--out", f"kept/{name}").status == 0
    records = read_run(methods / "kept/near")
    assert [record.sequence for record in records] == ["ant", "bee"]
    assert records[0].model is None
    assert records[0].scores.objects[0].frame_names == ("00001", "00002", "00003", "00004")
    for pair in (("near.json", "far.json"), ("kept/near", "kept/far"), ("near.json", "kept/far")):
        assert vosbench("compare", *pair, "--json", "compared.json").status == 0
        old, new = read_json(methods / "compared.json")["rows"]
        assert (old["run"], new["run"]) == ("near", "far")
        assert new["difference"] == pytest.approx(new["jf"] - old["jf"])
    gate = vosbench("compare", "near.json", "far.json", "--fail-on", "regression", "--speed", "counts")
    assert gate.status == 1
    assert vosbench("table", "kept/near", "--by", "object").status == 0
    assert json.loads((methods / "near.json").read_text())["result"]["records"][0]["model"] is None
    (methods / "near.json").write_text('{"result": {}}')
    assert "does not hold the records of one run" in refused("compare", "near.json", "far.json")
    assert "`score exact --out DIR`" in refused("compare", "exact", "far.json")


def test_a_run_is_compared_with_masks_from_elsewhere(methods, finished_run, vosbench, read_json, refused):
    shutil.copytree(finished_run, methods / "finished")
    root = methods / "finished/DAVIS"
    arguments = ("--root", root, "--jobs", 1)
    masks = methods / "finished/run/masks/first-only"
    assert vosbench("score", f"first-only={masks}", *arguments, "--out", "scored").status == 0
    assert vosbench("compare", "finished/run", "scored", "-p", "first-only", "--json", "same.json").status == 0
    (row,) = [row for row in read_json(methods / "same.json")["rows"] if row["run"] == "scored"]
    assert row["difference"] == 0
    both = (f"Ours={masks}", f"first-only={masks}")
    assert vosbench("score", *both, *arguments, "--out", "ours").status == 0
    assert vosbench("compare", "finished/run", "ours", "--json", "all.json").status == 0
    rows = read_json(methods / "all.json")["rows"]  # one table of all
    assert {(row["run"], row["strategy"]) for row in rows} == {
        ("run", "every-k:k=2"),
        ("run", "first-only"),
        ("ours", "Ours"),
        ("ours", "first-only"),
    }
    assert [row["strategy"] for row in rows if row["difference"] is None] == [rows[0]["strategy"]]
    assert vosbench("report", "finished/run", "ours", "--jobs", 1).status == 0
    assert "Ours" in (methods / "report/index.html").read_text()
    assert "no table of the differences" not in (methods / "report/index.html").read_text()
    shown = vosbench("figure", "finished/run", "ours", "--sequence", "ant", "--out", "strip.png", "--json", "-")
    assert json.loads(shown.out)["result"]["rows"] == [
        *("truth", "every-k:k=2", "first-only of run", "Ours", "first-only of ours")
    ]
    video = ("video", "finished/run", "ours", "--sequence", "ant", "-p", "Ours", "-p", "every-k:k=2")
    shown = json.loads(vosbench(*video, "--out", "ant.mp4", "--json", "-").out)
    assert shown["conditions"] == {"run": ["finished/run", "ours"], "sequence": "ant"}
    assert shown["result"]["pictures"] == ["truth", "every-k:k=2", "Ours"]
    chosen = vosbench("report", "finished/run", "ours", "-p", "Ours", "--baseline", "Ours", "--jobs", 1)
    assert chosen.status == 0
    assert '"baseline":"Ours","looks":{"Ours":' in (methods / "report/data.js").read_text()  # of that run alone
    assert "unknown strategy of the runs 'Theirs'" in refused("report", "finished/run", "ours", "-p", "Theirs")
    assert "no run made the masks that were scored" in refused("simulate", *arguments[:2], "--against", "ours")
    for verb in ("plot", "table"):  # in one line, with the way to do it
        assert "`vosbench compare` and `report` show runs and scored masks" in refused(verb, "finished/run", "ours")
    every = [str(folder) for folder in sorted(masks.parent.iterdir())]
    board = vosbench("score", *every, *arguments).out
    marked = [folder.name for folder in masks.parent.iterdir() if f"\n{folder.name} (control) " in board]
    assert sorted(marked) == ["copy-first-mask", "predict-nothing"]
    assert "holds a run" in refused("score", masks, *arguments, "--out", methods / "finished/run")
    run = ("run", "--root", root, "--dataset", "davis2017", "-p", "first-only", "--out", "scored")
    assert "holds results of masks that were scored" in refused(*run)


def test_pages_at_once(methods, vosbench, read_json, refused):
    assert "--report has no folder to write to" in refused(*THREE, "--report")
    outcome = vosbench(*THREE, "--report", "--out", "kept", "--json", "three.json")
    assert (outcome.status, outcome.err) == (0, "")
    page = methods / "kept/report/index.html"
    assert outcome.out.splitlines()[-1] == f"To look through it: open {page.as_uri()} in a browser"
    assert read_json(methods / "three.json")["report"] == "kept/report/index.html"
    assert '"masks":{"Ours"' in (page.parent / "sequences/1/data.js").read_text()
    again = vosbench(*THREE, "--out", "kept", "--overwrite")
    assert again.out.splitlines()[-1] == "To look through it: vosbench report kept"


def test_results_that_are_there_stay(methods, vosbench, refused):
    assert vosbench("score", "Ours=a/near", "b/far", *ON, "--out", "kept").status == 0
    before = sorted((methods / "kept").rglob("*"))
    again = ("score", "exact", *ON, "--sequences", "ant", "--out", "kept")
    assert "kept exists already" in refused(*again)
    assert "kept exists already" in refused(*again, "--root", "absent")  # before any work
    assert sorted((methods / "kept").rglob("*")) == before
    assert vosbench(*again, "--overwrite").status == 0
    assert [record.policy.label for record in read_run(methods / "kept")] == ["exact"]
    assert all(any(folder.iterdir()) for folder in (methods / "kept/records").iterdir())


def test_a_table_that_cannot_be_made_takes_no_scores_along(methods, vosbench, read_json):
    for tables, status, made in (("side-by-side,attributes", 0, ["side-by-side"]), ("attributes", 2, [])):
        outcome = vosbench(*THREE, "--by", tables, "--out", f"kept-{status}", "--json", "three.json")
        assert outcome.status == status
        assert outcome.err.splitlines() == [
            "vosbench: attributes is left out: no record has an attribute "
            "(the data set must tell them, as lvos-v2 does)"
        ]
        assert "\nexact " in outcome.out
        assert len(read_run(methods / f"kept-{status}")) == 6
        found = read_json(methods / "three.json")
        assert len(found["rows"]) == 3
        assert list(found.get("tables", {})) == made
        assert found["left_out"] == {"attributes": "no record has an attribute"}
