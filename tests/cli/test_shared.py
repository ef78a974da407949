"""`run --workers`, as a command that is killed; and `run --dry-run`."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vosbench.bench.machine import at_work
from vosbench.bench.record import read_run

KILLER = """
import os, signal
from dataclasses import dataclass
from vosbench.memory.policy import MemoryPolicy

@dataclass
class Killer(MemoryPolicy):
    def admit(self, step):
        if self.video.name == "bee":
            os.kill(os.getpid(), signal.SIGKILL)
        return False
"""


def session(leader: int) -> list[str]:
    """The processes of a session that live."""
    listed = subprocess.run(["ps", "-s", str(leader), "-o", "stat=,args="], capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if line[0] not in "ZX"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux lists them")
def test_a_client_that_is_killed_leaves_no_process_and_another_goes_on(small_davis, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    killer = tmp_path / "killer.py"
    killer.write_text(KILLER)
    command = [
        sys.executable,
        "-m",
        "vosbench",
        "run",
        "--dataset",
        "davis2017",
        "--root",
        small_davis,
        "--workers",
        "2",
    ]
    command += ["--threads", "1", "--no-controls", "-p", "first-only", "--out", tmp_path / "run"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)}
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with (tmp_path / "log").open("w") as log:
        how = {"stdout": log, "stderr": log, "start_new_session": True, "env": environment}
        until = time.monotonic() + 100
        with at_work(alone=True):
            client = subprocess.Popen([*map(str, command)], **how)
            while "another process is timed alone on this machine" not in (tmp_path / "log").read_text():
                assert client.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.1)
        while not list((tmp_path / "run").glob("records/*/*.json")):
            assert client.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.01)
        client.kill()
        client.wait()
        until = time.monotonic() + 30
        while left := session(client.pid):
            assert time.monotonic() < until, left
            time.sleep(0.1)
        complete = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").glob("records/*/*.json")}
        assert subprocess.run([*map(str, command), "-p", str(killer)], **how).returncode == 2
    assert {path: path.stat().st_mtime_ns for path in complete} == complete
    told = (tmp_path / "log").read_text()
    assert told.count("another process is timed alone on this machine") == 1  # by two workers
    assert "resource_tracker" not in told
    assert f"failed: {killer} on bee: its process died 3 times" in told
    assert [r.failure is None for r in read_run(tmp_path / "run")] == [True, True, True, False]


def test_a_dry_run_says_what_there_is_to_do_and_writes_nothing(small_davis, tmp_path, vosbench):
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "--out", tmp_path / "run")
    outcome = vosbench(*arguments, "--dry-run", "--json", tmp_path / "plan.json")
    assert outcome.status == 0
    assert outcome.out.startswith(f"{tmp_path / 'run'}: 6 results to make in 2 sequences\n  frames   12\n  time ")
    assert not (tmp_path / "run").exists()
    (found,) = json.loads((tmp_path / "plan.json").read_text())["result"]["runs"]
    assert (found["units"], found["results"], found["finished"], found["frames"]) == (2, 6, 0, 12)
    assert 0 < found["seconds"] < 100
    assert found["memory_bytes"] > 10**8
    assert 6 * 20_000 < found["disk_bytes"] < 6 * 20_000 + 36 * 64 * 48
    said = vosbench(*arguments, "--dry-run", "--no-score", "--memory-limit", "1MB")
    assert said.status == 2  # as that of the run
    assert "scoring" not in said.out
    assert said.err.startswith("vosbench: will fail: first-only on ant: ")
    several = vosbench(*arguments, "--dry-run", "-p", "lfu", "--memory-limit", "1MB").err
    assert several.count("will fail") == 2
    assert vosbench(*arguments).status == 0
    outcome = vosbench(*arguments, "--dry-run")
    assert outcome.status == 0
    assert outcome.out == f"{tmp_path / 'run'}: 0 results to make in 0 sequences, 6 are there\n"


def test_a_suite_goes_on_beside_a_data_set_that_is_finished_or_has_no_such_shard(tmp_path, small_davis, vosbench):
    one = shutil.copytree(small_davis, tmp_path / "one")
    sets = ((one, 'sequences = ["ant"]\n'), (small_davis, ""))
    data = "".join(f'[[data]]\ndataset = "davis2017"\nroot = "{root}"\n{more}' for root, more in sets)
    (tmp_path / "suite.toml").write_text(f'policies = ["first-only"]\ncontrols = false\nthreads = 1\n{data}')
    arguments = ("run", tmp_path / "suite.toml", "--out", tmp_path / "runs", "--shard")
    assert vosbench(*arguments, "1/2").status == 0
    outcome = vosbench(*arguments, "1/1", "--dry-run")
    assert outcome.status == 0
    assert outcome.out.count("  time ") == 1
    assert [line.partition(": ")[2] for line in outcome.out.splitlines() if " to make in " in line] == [
        "0 results to make in 0 sequences, 1 are there",
        "1 result to make in 1 sequence, 1 are there",
    ]
    outcome = vosbench(*arguments, "2/2")
    assert outcome.status == 0
    assert outcome.out.startswith("Shard 2/2 of davis2017 val is empty: there are fewer sequences\n")
    assert outcome.out.count("is empty") == outcome.out.count("Records and masks are in") == 1
    outcome = vosbench("run", tmp_path / "suite.toml", "--shard", "3/3", "--json", tmp_path / "empty.json")
    assert outcome.status == 0
    assert outcome.out.count("is empty") == 2


def test_a_dry_run_for_a_cluster_says_where_it_measures(small_davis, tmp_path, vosbench):
    asked = ("run", "--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "--out", tmp_path, "--dry-run")
    said = "  measured in one process of this machine, not on the cluster\n"
    assert said in vosbench(*asked, "--cluster", "tcp://127.0.0.1:9").out


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            ("--workers", "2", "--cluster", "tcp://127.0.0.1:9"),
            "a cluster is a number of workers of this machine, or the address",
        ),
        (("--dashboard",), "a dashboard shows what workers do, and there are none"),
    ],
)
def test_workers_are_named_in_one_way(small_davis, refused, how, message):
    assert message in refused("run", "--dataset", "davis2017", "--root", small_davis, *how)
