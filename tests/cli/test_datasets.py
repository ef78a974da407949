"""A data set with a meta file by the command line: from frames on disk to a table by attribute, a score and a zip."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from layouts import write_lvos, write_sav

from vosbench.images import read_labels, write_labels
from vosbench.metrics.protocols import SHIPPED

pytestmark = pytest.mark.usefixtures("scored_in_a_thread")
RUN = ("--policies", "first-only", "--no-controls", "--shorter-side", 32, "--threads", 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_lvos(tmp_path / "LVOS")


def test_a_table_by_attribute(root, tmp_path, vosbench, read_json):
    where = ("--dataset", "lvos-v2", "--root", root)
    assert vosbench("check", *where).err.endswith("2 sequences, sound\n")
    assert vosbench("run", *where, *RUN, "--out", tmp_path / "run").status == 0
    assert vosbench("table", tmp_path / "run", "--by", "attributes", "--json", tmp_path / "table.json").status == 0
    rows = read_json(tmp_path / "table.json")["rows"]
    assert [(row["attribute"], row["sequences"], row["objects"]) for row in rows] == [("DEF", 1, 2), ("OCC", 2, 3)]
    assert rows[0]["jf_elsewhere"] is not None
    assert rows[1]["jf_elsewhere"] is None
    masks = tmp_path / "run/masks/first-only"
    assert vosbench("score", masks, *where, "--jobs", 1, "--json", tmp_path / "score.json").status == 0
    assert "lvos-v2" in json.dumps(json.loads((tmp_path / "score.json").read_text())["conditions"])


def test_a_zip_for_the_server(root, tmp_path, vosbench, refused):
    where = ("--dataset", "lvos-v2", "--root", root, "--split", "test")
    outcome = vosbench("run", *where, *RUN, "--out", tmp_path / "run")
    assert outcome.status == 0
    assert "not scored" in outcome.out
    table = vosbench("table", tmp_path / "run", "--by", "attributes", "--format", "csv")
    assert [line.split(",")[0] for line in table.out.splitlines()] == ["attribute", "DEF", "OCC"]
    masks = tmp_path / "run/masks/first-only"
    assert vosbench("export", masks, *where, "--out", tmp_path / "out.zip", "--jobs", 1).status == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        names = packed.namelist()
    assert names[:2] == ["Annotations/ant/00000001.png", "Annotations/ant/00000006.png"]
    assert len(names) == 24
    (masks / "bee/00000016.png").unlink()
    assert "lacks 1 of 12 masks: frames 00000016" in refused(
        "export", masks, *where, "--out", tmp_path / "another.zip", "--jobs", 1
    )


def test_captions_say_how_the_objects_of_sav_are_numbered(tmp_path, vosbench):
    where = ("--dataset", "sav", "--root", write_sav(tmp_path / "SAV"), "--limit", 1)
    assert "; object 1 is that of the folder 000;" in vosbench("run", *where, *RUN, "--out", tmp_path / "run").out
    table = vosbench("table", tmp_path / "run", "--by", "object").out
    assert "; object 1 is that of the folder 000;" in table
    scored = vosbench("score", tmp_path / "run/masks/first-only", *where, "--objects", "--jobs", 1, "--no-cache")
    assert ", object 1 is that of the folder 000; 3 objects" in scored.out


@pytest.mark.parametrize("protocol", sorted({*SHIPPED} - {"lvos"}))
def test_every_protocol_tells_how_objects_were_lost(small_davis, vosbench, tmp_path, protocol):
    where = ("--dataset", "davis2017", "--root", small_davis, "--protocol", protocol, "--jobs", 1, "--no-cache")
    told = ("--analyse", "--objects", "--json", tmp_path / "told.json")
    outcome = vosbench("score", small_davis / "Annotations/480p", *where, *told)
    assert outcome.status == 0
    tracking = json.loads((tmp_path / "told.json").read_text())["result"]["tracking"]
    assert (tracking["all"]["robustness"], tracking["all"]["drift"]) == (1, 0)
    assert len(tracking["objects"]) == (2 if protocol == "davis2016" else 3)


def test_objects_that_overlap_are_lost_on_their_own(tmp_path, vosbench, read_json):
    root = write_sav(tmp_path / "SAV")
    truth = next(root.rglob("Annotations_6fps"))
    masks = Path(shutil.copytree(truth, tmp_path / "masks"))
    for path in (masks / "sav_000001/001").iterdir():
        write_labels(path, 0 * read_labels(path))
    where = ("--dataset", "sav", "--root", root, "--analyse", "--jobs", 1, "--no-cache", "--json", tmp_path / "x.json")
    assert vosbench("score", masks, *where).status == 0
    missed = {
        (o["sequence"], o["object"]): o["not_reported"] for o in read_json(tmp_path / "x.json")["tracking"]["objects"]
    }
    assert [place for place, share in missed.items() if share] == [("sav_000001", 2)]


def test_a_faulty_entry_of_the_meta_file_costs_one_sequence(root, tmp_path, vosbench, read_json):
    path = root / "val/val_meta.json"
    meta = json.loads(path.read_text())
    del meta["videos"]["ant"]["objects"]["7"]["frame_range"]["end"]
    path.write_text(json.dumps(meta))
    where = ("--dataset", "lvos-v2", "--root", root)
    outcome = vosbench("run", *where, *RUN, "--out", tmp_path / "run")
    assert outcome.status == 2
    assert re.search(r"val_meta.json has a faulty entry for the video ant, .*: it lacks end: ", outcome.err)
    outcome = vosbench("table", tmp_path / "run", "--by", "attributes", "--json", tmp_path / "table.json")
    assert "PARTIAL" in outcome.out
    assert [(row["attribute"], row["sequences"]) for row in read_json(tmp_path / "table.json")["rows"]] == [("OCC", 1)]
    assert vosbench("run", *where, *RUN, "--exclude", "ant", "--out", tmp_path / "rest").status == 0
