"""`vosbench report`, and `run --report`."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from made_records import make_record

from vosbench.bench.record import DATA_ROOT, write_record


@pytest.mark.usefixtures("scored_in_a_thread")
def test_a_run_says_how_to_look_at_it(small_davis, tmp_path, vosbench, read_json):
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "--sequences", "bee")
    arguments = (*arguments, "--no-controls", "--out", tmp_path / "my run")
    outcome = vosbench(*arguments)
    assert outcome.status == 0
    assert outcome.out.splitlines()[-1] == f"To look through it: vosbench report '{tmp_path / 'my run'}'"
    outcome = vosbench(*arguments, "--keep-memory-trace", "--report", "--json", tmp_path / "run.json")
    page = tmp_path / "my run/report/index.html"
    assert outcome.out.splitlines()[-1] == f"To look through it: open {page.as_uri()} in a browser"
    assert read_json(tmp_path / "run.json")["runs"][0]["report"] == str(page)
    assert "PARTIAL" in page.read_text()
    assert '"memory":{"first-only":{' in (page.parent / "sequences/1/data.js").read_text()
    again = vosbench(*arguments, "--report")
    assert again.err == ""  # nothing was run again


def test_clips_are_made_anew_where_the_run_had_them_and_spoken_of_once(tmp_path, vosbench, refused, monkeypatch):
    monkeypatch.chdir(tmp_path)
    split = "length=20,objects=1,clips=1"
    record = make_record(sequence="clip-00", latency_ms=[1.0] * 20, tokens=[10] * 20)
    dataset = replace(record.dataset, name="synthetic", split=split, frame_mode="288x192")
    write_record(tmp_path / "published/records/lfu/clip-00.json", replace(record, suite={}, dataset=dataset))
    where = f".vosbench/datasets/synthetic-v2/{split}"
    said = f"vosbench: generating 1 clip of synthetic {split} in {where}, where they are kept\n"
    for line in (said, ""):
        outcome = vosbench("report", "published", "--jobs", 1)
        assert (outcome.status, outcome.err) == (0, line)
    assert (tmp_path / "report/sequences/1/19.webp").exists()
    assert "There are no masks: published results have none." in (tmp_path / "report/sequences/1.html").read_text()
    (tmp_path / "other").mkdir()
    said = refused("report", "published", "--root", "other", "--out", "again")
    assert f"other does not hold synthetic {split}: there is nothing in other/{split}\n" in said
    assert "leave out --root: the run tells of none" in said
    assert [*tmp_path.glob("other/*"), *tmp_path.glob("again")] == []
    (tmp_path / "published" / DATA_ROOT).write_text("moved")
    for wrong in ("other", "nowhere"):
        assert "out --root: the run had moved" in refused("report", "published", "--root", wrong, "--out", "again")
    Path(where).parent.rename("moved")
    assert vosbench("report", "published", "--root", "moved", "--jobs", 1).err == ""


def test_a_report_is_refused_in_one_line(finished_run, tmp_path, vosbench, refused, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = finished_run / "run"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    assert "error: mine holds something else than a report\nchoose another" in refused("report", run, "--out", "mine")
    assert "'lfu'" in refused("report", run, "--baseline", "lfu")
    assert "run nowhere does not exist" in refused("report", "nowhere")
    assert "nowhere" in refused("report", run, "--root", "nowhere")
    shutil.copytree(finished_run / "DAVIS", tmp_path / "other")
    (tmp_path / "other/ImageSets/2017/val.txt").write_text("ant\n")
    assert "other does not hold bee of run" in refused("report", run, "--root", "other")
    assert not (tmp_path / "report").exists()
    outcome = vosbench("report", run, "--baseline", "first-only", "--jobs", 1)
    said = f"The report is in report, which can be moved, zipped and mailed as it is: open {tmp_path.as_uri()}/report"
    assert outcome.out == f"{said}/index.html in a browser\n"
    assert '"baseline":"first-only"' in (tmp_path / "report/data.js").read_text()


def test_masks_of_any_method_have_a_report(finished_run, tmp_path, vosbench, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, masks = finished_run / "DAVIS", finished_run / "run/masks"
    folders = (f"A={masks / 'first-only'}", f"B={masks / 'every-k_k=2'}")
    arguments = ("score", *folders, "--dataset", "davis2017", "--root", data, "--no-cache", "--jobs", 1)
    assert vosbench(*arguments, "--out", "scored", "--json", "scored.json").status == 0
    assert vosbench("report", "scored", "--jobs", 1).status == 0
    page = tmp_path / "report/sequences/1.html"
    assert "There are no pictures" not in page.read_text()
    drawn = (page.parent / "1/data.js").read_text()
    assert '"masks":{"A":["' in drawn
    assert '"shown":[0,1,2,3,4,5]' in drawn
    assert vosbench("report", "scored.json", "--jobs", 1).status == 0  # records alone
    assert "There are no pictures" in page.read_text()
    assert '"in_video":false' in (page.parent / "1/data.js").read_text()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for had in (False, True):  # into the folder that one is in, and once more
        assert vosbench("report", "../scored.json", "--jobs", 1, "--out", ".").status == 0
        assert {*os.listdir()} == {"assets", "data.js", "index.html", "sequences", *(["notes.txt"] if had else [])}
        assert not Path("sequences/of-before.html").exists()
        Path("sequences/of-before.html").touch()
        Path("notes.txt").touch()
