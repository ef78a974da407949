"""What each strategy costs, as a share of the time of a frame, all of it in one run. Not part of the test suite.

    python tests/benchmarks/bench_policies.py [--model stcn] [--size 480] [--frames 26] [SPEC ...]

Segments moving noise with the bundled weights, or with `--model stcn` those of the published network's size at random
(cost does not depend on them). `policy` is the strategy's own work: start, observe, admit and the decisions in
write; `write` is the bank's copying. The bound is 5% of a frame for all strategies but afb, readmem and offline.
"""

import numpy as np
import torch
from usage import Arguments, begin

from vosbench.inference.propagate import propagate
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import load_policy
from vosbench.models.checkpoint import load_model
from vosbench.models.stcn.network import STCN
from vosbench.video import GroundTruth, MasksInMemory, Sequence

FREE = {"afb", "readmem", "offline"}  # from the bound
BOUND = 5  # per cent


def clip(frames: int, height: int) -> tuple[Sequence, GroundTruth]:
    """Two squares of noise that drift over noise; the truth says that they stay."""
    rng, width = np.random.default_rng(0), height * 16 // 9
    side = height // 3
    ground, coats = rng.integers(0, 256, (height, width, 3)), rng.integers(0, 256, (2, side, side, 3))
    rgb, labels = np.repeat(ground[None], frames, 0).astype(np.uint8), np.zeros((height, width), np.uint8)
    for t in range(frames):
        for i, (y, x) in enumerate([(t, 2 * t), (height - side - t, width - side - 3 * t)]):
            rgb[t, y : y + side, x : x + side] = coats[i]
            if not t:
                labels[y : y + side, x : x + side] = i + 1
    sequence = Sequence.from_arrays(rgb, {0: labels}, "noise")
    names = tuple(frame.name for frame in sequence.frames)
    return sequence, GroundTruth("noise", names, dict.fromkeys(names, MasksInMemory.of(labels)))


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("specs", nargs="*", default=POLICIES.names())
    parser.add_argument("--model", default="stcn-tiny")
    parser.add_argument("--size", type=int, default=240)
    parser.add_argument("--frames", type=int, default=26)
    options = parser.parse_args()
    model = STCN().eval().requires_grad_(False) if options.model == "stcn" else load_model(options.model)
    sequence, truth = clip(options.frames, options.size)
    list(propagate(model, sequence, load_policy("every-k")))  # the libraries choose their kernels
    print(f"{options.model}, height {options.size}, {options.frames} frames, torch {torch.__version__}, ", end="")
    print(f"{torch.get_num_threads()} threads\n{'strategy':>18} {'frame':>8} {'policy':>8} {'write':>8}  (ms)  policy")
    for spec in options.specs:
        timings = [p.timing for p in propagate(model, sequence, load_policy(spec), truth=truth)]
        total = sum(timing.seconds for timing in timings)
        policy, write = (sum(timing.stages[name] for timing in timings) for name in ("policy", "write"))
        share = 100 * policy / total
        mark = "  ABOVE THE BOUND" if share > BOUND and spec.partition(":")[0] not in FREE else ""
        each = " ".join(f"{1000 * seconds / options.frames:8.2f}" for seconds in (total, policy, write))
        print(f"{spec:>18} {each}       {share:5.1f}%{mark}", flush=True)


if __name__ == "__main__":
    begin(main)
