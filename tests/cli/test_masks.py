"""`score` and `export`: the masks of any method."""

import csv
import json
import shutil
import zipfile

import numpy as np
import pytest

from vosbench.images import read_labels, write_labels


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working folder of its own, where `.vosbench` is kept."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_score(small_davis, tmp_path, elsewhere, vosbench, read_json):
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
    conditions = json.loads((tmp_path / "score.json").read_text())["conditions"]
    assert conditions == {
        "dataset": "davis2017",
        "split": "val",
        "frame_mode": "480p",
        "sequences": 2,
        "partial": False,
        "lacks": [],
        "protocol": "davis2017/1",
        "predictions": str(small_davis / "Annotations/480p"),
        "trust_masks": False,
    }
    with (tmp_path / "csv/global_results-val.csv").open() as file:
        assert next(csv.DictReader(file))["J&F-Mean"] == "1.000"
    assert vosbench(*arguments, "--limit", 1).out.count("PARTIAL")
    assert vosbench(*arguments, "--sequences", "bee", "--json", tmp_path / "bee.json").out.count("PARTIAL")
    assert json.loads((tmp_path / "bee.json").read_text())["conditions"]["partial"]
    assert "PARTIAL" not in vosbench(*arguments, "--sequences", "bee,ant").out
    assert len(list((elsewhere / ".vosbench/scores").iterdir())) == 2


@pytest.mark.usefixtures("elsewhere")
def test_score_looks_up_what_it_knows(small_davis, tmp_path, vosbench, monkeypatch):
    arguments = ("score", small_davis / "Annotations/480p", "--root", small_davis, "--objects", "--jobs", 1)
    first = vosbench(*arguments, "--no-cache")
    assert list(tmp_path.glob("**/.vosbench")) == []
    assert vosbench(*arguments, "--cache", tmp_path / "kept") == first
    monkeypatch.setattr("vosbench.masks.score.score_or_fault", lambda *_: pytest.fail("it was scored again"))
    assert vosbench(*arguments, "--cache", tmp_path / "kept") == first
    with pytest.raises(pytest.fail.Exception, match="scored again"):
        vosbench(*arguments, "--cache", tmp_path / "kept", "--no-cache")


@pytest.mark.usefixtures("elsewhere")
def test_score_with_extras(small_davis, tmp_path, vosbench, refused, read_json):
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
        *(*arguments, "--analyse", "--per-frame", tmp_path / "frames.csv", "--json", tmp_path / "score.json")
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
def test_seen_and_unseen(small_youtube, tmp_path, vosbench, refused, read_json):
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


def test_export(small_davis, tmp_path, vosbench, read_json):
    run = ("run", "--dataset", "davis2017", "--root", small_davis, "--split", "test-dev", "-p", "first-only")
    assert vosbench(*run, "--out", tmp_path / "run").status == 0
    masks, archive = tmp_path / "run/masks/first-only", tmp_path / "test-dev.zip"
    arguments = ("export", masks, "--dataset", "davis2017", "--root", small_davis, "--split", "test-dev")
    outcome = vosbench(*arguments, "--out", archive, "--json", tmp_path / "export.json")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == f"{archive} holds 6 files with the masks of 1 sequence of davis2017 test-dev\n"
    assert read_json(tmp_path / "export.json") == {"archive": str(archive), "files": 6, "sequences": ["cat"]}
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
