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
from pathlib import Path

import pytest
from layouts import write_small_davis

from vosbench.bench.naming import record_files

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

    def start(self, folder: Path, **options: object) -> int:
        """The id of the process, and of its group, that runs in `folder`."""
        return self.ask(folder=str(folder), **options)

    def wait(self) -> int:
        return self.ask()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    small_davis = write_small_davis(folder / "DAVIS")
    names = [f"clip{number:02d}" for number in range(SEQUENCES)]
    for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        for number, name in enumerate(names):
            clips = small_davis / kind / "480p"
            shutil.copytree(clips / ("ant", "bee")[number % 2], clips / name)
            for frame in range(FRAMES, 6):
                (clips / name / f"{frame:05d}.{suffix}").unlink()
    (small_davis / "ImageSets/2017/val.txt").write_text("\n".join(names))
    server = Server(small_davis, ROOT / "tests/toy_network.py")
    yield server
    server.close()


def made(folder: Path) -> dict[str, object]:
    """What there is a record of, scored or not yet, and when its masks were made."""
    found = {}
    for path in record_files(folder):
        masks = folder / "masks" / path.parent.name / path.stem
        found[f"{path.parent.name} {path.stem}"] = [mask.stat().st_mtime_ns for mask in sorted(masks.iterdir())]
    return found


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
                del (
                    timing["model_seconds"],
                    timing["end_to_end_seconds"],
                    timing["shared"],
                )  # with others of the machine
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
    complete: dict[str, object] = {}
    while kills < KILLS or not ends:
        group = server.start(folder)
        if kills < KILLS:
            await_records(folder, len(complete) + draw.randint(0, 3))
            time.sleep(draw.uniform(0, duration / 12))
            os.killpg(group, signal.SIGKILL)
        status = server.wait()
        assert status in (0, -signal.SIGKILL)
        now = made(folder)
        assert complete.items() <= now.items()  # what was made was not made again
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
        if len(record_files(folder)) >= min(count, SEQUENCES * STRATEGIES):
            return
        time.sleep(0.002)
    pytest.fail(f"no {count} records after a minute")


KILLER = """
import os, signal
from dataclasses import dataclass
from vosbench.memory.policy import MemoryPolicy

@dataclass
class Killer(MemoryPolicy):
    def admit(self, step):
        if self.video.name == "clip01" and step.frame == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return False
"""


def test_a_strategy_that_kills_its_process_keeps_nothing_else_from_its_end(server, tmp_path):
    """In the second run all other sequences are done; in the third, what was carried with it, too.

    How much of that the second did is by which of them wrote a mask last, so by the machine.
    """
    killer, folder = tmp_path / "killer.py", tmp_path / "run"
    killer.write_text(KILLER)
    asked = {"policies": ["first-only", str(killer), "lfu:capacity=1"], "limit": 3}
    counts = []
    before: dict[str, object] = {}
    for _ in range(4):
        server.start(folder, **asked)
        assert server.wait() == -signal.SIGKILL
        now = made(folder)
        assert before.items() <= now.items()
        counts.append(len(now))
        before = now
    assert counts[0] == 3
    assert 6 <= counts[1] <= 8
    assert counts[2:] == [8, 8]
    killer.write_text(KILLER.replace("step.frame == 2", "step.frame == 99"))
    server.start(folder, **asked)
    assert server.wait() == 0
    assert len(list((folder / "records").glob("*/*.json"))) == 9
