"""What a long video costs frame by frame, and what it holds of the machine's memory. Not part of the test suite.

    python tests/benchmarks/bench_push.py [--frames 20000] [SPEC ...]
    python tests/benchmarks/bench_push.py --model stcn-tiny --size 120 216 --frames 2000 lfu:capacity=2 every-k:k=5

By default with a narrow network and frames of 32x32 pixels, so that a frame takes milliseconds. Each strategy has a
process of its own, with one thread. Prints, as frames go on, the median of CPU milliseconds a frame over a fiftieth of
the frames, its ratio to the first such median, what is in the bank, and the process's resident memory and its peak.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import numpy as np
import torch
from usage import Arguments, begin

from vosbench.inference.session import Session
from vosbench.memory.spec import load_policy
from vosbench.models.base import Network
from vosbench.models.checkpoint import load_model
from vosbench.models.stcn.network import STCN, STCNConfig

SPECS = ("lfu:capacity=2", "rmem:capacity=3", "xmem:every=1,min_frames=2,max_frames=4,long_term=128")
NARROW = STCNConfig("resnet", "basic", (8, 8, 16), (1, 1, 1), (8, 8, 8), (1, 1, 1), 8, 16, (16, 8, 8), 4)


def resident() -> float:
    """MiB of this process that are in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def network(name: str) -> Network:
    """A network by its name, or the narrow one."""
    if name != "narrow":
        return load_model(name)
    torch.manual_seed(0)
    return STCN(NARROW).eval().requires_grad_(False)


def push(spec: str, given: argparse.Namespace) -> None:
    """Push frames under one strategy."""
    torch.set_num_threads(1)
    height, width = given.size
    frames = np.random.default_rng(0).integers(0, 256, (64, height, width, 3), np.uint8)
    labels = np.zeros((height, width), np.uint8)
    labels[height // 4 : height * 5 // 8, width // 4 : width * 5 // 8] = 1
    part = max(1, given.frames // 50)
    session, first = Session(network(given.model), load_policy(spec)), 0.0
    spent = deque[float](maxlen=part)
    marks = {part * n for n in (1, 5, 12, 25, 50)}
    for t in range(given.frames):
        started = time.process_time()
        timing = session.step(frames[t % len(frames)], labels if t == 0 else None).timing
        spent.append(1000 * (time.process_time() - started))
        if t + 1 in marks:
            each = statistics.median(spent)
            first = first or each
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            memory = f"{timing.memory_bytes / 2**20:8.2f} MiB in the bank, {resident():7.1f} MiB, peak {peak:7.1f} MiB"
            print(f"{t + 1:8d} frames {each:7.2f} ms, {each / first:5.2f} times the first, {memory}", flush=True)


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--model", default="narrow")
    parser.add_argument("--size", type=int, nargs=2, default=[32, 32], help="height and width")
    given = parser.parse_args()
    if len(given.specs) == 1:
        return push(given.specs[0], given)
    for spec in given.specs:
        print(spec, flush=True)
        size = map(str, given.size)
        options = ["--frames", str(given.frames), "--model", given.model, "--size", *size]
        subprocess.run([sys.executable, __file__, spec, *options], check=True)
    return None


if __name__ == "__main__":
    begin(main)
