"""The folder of a run: nothing in it of other conditions, one run at a time, nothing lost when it cannot be written."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from vosbench.base.sources import source_of
from vosbench.bench import passes, plan
from vosbench.bench.lock import locked
from vosbench.bench.record import SCHEMA, read_run
from vosbench.bench.runner import run
from vosbench.errors import VosbenchError

pytestmark = pytest.mark.usefixtures("lent_pool")


def lasting(records):
    """What of records a repetition must give again: everything but times and machine."""
    return [replace(record, timings=(), environment=None, together=1) for record in records]


def erase_a_row(path):
    labels = np.asarray(Image.open(path)).copy()
    labels[4] = 0
    Image.fromarray(labels).save(path)


# What is there


def test_results_of_other_conditions_are_refused_before_anything_is_done(finished, small_suite, work, monkeypatch):
    before = read_run(finished / "run")
    suite = small_suite(finished / "DAVIS", top_k=7, policies=("first-only",), limit=1)
    for changes, message in (
        ({}, r"results of other conditions \(top_k 5, not 7\)"),
        ({"limit": None, "top_k": 5, "threads": 2}, r"\(threads 1, not 2\)"),
        (
            {"limit": None, "top_k": 5, "protocol": "davis2017-official"},
            r"\(protocol the data set's own, not davis2017-official\)",
        ),
    ):
        with pytest.raises(VosbenchError, match=message) as caught:
            run(replace(suite, **changes), finished / "run", work)
        assert "--fresh" in caught.value.hint
    with monkeypatch.context() as patch:
        patch.setattr(plan, "source_hash", lambda *_: "another")
        with pytest.raises(VosbenchError, match=r"of other conditions \(the source of vosbench\)"):
            run(small_suite(finished / "DAVIS"), finished / "run", work)
    assert not work
    assert read_run(finished / "run") == before
    records = run(suite, finished / "run", work, fresh=True)
    assert read_run(finished / "run") == records  # and nothing else is left
    assert len(records) == 3
    assert {path.name for path in (finished / "run/masks").glob("*/*")} == {"ant"}


def test_the_folder_of_a_training_is_refused(small_davis, small_suite, tmp_path):
    """Figures of the run would be hidden by its curves."""
    (tmp_path / "curve.csv").touch()
    with pytest.raises(VosbenchError, match="is the folder of a training"):
        run(small_suite(small_davis), tmp_path)


def test_what_changed_is_named_and_nothing_else(finished, small_suite, work, monkeypatch, tmp_path):
    """The protocol's file, or the file from beside it that it imports; never vosbench, too."""
    (tmp_path / "limits.py").write_text("LIMIT = 2\n")
    mine = "from limits import LIMIT\n\nclass Mine(ObjectRule):\n    pass\n"
    mine = (
        f"from vosbench.metrics.protocols import Protocol\nfrom vosbench.metrics.rules.base import ObjectRule\n{mine}"
    )
    mine += 'MINE = Protocol("mine", 1, "here", objects=Mine(), boundary_threshold=0.008)\n'
    (tmp_path / "mine.py").write_text(mine)
    suite = small_suite(finished / "DAVIS", protocol=str(tmp_path / "mine.py"), policies=("first-only",), limit=1)
    run(suite, tmp_path / "run")
    for file, text in (("mine.py", mine.replace("0.008", "0.01")), ("limits.py", "LIMIT = 3\n"), ("mine.py", mine)):
        (tmp_path / file).write_text(text)
        source_of.cache_clear()  # as in a new process
        with pytest.raises(VosbenchError, match=r"of other conditions \(the source of mine\.py\)$"):
            run(suite, tmp_path / "run", work)
    (tmp_path / "limits.py").write_text("LIMIT = 2\n")
    source_of.cache_clear()
    run(suite, tmp_path / "run", work)
    monkeypatch.setattr(plan, "library_versions", lambda: ("torch 9",))
    with pytest.raises(VosbenchError, match=r"of other conditions \(the versions of libraries\)"):
        run(suite, tmp_path / "run", work)
    assert not work


def test_another_strategy_joins_those_that_are_there(finished, small_suite, work):
    run(small_suite(finished / "DAVIS", policies=("latest-only",), controls=False), finished / "run", work)
    assert {spec for spec, _ in work} == {"latest-only"}
    assert len(read_run(finished / "run")) == 10


def test_a_record_that_is_none_of_ours_and_cannot_be_read_is_named(finished, small_suite):
    path = finished / "run/records/first-only/wasp.json"
    (finished / "run/records/first-only/ant.json").rename(path)
    path.write_text(path.read_text().replace(f'"schema": {SCHEMA}', f'"schema": {SCHEMA + 1}'))
    with pytest.raises(VosbenchError, match=r"wasp\.json has schema \d+, this vosbench reads schema"):
        run(small_suite(finished / "DAVIS"), finished / "run")
    assert len(run(small_suite(finished / "DAVIS"), finished / "run", fresh=True)) == 8
    assert not path.exists()


@pytest.mark.parametrize("how", ["deleted", "edited", "one deleted"])
def test_a_record_is_not_trusted_whose_masks_are_not_as_they_were(finished, small_suite, work, how):
    before, folder = read_run(finished / "run"), finished / "run/masks/first-only/bee"
    masks = {path.name: path.read_bytes() for path in folder.iterdir()}
    if how == "deleted":
        shutil.rmtree(folder)
    elif how == "one deleted":
        (folder / "00003.png").unlink()
    else:
        erase_a_row(folder / "00003.png")
    run(small_suite(finished / "DAVIS"), finished / "run", work)
    assert work == {("first-only", "bee")}
    assert lasting(read_run(finished / "run")) == lasting(before)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == masks


def test_what_a_killed_run_left_half_written_is_cleared_away(finished, small_suite):
    (finished / "run/records/first-only/.ant.json.99.tmp").write_text("{")
    (finished / "run/masks/first-only/.ant.tmp").mkdir()
    (finished / "run/masks/first-only/.ant.tmp/00000.png").write_bytes(b"")
    (finished / "run/records/first-only/ant.json").unlink()
    (finished / "run/masks/first-only/.bee.tmp").mkdir()
    with pytest.warns(UserWarning, match="died at work on first-only on ant: they come last, each alone"):
        run(small_suite(finished / "DAVIS"), finished / "run")
    assert sorted(path.name for path in (finished / "run").rglob(".*")) == [".data-root", ".gate", ".lock"]


# One run at a time


def test_two_runs_in_one_folder_do_not_meet(small_davis, small_suite, tmp_path, work):
    suite = small_suite(small_davis, policies=("first-only",), controls=False)
    with locked(tmp_path / "run"), pytest.raises(VosbenchError, match="another process") as caught:
        run(suite, tmp_path / "run", work)
    assert f"({os.getpid()}) is at work in {tmp_path / 'run'}" in caught.value.message
    assert "--out" in caught.value.hint
    assert not work
    run(suite, tmp_path / "run", work)
    with locked(tmp_path / "run"):  # what is finished can be had while another run goes on
        assert len(run(suite, tmp_path / "run")) == len(work) == 2


def test_the_lock_of_a_killed_run_does_not_last(tmp_path):
    code = (
        "import os, pathlib, sys, filelock\n"
        "lock = filelock.FileLock(sys.argv[1]); lock.acquire()\n"
        "pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, tmp_path / ".lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(VosbenchError, match=rf"another process \({other.pid}\)"), locked(tmp_path):
            pass
        other.kill()
        other.wait(10)
        with locked(tmp_path):
            assert int((tmp_path / ".lock").read_text()) == os.getpid()


# What cannot be written


def full(*_, **__):
    raise OSError(28, "No space left on device", "00000.png")


@pytest.mark.parametrize("fresh", [False, True])
def test_a_full_disk_leaves_what_was_there(finished, small_suite, work, monkeypatch, fresh):
    before = read_run(finished / "run")
    masks = {path: path.read_bytes() for path in (finished / "run/masks").rglob("*.png")}
    suite = small_suite(finished / "DAVIS", policies=("every-k:k=2", "first-only", "latest-only"), controls=False)
    with monkeypatch.context() as patch:
        patch.setattr(passes, "write_labels", full)
        with pytest.raises(VosbenchError, match="No space left"):
            run(suite, finished / "run", fresh=fresh)
    assert read_run(finished / "run") == before
    assert {path: path.read_bytes() for path in (finished / "run/masks").rglob("*.png")} == masks
    run(suite, finished / "run", work)
    assert {spec for spec, _ in work} == {"latest-only"}


def test_a_lock_that_cannot_be_made_is_one_line(finished, small_suite):
    (finished / "run/.lock").unlink()
    (finished / "run/.lock").mkdir()
    suite = small_suite(finished / "DAVIS")
    assert len(run(suite, finished / "run")) == 8  # nothing is to be done
    with pytest.raises(VosbenchError, match=r"cannot write .*run/\.lock") as caught:
        run(suite, finished / "run", fresh=True)
    assert "--out" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser writes everywhere")
def test_a_read_only_folder_is_one_line(finished, small_suite):
    suite = small_suite(finished / "DAVIS")
    (finished / "run/.lock").unlink()
    (finished / "run").chmod(0o500)
    assert len(run(suite, finished / "run")) == 8  # nothing is to be done
    with pytest.raises(VosbenchError, match=r"cannot write .*run.*: Permission denied"):
        run(suite, finished / "run", fresh=True)
    (finished / "run").chmod(0o700)
    assert len(read_run(finished / "run")) == 8
