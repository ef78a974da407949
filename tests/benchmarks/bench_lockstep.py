"""What strategies cost together, against each of them alone, on a CPU in one process. Not part of the test suite.

    python tests/benchmarks/bench_lockstep.py [--model stcn-tiny] [--size 240 432] [--frames 41] [--strategies 3 8 21]

3 are the paper's; 21 are all that ship, and 8 the paper's and five more. In each turn every strategy goes through the
clip alone, then all go together. The figures are CPU seconds a frame, medians over the turns, and the ratio of all
together to the mean of them alone. `stcn` has random weights. Masks are compared: they must be the same.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from vosbench.inference.propagate import propagate, propagate_together
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import load_policy
from vosbench.models.base import Network
from vosbench.models.checkpoint import load_model
from vosbench.video import GroundTruth, MasksInMemory, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gpu"))
from clips import PAPER, clip
from usage import Arguments, begin
from variants import full_size

FIRST = (*PAPER, "xmem", "random:capacity=2", "gated", "recent-n", "fifo:capacity=2")


def strategies(count: int | None = None) -> tuple[str, ...]:
    """The specs of so many (None: of all)."""
    named = {spec.partition(":")[0] for spec in FIRST}
    return (*FIRST, *sorted({*POLICIES.names()} - named))[:count]


def moving(frames: int, size: tuple[int, int], objects: int) -> tuple[Sequence, GroundTruth]:
    """A clip, and its true masks."""
    rgb, labels = clip(frames, *size, objects)
    sequence = Sequence.from_arrays(rgb, {0: labels[0]})
    names = tuple(frame.name for frame in sequence.frames)
    masks = {n: MasksInMemory.of(m) for n, m in zip(names, labels, strict=True)}
    return sequence, GroundTruth(sequence.name, names, masks)


def seconds(
    model: Network,
    sequence: Sequence,
    truth: GroundTruth,
    specs: tuple[str, ...],
    clock: Callable[[], float] = time.process_time,
) -> tuple[float, float, float]:
    """Seconds of one alone, the mean of all, and of all together; the share of pixels that are the same then."""
    started = clock()
    masks = [[one.mask for one in propagate(model, sequence, load_policy(spec), truth=truth)] for spec in specs]
    alone, started, alike = (clock() - started) / len(specs), clock(), []
    for t, frame in enumerate(propagate_together(model, sequence, [load_policy(s) for s in specs], truth=truth)):
        for place, one in frame.items():
            assert not isinstance(one, Exception), one
            alike.append((one.mask == masks[place][t]).mean())
    return alone, clock() - started, statistics.mean(alike)


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("--model", choices=("stcn-tiny", "stcn"), default="stcn-tiny")
    parser.add_argument("--size", type=int, nargs=2, default=[240, 432], help="height and width")
    parser.add_argument("--frames", type=int, default=41)
    parser.add_argument("--objects", type=int, default=1)
    every = range(1, 1 + len(strategies()))
    parser.add_argument("--strategies", type=int, nargs="+", default=[3, 8, 21], choices=every, metavar="1..21")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(given.model) if given.model == "stcn-tiny" else full_size(given.model, torch.device("cpu"))
    sequence, truth = moving(given.frames, given.size, given.objects)
    for count in given.strategies:
        specs = strategies(count)
        turns = [seconds(model, sequence, truth, specs) for _ in range(given.turns)]
        assert all(alike == 1 for _, _, alike in turns), specs
        ratios = sorted(together / alone for alone, together, _ in turns)
        alone, together, _ = (statistics.median(values) / given.frames for values in zip(*turns, strict=True))
        print(
            f"{count:3d} strategies: {together:.3f} s a frame together, {alone:.3f} s one alone: "
            f"{statistics.median(ratios):.2f} times ({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(turns)} turns)",
            flush=True,
        )


if __name__ == "__main__":
    begin(main)
