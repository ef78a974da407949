"""Many settings simulated against full runs of the model, in one process: `python tests/benchmarks/bench_simulate.py`.

Random weights will do, since cost does not depend on them. By default a short clip of half the size; `--full` takes
100 frames at 480p, of which a full run lasts minutes: one is run, and stands for the four.
"""

import time

import cv2
import numpy as np
import torch
from usage import Arguments, begin

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.stcn.network import CONFIGS, STCN
from vosbench.simulation.measures import measure
from vosbench.simulation.trace import record
from vosbench.video import Sequence

STRATEGIES = (
    *("fifo", "fifo:pin_first=false", "lfu", "lfu:pin_first=true", "lfu:min_age=10"),
    *("lfu-plain", "lfu-softmax", "lfu-softmax:pin_first=true", "lru", "lru:pin_first=true"),
)
CAPACITIES = (2, 3, 4, 5, 6, 8, 12, 16)


def clip(frames: int, height: int, width: int) -> Sequence:
    """A coarse texture that drifts, with an object that moves over it."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(0, 256, (height // 8, width // 4, 3), dtype=np.uint8), (2 * width, height))
    rgb = np.stack([ground[:, t * width // frames : t * width // frames + width] for t in range(frames)])
    labels = np.zeros((height, width), np.uint8)
    side = height // 4
    coat = cv2.resize(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), (side, side))
    for t, frame in enumerate(rgb):
        x = (width - side) * t // frames
        frame[side : 2 * side, x : x + side] = coat
    labels[side : 2 * side, :side] = 1
    return Sequence.from_arrays(rgb, {0: labels})


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("--full", action="store_true", help="100 frames at 480x854 through stcn")
    parser.add_argument("--model", default="stcn", choices=CONFIGS)
    arguments = parser.parse_args()
    frames, height, width = (100, 480, 854) if arguments.full else (20, 240, 432)
    torch.manual_seed(0)
    model = STCN(CONFIGS[arguments.model]).eval().requires_grad_(False)
    sequence = clip(frames, height, width)
    specs = [f"{name}{',' if ':' in name else ':'}capacity={c}" for name in STRATEGIES for c in CAPACITIES]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {frames} frames of {width}x{height}")

    started = time.perf_counter()
    for _ in propagate(model, sequence, load_policy("every-k:k=5")):
        pass
    run = time.perf_counter() - started
    print(f"a full run of every-k:k=5 on {arguments.model}: {run:.1f} s")
    started = time.perf_counter()
    trace = record(model, sequence)
    recorded = time.perf_counter() - started
    print(f"recording the keys: {recorded:.1f} s, {recorded / run:.2f} full runs")
    started = time.perf_counter()
    found = measure(trace, {spec: load_policy(spec) for spec in specs}, load_policy("every-k:k=5"), model)
    simulated = time.perf_counter() - started
    assert len(found) == len(STRATEGIES) * len(CAPACITIES)
    each = f"{1000 * simulated / len(specs) / frames:.2f} ms a setting and frame"
    print(f"{len(specs)} settings: {simulated:.1f} s, {simulated / run:.2f} full runs; {each}")
    print(f"both: {(recorded + simulated) / run:.2f} full runs (4 are allowed)")


if __name__ == "__main__":
    begin(main)
