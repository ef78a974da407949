"""The paper's Table III on this machine: how fast frames go under its three strategies. Not part of the test suite.

    python tests/benchmarks/bench_table3.py [--model stcn] [--size 480] [--frames 41] [--objects 1 3] [--turns 3]

All read the memory in the same way. Bundled weights, or with `--model stcn` those of the published network's size at
random, one thread; the strategies take turns in one process, and the figures are medians of CPU time over whole clips,
from pixels to masks, all on frames that are not read from disk.
"""

import statistics
import sys
import time
from pathlib import Path

import torch

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.base import Network
from vosbench.models.checkpoint import load_model
from vosbench.video import Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gpu"))
from clips import PAPER, clip
from usage import Arguments, begin
from variants import full_size


def seconds(model: Network, sequence: Sequence, spec: str) -> float:
    """CPU time of a whole clip."""
    began = time.process_time()
    for _ in propagate(model, sequence, load_policy(spec)):
        pass
    return time.process_time() - began


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("--model", default="stcn-tiny")
    parser.add_argument("--size", type=int, default=480)
    parser.add_argument("--frames", type=int, default=41)
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = full_size("stcn", torch.device("cpu")) if given.model == "stcn" else load_model(given.model)
    print(f"{given.model}, height {given.size}, {given.frames} frames, torch {torch.__version__}, 1 thread")
    for objects in given.objects:
        rgb, labels = clip(given.frames, given.size, given.size * 16 // 9, objects)
        sequence = Sequence.from_arrays(rgb, {0: labels[0]})
        seconds(model, Sequence.from_arrays(rgb[:3], {0: labels[0]}), PAPER[0])  # the libraries choose their kernels
        turns = [{spec: seconds(model, sequence, spec) for spec in PAPER} for _ in range(given.turns)]
        print(f"{objects} objects: {'strategy':>18} {'FPS':>6}   lfu is as fast (lowest and highest of the turns)")
        for spec in PAPER:
            ratios = sorted(turn[spec] / turn["lfu:capacity=2"] for turn in turns)
            fps = given.frames / statistics.median(turn[spec] for turn in turns)
            times = f"{statistics.median(ratios):.2f} times ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(f"{spec:>29} {fps:6.2f}   {times}", flush=True)


if __name__ == "__main__":
    begin(main)
