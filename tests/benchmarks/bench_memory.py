"""What a crowd at 480p takes of the machine's memory, on a CPU. Not part of the test suite.

    python tests/benchmarks/bench_memory.py [--objects 200] [--frames 6] [--model stcn-tiny] [--limit 4GB] [SPEC ...]

Each strategy goes through some frames, of which the first gives all objects, in a process of its own. Prints what the
process has in memory when model and libraries are loaded, how much more at the peak, which is what the limit is for,
what of it the bank's tokens take, and what became of it.
"""

import argparse
import resource
import subprocess
import sys

import numpy as np
import torch
from usage import Arguments, begin

from vosbench.images import VOID
from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.checkpoint import load_model
from vosbench.video import Sequence

SPECS = ("lfu:capacity=2", "first-and-latest", "every-k:k=1")


def crowd(frames: int, height: int, width: int, objects: int) -> Sequence:
    """Squares on a grid over noise; frame 0 gives all."""
    rgb = np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), np.uint8)
    rows, columns = -(-objects // 20), 20
    numbers = np.arange(1, rows * columns + 1, dtype=np.uint8).reshape(rows, columns)
    numbers[numbers > objects] = 0
    labels = np.repeat(np.repeat(numbers, height // rows, 0), width // columns, 1)
    whole = np.zeros((height, width), np.uint8)
    whole[: labels.shape[0], : labels.shape[1]] = labels
    return Sequence.from_arrays(rgb, {0: whole})


def resident() -> float:
    """The most that this process had in memory, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def one(spec: str, given: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    model, bank, frames = load_model(given.model), 0, 0
    sequence = crowd(given.frames, given.size, given.size * 16 // 9, given.objects)
    end, before = "done", resident()
    try:
        for found in propagate(model, sequence, load_policy(spec), memory_limit=given.limit):
            bank, frames = max(bank, found.timing.memory_bytes), frames + 1
    except MemoryError as error:
        end = str(error)
    gigabytes = f"{before:.2f} GB and {resident() - before:5.2f} GB, {bank / 1e9:.2f} GB in the bank"
    print(f"{spec:>18} {gigabytes}  {frames:3d} frames, {end}", flush=True)


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--model", default="stcn-tiny")
    parser.add_argument("--size", type=int, default=480)
    parser.add_argument("--limit", default="4GB")
    given = parser.parse_args()
    if given.objects >= VOID:
        parser.error(f"a label map holds {VOID - 1} objects at most, not {given.objects}")
    if len(given.specs) == 1:
        return one(given.specs[0], given)
    print(f"{given.objects} objects, {given.model}, height {given.size}, a memory of {given.limit} at most")
    options = [
        word
        for name in ("objects", "frames", "model", "size", "limit")
        for word in (f"--{name}", str(getattr(given, name)))
    ]
    for spec in given.specs:
        subprocess.run([sys.executable, __file__, spec, *options], check=True)
    return None


if __name__ == "__main__":
    begin(main)
