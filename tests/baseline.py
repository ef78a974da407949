"""The suite of this project's own baseline, and the one command that makes it anew, after new weights or new rules:

    python tests/baseline.py

on a tree without changes. `tests/test_baseline.py` compares every state of the source with it.
"""

import os
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

from vosbench.bench.record import RunRecord
from vosbench.bench.runner import run
from vosbench.bench.suite import Suite
from vosbench.errors import VosbenchError
from vosbench.report.publishing import publish

BASELINE = Path(__file__).resolve().parents[1] / "results" / "baseline"
SUITE = Suite(
    split="length=20,clips=2,objects=2,deformation=0.15",
    policies=("every-k:k=5", "lfu:capacity=2"),
    shorter_side=96,
    controls=False,
    threads=1,
    timing="all",
    name="baseline",
)


def measure(folder: Path) -> tuple[RunRecord, ...]:
    """Carry out the suite in `folder`/baseline; the clips are generated beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with chdir(folder):
        return run(SUITE, folder / "baseline")


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name))
        try:
            files = publish(Path(name) / "baseline", folder=BASELINE)
        except VosbenchError as error:
            return print(f"{error.message}\nhint: {error.hint}", file=sys.stderr) or 2
    print(f"{os.path.relpath(BASELINE)} holds {len(files)} files: commit them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
