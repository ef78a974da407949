"""Names that are no UTF-8, and consoles that cannot show a name or are not read to the end: no traceback, and every
file that was asked for is written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vosbench.base.text import printable

RAW = b"caf\xe9".decode(errors="surrogateescape")  # a name as Linux keeps it, written on an older system
NAMES = {
    "of another script": "蚂蚁 é",
    "no UTF-8": RAW,
    "with a comma": "ant, the first",
    "with control characters": "two\nlines\a",
}


@pytest.fixture
def root(small_davis: Path) -> Path:
    """A folder of one video, `bee`."""
    for kind in ("JPEGImages", "Annotations"):
        shutil.rmtree(small_davis / kind / "480p/ant")
        shutil.rmtree(small_davis / kind / "480p/cat")
    return small_davis


def rename(root: Path, name: str) -> None:
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / "480p/bee").rename(root / kind / "480p" / name)


@pytest.mark.parametrize("kind", NAMES)
def test_from_frames_to_files(vosbench, scored_in_a_thread, root, tmp_path, monkeypatch, kind):  # noqa: ARG001
    monkeypatch.chdir(tmp_path)
    rename(root, NAMES[kind])
    data = ("--dataset", "folder", "--root", root)
    asked = ("run", *data, "-p", "first-only", "--shorter-side", 0, "--threads", 1, "--out", "run")
    assert vosbench("check", *data).status == 0
    outcome = vosbench(*asked, "--report", "--json", "run.json")
    assert (outcome.status, "Traceback" in outcome.err) == (0, False), outcome.err
    for format_ in ("markdown", "latex", "csv"):
        assert vosbench("table", "run", "--by", "sequence", "--format", format_, "--out", f"t.{format_}").status == 0
    assert vosbench("plot", "run", "--out", "figures").status == 0
    table = vosbench("table", "run", "--by", "sequence").out
    assert printable(NAMES[kind]) in table
    assert vosbench("report", "run", "--out", "pages").status == 0
    page, script = Path("pages/sequences/1.html").read_text(), Path("pages/sequences/1/data.js").read_text()
    assert f"<h1>{printable(NAMES[kind])}" in page
    assert "There are no pictures" not in page
    assert f'"sequence":{json.dumps(printable(NAMES[kind]))}' in script
    assert vosbench("figure", "run", "--out", "strip.png").status == 0
    assert vosbench("video", "run", "--out", "strip.mp4").status == 0
    scored = vosbench("score", "run/masks/first-only", *data, "--csv", "csv", "--per-frame", "f.csv", "--objects")
    assert scored.status == 0
    shown = NAMES[kind].encode(errors="backslashreplace")
    assert shown in Path("csv/per-sequence_results-all.csv").read_bytes()
    assert shown in Path("f.csv").read_bytes()
    again = vosbench(*asked)
    assert (again.status, "frames" in again.err) == (0, False)  # nothing is done again


CONSOLES = {"ascii": {"PYTHONIOENCODING": "ascii"}, "C": {"LC_ALL": "C"}, "Latin-1": {"PYTHONIOENCODING": "latin-1"}}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "vosbench", *map(str, arguments)]


@pytest.mark.parametrize("console", CONSOLES)
def test_a_console_that_cannot_show_a_name(root, tmp_path, console):
    names = {NAMES["of another script"], NAMES["no UTF-8"]}
    for kind in ("JPEGImages", "Annotations"):
        for name in names:
            shutil.copytree(root / kind / "480p/bee", root / kind / "480p" / name)
        shutil.rmtree(root / kind / "480p/bee")
    masks = root / "Annotations/480p"
    asked = command(
        *("score", masks, "--dataset", "folder", "--root", root, "--no-cache"),
        *("--objects", "--csv", "csv", "--json", "s.json"),
    )
    done = subprocess.run(asked, cwd=tmp_path, env=os.environ | CONSOLES[console], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "csv/global_results-all.csv").exists()
    found = json.loads((tmp_path / "s.json").read_text())["result"]["objects"]
    assert {row["sequence"] for row in found} == names


def test_a_reader_that_goes_away_leaves_the_files(vosbench, root, tmp_path, monkeypatch):
    class Gone:
        def write(self, text):  # noqa: ARG002
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

        def isatty(self):
            return True  # so that tables ask how wide it is

    monkeypatch.setattr("vosbench.cli.app.sys.stdout", Gone())
    monkeypatch.setattr("os.dup2", lambda *_: None)
    masks = root / "Annotations/480p"
    asked = ("score", masks, "--dataset", "folder", "--root", root, "--csv", tmp_path / "csv", "--no-cache")
    assert vosbench(*asked, "--json", tmp_path / "s.json").status == 0
    assert (tmp_path / "csv/global_results-all.csv").exists()
    assert json.loads((tmp_path / "s.json").read_text())["verb"] == "score"
