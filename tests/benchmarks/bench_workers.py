"""One process against two workers on the default data, in turns: one, two, two, one. Not part of the test suite.

    python tests/benchmarks/bench_workers.py [--rounds 1] [--timing none]

Each is the whole command `vosbench run --threads 1`, from its start to its end, in wall seconds: ask an idle machine of
two cores or more. The clips are generated before. Prints every run with the load before it, and when the first result
was there; then the ratio of the sums. As default times are taken, without waiting to be alone; two shards at the same
time show what the machine gives.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from usage import Arguments, begin

from vosbench.datasets import open_dataset

WAYS = {"one": [[]], "workers": [["--workers", "2"]], "shards": [["--shard", "1/2"], ["--shard", "2/2"]]}


def seconds(folder: Path, way: str, options: list[str]) -> float:
    """Wall seconds of the commands of a way, which begin together."""
    out, load, started = folder / "run", os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0, time.monotonic()
    common = [sys.executable, "-m", "vosbench", "run", "--threads", "1", "--out", str(out), *options]
    with (folder / "log.txt").open("w") as log:
        how = {"cwd": folder, "env": os.environ | {"OMP_NUM_THREADS": "1"}, "stdout": log, "stderr": log}
        commands = [subprocess.Popen([*common, *more], **how) for more in WAYS[way]]
        first = 0.0
        while any(command.poll() is None for command in commands):
            time.sleep(0.05)
            if not first and next(out.glob("records/*/*.json"), None):
                first = time.monotonic() - started
    taken = time.monotonic() - started
    assert not any(command.returncode for command in commands), (folder / "log.txt").read_text()
    print(f"{way:8} {taken:6.1f} s, first result after {first:4.1f} s (load before: {load:.1f})", flush=True)
    shutil.rmtree(out)
    return taken


def main(rounds: int, timing: str | None) -> None:
    options = ["--timing", timing] if timing else []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.chdir(folder)
        open_dataset("synthetic", None)
        spent = dict.fromkeys(WAYS, 0.0)
        for _ in range(rounds):
            for way in ("one", "workers", "workers", "one", "shards"):
                spent[way] += seconds(folder, way, options)
    print(f"two workers are {spent['one'] / spent['workers']:.2f} times as fast as one process", end="")
    print(f", two shards {spent['one'] / 2 / spent['shards']:.2f} times")


if __name__ == "__main__":
    parser = Arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--timing", choices=("first", "all", "none"))
    given = parser.parse_args()
    begin(lambda: main(given.rounds, given.timing))
