"""Kills workers, the client and the scheduler of shared runs at random moments, and compares what comes out.

    python tests/benchmarks/stress_cluster.py --kills 20

First a run of one process, then: a run with two workers of which one is killed 20 times in all, as often as it takes
from the beginning; one whose client is killed; one on a scheduler of its own whose client and then whose scheduler is
killed. Each time the records must be those of one process but for times, no record that was complete may be touched
again, and 30 seconds later no process of it may be left.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from layouts import write_clip
from run_files import results
from usage import Arguments, begin

CLIPS, FRAMES = 12, 6
STRATEGIES = ("every-k:k=2", "first-only", "lfu:capacity=2")
FILES = CLIPS * (len(STRATEGIES) + 2)  # records: of the controls, too
Stamps = dict[Path, tuple[int, int]]


def main(kills: int, seed: int) -> None:
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_clips(Path("DAVIS"))
        assert start("alone/run").wait() == 0
        expected = results(Path("alone/run"))
        assert len(expected) == FILES * (1 + FRAMES)
        print(f"one process: {FILES} records")

        done, runs = 0, 0
        while done < kills:
            done += killed_workers(Path(f"workers-{runs}/run"), kills - done, draw, expected)
            runs += 1
        print(f"two workers, {done} killed at random moments in {runs} runs: equal, no complete record touched")

        run = Path("client/run")
        for _ in range(3):
            complete = killed_client(run, draw, "--workers", "2")
        finish(run, complete, expected, "--workers", "2")
        print("client killed three times: equal, no complete record touched, no process left")

        killed_scheduler(Path("scheduler/run"), draw, expected)
        print("client and scheduler of a cluster killed: equal, no complete record touched, no process left")


def start(folder: str | Path, *more: str) -> subprocess.Popen[bytes]:
    arguments = ["run", "--dataset", "davis2017", "--root", "DAVIS", "--threads", "1", "--out", str(folder), *more]
    for strategy in STRATEGIES:
        arguments += ["-p", strategy]
    return launch("vosbench", *arguments)


def launch(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    settings = {"OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2"}
    command = [sys.executable, "-m", module, *arguments]
    with Path("log.txt").open("a") as log:
        return subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log, start_new_session=True)


def killed_workers(folder: Path, most: int, draw: random.Random, expected: dict[str, bytes]) -> int:
    """A run, one of whose workers is killed again and again; how often. Some of the deaths may be one unit's."""
    client, kills, complete = start(folder, "--workers", "2"), 0, Stamps()
    pause = 0.0
    while client.poll() is None:
        time.sleep(0.02)
        complete = unchanged(folder, complete)
        victims = [pid for pid, name in session(client.pid) if pid != client.pid and "forkserver" in name]
        if kills < most and len(victims) > 1 and time.monotonic() > pause and records(folder):
            os.kill(draw.choice(victims[1:]), signal.SIGKILL)  # the first starts the others
            kills += 1
            pause = time.monotonic() + draw.uniform(0, 3)
    assert client.returncode in (0, 2), client.returncode
    if client.returncode == 2:  # three deaths of one unit alone are its failure: by chance, here; the next run mends it
        print("  a unit was killed three times, and failed; it is done again")
        complete = {path: stamp for path, stamp in complete.items() if '"failure": null' in path.read_text()}
    finish(folder, complete, expected, "--workers", "2")
    return kills


def killed_client(folder: Path, draw: random.Random, *how: str) -> Stamps:
    client = start(folder, *how)
    wanted = len(records(folder)) + draw.randint(1, 9)
    while len(records(folder)) < wanted and client.poll() is None:
        time.sleep(0.01)
    client.kill()
    client.wait()
    if "--workers" in how:
        assert_gone(client.pid)
    else:
        time.sleep(5)  # the frames in hand
    return stamps(folder)


def killed_scheduler(folder: Path, draw: random.Random, expected: dict[str, bytes]) -> None:
    at = ("--scheduler-file", "scheduler.json")
    local = ("--no-dashboard", *at)
    scheduler = launch("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *local)
    limits = ("--nworkers", "2", "--nthreads", "1", "--memory-limit", "0", "--death-timeout", "10")
    workers = launch("distributed.cli.dask_worker", *local, *limits)
    while not Path("scheduler.json").exists():
        time.sleep(0.1)
    complete = killed_client(folder, draw, *at)
    client = start(folder, *at)
    wanted = len(complete) + draw.randint(5, 15)
    while len(records(folder)) < wanted and client.poll() is None:
        complete = unchanged(folder, complete)
        time.sleep(0.01)
    scheduler.kill()
    scheduler.wait()
    assert client.wait() == 2
    assert_gone(workers.pid)
    workers.wait()
    finish(folder, unchanged(folder, complete), expected, "--workers", "2")


def finish(folder: Path, complete: Stamps, expected: dict[str, bytes], *how: str) -> None:
    """Run on to the end; what is there then."""
    client = start(folder, *how)
    assert client.wait() == 0
    unchanged(folder, complete)
    found = results(folder)
    assert found == expected, sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    assert_gone(client.pid)
    shutil.rmtree(folder)


def session(leader: int) -> list[tuple[int, str]]:
    """The processes of a session that live, and their command lines, by age."""
    listed = subprocess.run(["ps", "-s", str(leader), "-o", "pid=,stat=,args="], capture_output=True, text=True)
    lines = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return sorted((int(pid), name) for pid, state, name in lines if state[0] not in "ZX")


def assert_gone(leader: int) -> None:
    until = time.monotonic() + 30
    while left := session(leader):
        assert time.monotonic() < until, left
        time.sleep(0.1)


def records(folder: Path) -> list[Path]:
    return sorted((folder / "records").glob("*/*.json"))


def stamps(folder: Path) -> Stamps:
    found = {}
    for path in records(folder):
        file = path.stat()
        found[path] = (file.st_ino, file.st_mtime_ns)
    return found


def unchanged(folder: Path, complete: Stamps) -> Stamps:
    now = stamps(folder)
    assert complete.items() <= now.items(), sorted(map(str, complete.keys() - now.keys()))
    return now


def write_clips(root: Path) -> None:
    names = [f"{t:05d}" for t in range(FRAMES)]
    clips = [f"clip{number:02d}" for number in range(CLIPS)]
    for number, clip in enumerate(clips):
        ids = (1, 2)[: 1 + number % 2]
        write_clip(root / "JPEGImages/480p" / clip, root / "Annotations/480p" / clip, names, ids, FRAMES)
    (root / "ImageSets/2017").mkdir(parents=True)
    (root / "ImageSets/2017/val.txt").write_text("\n".join(clips))


if __name__ == "__main__":
    parser = Arguments(__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begin(lambda: main(given.kills, given.seed))
