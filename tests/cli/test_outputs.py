"""What a verb is asked to write: refused before any work where it cannot be written."""

from pathlib import Path
from typing import get_type_hints

import pytest
from typer.models import OptionInfo

from vosbench.base.atomic import check_writable
from vosbench.cli.verbs import VERBS
from vosbench.errors import VosbenchError

READ = {  # what is read, not written
    ("reproduce", "train_meta"),
    ("run", "scheduler_file"),
    ("score", "train_meta"),
    ("simulate", "against"),
    ("train", "average"),
}
WARNED = {("score", "cache")}  # scores that cannot be kept are a warning


def outputs() -> list[tuple[str, str]]:
    """Every option of every verb that names a file or a folder to write."""
    found = [(verb, "--json") for verb in VERBS.names()]
    for verb in VERBS.names():
        for name, hint in get_type_hints(VERBS.find(verb).run, include_extras=True).items():
            is_option = any(isinstance(about, OptionInfo) for about in getattr(hint, "__metadata__", ()))
            if is_option and "Path" in str(hint.__origin__) and name != "root" and (verb, name) not in READ | WARNED:
                found.append((verb, f"--{name.removesuffix('_file').replace('_', '-')}"))
    return found


def test_the_outputs_are_found():
    assert {("run", "--out"), ("run", "--json"), ("score", "--csv"), ("compare", "--junit")} <= {*outputs()}
    assert sum(option == "--json" for _, option in outputs()) == len(VERBS.names())


@pytest.mark.parametrize(("verb", "option"), outputs())
@pytest.mark.parametrize("where", ["file/out.png", "file/a/b.png"])
def test_what_cannot_be_written_is_refused_before_anything_else(tmp_path, monkeypatch, refused, verb, option, where):
    """Nothing of what the command names is there: whatever came first would be refused for that."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    needed = {"export": ["a", "--dataset", "a"], "reproduce": ["table1"]}.get(
        verb, ["a"] if verb in ("compare", "pack", "score", "train") else []
    )
    if verb in ("pack", "train") and option != "--out":
        needed += ["--out", "a"]
    said = refused(verb, *needed, option, where)
    assert said.startswith(f"error: cannot write {where}: file is not a folder\n")
    assert f"choose another {option}" in said
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]


def test_places_to_write(tmp_path):
    (tmp_path / "file").write_text("")
    for path, folder in ((tmp_path / "new/a", False), (tmp_path / "file", False), (Path("/dev/null"), False)):
        check_writable(path, "", folder)
    for path in (tmp_path, tmp_path / "a/b"):
        check_writable(path, "", folder=True)
    with pytest.raises(VosbenchError, match="it is a folder"):
        check_writable(tmp_path, "")
    with pytest.raises(VosbenchError, match="file: it is not a folder"):
        check_writable(tmp_path / "file", "", folder=True)


def test_a_folder_that_permits_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # as a superuser everything is permitted
    for folder in (True, False):
        with pytest.raises(VosbenchError, match=f"{tmp_path} does not permit it"):
            check_writable(tmp_path / "a", "", folder)


@pytest.mark.parametrize("verb", ["compare", "export", "figure", "pack", "table", "timing", "video"])
def test_what_is_there_is_not_replaced_unasked(tmp_path, monkeypatch, refused, verb):
    """Before any work: nothing else that the command names is there."""
    monkeypatch.chdir(tmp_path)
    Path({"video": "out.mp4", "pack": "out.tar.xz"}.get(verb, "out.png")).write_text("mine")
    (there,) = tmp_path.iterdir()
    needed = ["a", "--dataset", "a"] if verb == "export" else ["a"]
    said = refused(verb, *needed, "--out", there.name)
    assert said == f"error: {there.name} exists already\nchoose another --out, or give --overwrite to replace it"
    assert "exists already" not in refused(verb, *needed, "--out", there.name, "--overwrite")
    assert there.read_text() == "mine"
