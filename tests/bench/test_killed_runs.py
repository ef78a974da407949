"""A run that is killed again and again ends with the results of one that was left alone, and does nothing twice.

VOSBENCH_KILLS says how often it is killed (8 times); 30 take half a minute on a core of its own.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("VOSBENCH_KILLS", "8"))
SEQUENCES, STRATEGIES, FRAMES = 12, 3, 4


class Server:
    """Runs in processes of their own, one at a time; see `run_server`."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, ROOT / "tests/run_server.py", *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(list(map(str, command)), cwd=ROOT, env=environment, text=True, **pipes)

    def ask(self, **request: object) -> int:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, folder: Path) -> int:
        """The id of the process, and of its group, that runs in `folder`."""
        return self.ask(folder=str(folder))

    def wait(self) -> int:
        return self.ask()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


@pytest.fixture
def server(small_davis, small_model, tmp_path):
    names = [f"clip{number:02d}" for number in range(SEQUENCES)]
    for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        for number, name in enumerate(names):
            folder = small_davis / kind / "480p"
            shutil.copytree(folder / ("ant", "bee")[number % 2], folder / name)
            for frame in range(FRAMES, 6):
                (folder / name / f"{frame:05d}.{suffix}").unlink()
    (small_davis / "ImageSets/2017/val.txt").write_text("\n".join(names))
    torch.save(small_model.state_dict(), tmp_path / "small.pth")
    server = Server(json.dumps(asdict(small_model.config)), small_davis, tmp_path / "small.pth")
    yield server
    server.close()


def records(folder: Path) -> list[Path]:
    return sorted((folder / "records").glob("*/*.json"))


def results(folder: Path) -> dict[str, object]:
    """Every file of a run, records without the times, masks as bytes."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix == ".json":
            record = json.loads(path.read_text())
            del record["together"]  # fewer, where some were finished
            for timing in record["timings"]:
                timing["stages"] = sorted(timing["stages"])
                for series in ("latency_ms", "cpu_ms", "reference_ms"):
                    timing[series] = len(timing[series])
                del timing["model_seconds"], timing["end_to_end_seconds"]
            found[str(path.relative_to(folder))] = record
        elif path.is_file() and path.name not in {".lock", ".gate", ".data-root"}:
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def test_a_run_that_is_killed_at_random_moments(server, tmp_path):
    started = time.monotonic()
    server.start(tmp_path / "left alone" / "run")
    assert server.wait() == 0
    duration = time.monotonic() - started
    expected = results(tmp_path / "left alone" / "run")
    assert len(expected) == SEQUENCES * STRATEGIES * (1 + FRAMES)

    draw, kills, ends, seen = random.Random(1), 0, 0, set()
    folder = tmp_path / "killed" / "run"
    complete: dict[Path, tuple[int, int]] = {}
    while kills < KILLS or not ends:
        group = server.start(folder)
        if kills < KILLS:
            await_records(folder, len(complete) + draw.randint(0, 3))
            time.sleep(draw.uniform(0, duration / 12))
            os.killpg(group, signal.SIGKILL)
        status = server.wait()
        assert status in (0, -signal.SIGKILL)
        now = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in records(folder)}
        assert complete.items() <= now.items()  # what was complete was not touched
        complete = now
        if status == 0:
            assert results(folder) == expected
            shutil.rmtree(folder)
            complete, ends = {}, ends + 1
        else:
            kills += 1
            seen.add(len(now))
    assert len(seen) > 2  # kills came at various moments


def await_records(folder: Path, count: int) -> None:
    """Wait until there are so many records, however long a busy machine takes."""
    for _ in range(30_000):
        if len(records(folder)) >= min(count, SEQUENCES * STRATEGIES):
            return
        time.sleep(0.002)
    pytest.fail(f"no {count} records after a minute")
