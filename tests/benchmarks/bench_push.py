"""What 20,000 pushed frames hold of the machine's memory. Not part of the test suite.

    python tests/benchmarks/bench_push.py [--frames 20000] [SPEC ...]

A narrow network and frames of 32x32 pixels, so that a frame takes milliseconds. Prints, at a tenth, at half and at the
end of the frames, the resident memory of the process, the bytes in the bank, and milliseconds a frame since the last.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from vosbench.inference.session import Session
from vosbench.memory.spec import load_policy
from vosbench.models.stcn.network import STCN, STCNConfig

SPECS = ("lfu:capacity=2", "rmem:capacity=3", "xmem:every=1,min_frames=2,max_frames=4,long_term=128")
NARROW = STCNConfig("resnet", "basic", (8, 8, 16), (1, 1, 1), (8, 8, 8), (1, 1, 1), 8, 16, (16, 8, 8), 4)


def resident() -> float:
    """MiB of this process that are in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--frames", type=int, default=20_000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = STCN(NARROW).eval().requires_grad_(False)
    frames = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), np.uint8)
    labels = np.zeros((32, 32), np.uint8)
    labels[8:20, 8:20] = 1
    for spec in arguments.specs:
        session, marks = Session(model, load_policy(spec)), {arguments.frames * n // 10 for n in (1, 5, 10)}
        print(spec)
        started, since = time.perf_counter(), 0
        for t in range(arguments.frames):
            timing = session.step(frames[t % len(frames)], labels if t == 0 else None).timing
            if t + 1 in marks:
                each = 1000 * (time.perf_counter() - started) / (t + 1 - since)
                print(
                    f"{t + 1:8d} frames {resident():8.1f} MiB  bank {timing.memory_bytes:6d} bytes {each:6.2f} ms",
                    flush=True,
                )
                started, since = time.perf_counter(), t + 1


if __name__ == "__main__":
    main()
