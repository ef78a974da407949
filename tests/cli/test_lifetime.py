"""Commands in processes of their own, ended from outside: one line, nothing lost, and no process left.

VOSBENCH_SIGNALS says how often a run is ended at random moments (3 times).
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import toy_network

from vosbench.base.signals import ENDING
from vosbench.images import write_labels

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
SIGNALS = int(os.environ.get("VOSBENCH_SIGNALS", "3"))
TOY = toy_network.__file__  # what a network computes is not what takes the time here
SEQUENCES, ROWS = 8, 4  # two strategies, two references
# The signals as a process of a terminal has them, even where these tests ignore them (`nohup pytest &`).
COMMAND = """
import signal, sys
for name in ("SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
from vosbench.cli import main
sys.exit(main())
"""


class Command(subprocess.Popen):
    """A command in a session of its own, whose processes are found by it."""

    def __init__(self, *arguments: object, cwd: Path) -> None:
        self.log = (cwd / "log.txt").open("w+")
        words = [sys.executable, "-c", COMMAND, *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        streams = {"stdout": self.log, "stderr": self.log}
        super().__init__(words, cwd=cwd, env=environment, start_new_session=True, **streams)

    def processes(self) -> list[int]:
        """The processes of its session that live."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:  # it has ended meanwhile
                continue
            if int(session) == self.pid and state not in "ZX":
                found.append(int(entry.name))
        return found

    def is_ready(self) -> bool:
        """Whether it has said what is to happen at SIGTERM."""
        if self.returncode is not None:
            return False
        caught = next(line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "SigCgt" in line)
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    def await_that(self, condition) -> None:
        started = time.monotonic()
        while True:
            over = self.poll() is not None or time.monotonic() - started > 100
            if condition():
                return
            if over:
                self.kill()
                pytest.fail(f"status {self.returncode}: {self.text()}")
            time.sleep(0.05)

    def text(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def require_no_process(self, seconds: float = 10) -> None:
        """After so many seconds none of its session is left."""
        until = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(0.05)
        for process in left:
            os.kill(process, signal.SIGKILL)
        self.log.close()
        assert not left


@pytest.fixture
def davis(small_davis):
    """A small DAVIS whose val has several sequences."""
    names = [f"clip{number}" for number in range(SEQUENCES)]
    for kind in ("JPEGImages", "Annotations"):
        for number, name in enumerate(names):
            folder = small_davis / kind / "480p"
            shutil.copytree(folder / ("ant", "bee")[number % 2], folder / name)
    (small_davis / "ImageSets/2017/val.txt").write_text("\n".join(names))
    return small_davis


def run_on(davis):
    strategies = ("-p", "every-k:k=2", "-p", "first-only")
    return "run", "--dataset", "davis2017", "--root", davis, "--model", TOY, *strategies, "--out", "run"


def count_records(folder: Path) -> int:
    return len(list(folder.glob("records/*/*.json")))


def score_of_many(davis):
    """Masks of 480p, enough for some seconds."""
    labels = np.zeros((480, 854), np.uint8)
    labels[100:200, 300:500] = 1
    for folder in (davis / "Annotations/480p/long", davis.parent / "masks/long"):
        folder.mkdir(parents=True)
        write_labels(folder / "00000.png", labels)
        for number in range(1, 8000):
            os.link(folder / "00000.png", folder / f"{number:05d}.png")
    return "score", "masks", "--root", davis, "--sequences", "long", "--jobs", "2", "--no-cache"


def simulate_on(davis):
    settings = ("-p", "lfu", "--capacity", "2..9", "--jobs", "2")
    return "simulate", "--dataset", "davis2017", "--root", davis, "--model", TOY, *settings


@pytest.mark.parametrize("what", [run_on, score_of_many, simulate_on])
def test_processes_end_after_that_which_started_them_is_killed(davis, tmp_path, what):
    arguments = what(davis)
    if what is score_of_many:
        (davis / "ImageSets/2017/val.txt").write_text("long")
    command = Command(*arguments, cwd=tmp_path)
    command.await_that(lambda: len(command.processes()) > 2)  # another one, and what cleans up after them
    time.sleep(random.Random().uniform(0, 0.5))
    command.kill()
    assert command.wait(10) == -signal.SIGKILL
    command.require_no_process()


def test_a_run_is_ended_at_random_moments(davis, tmp_path):
    draw = random.Random()
    folder, complete, statuses = tmp_path / "run", {}, []
    while len(statuses) - statuses.count(0) < SIGNALS:
        asked = ENDING[len(statuses) % len(ENDING)]
        command = Command(*run_on(davis), cwd=tmp_path)
        command.await_that(command.is_ready)
        # By what it has made: how long a run takes is another time on each machine.
        wanted = draw.randint(count_records(folder), SEQUENCES * ROWS)
        command.await_that(lambda wanted=wanted: count_records(folder) >= wanted)
        time.sleep(draw.uniform(0, 0.5))
        with suppress(ProcessLookupError):  # it has ended, and has been waited for
            os.killpg(command.pid, asked)  # all of them, as a terminal does
        statuses.append(command.wait(60))
        assert len(statuses) < 20 * SIGNALS  # some are complete before they are ended, not all of them
        text = command.text()
        command.require_no_process()
        assert "Traceback" not in text
        if statuses[-1] != 0:
            assert statuses[-1] == 128 + asked, text
            said = [line for line in text.splitlines() if line.startswith(("vosbench: ", "hint: "))]
            how = "interrupted" if asked == signal.SIGINT else f"ended by {asked.name}"
            assert said == [f"vosbench: error: {how}", "hint: start the same command again: what is finished is kept"]
        written = folder.glob("records/*/*.json")  # some without scores, which wait for them
        scored = [path for path in written if not json.loads(path.read_text())["unscored"]]
        now = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in scored}
        assert complete.items() <= now.items()  # what was complete was not touched
        complete = now
        if statuses[-1] == 0:
            shutil.rmtree(folder)
            complete = {}
