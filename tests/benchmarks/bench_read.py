"""Cost of a memory read, as ratios made in one run. Not part of the test suite.

    python tests/benchmarks/bench_read.py

Prints, for the keys and values of the published STCN at 480x864 (1620 tokens a frame): the gathered readout
against the dense one (scatter the weights, multiply) for growing memories.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor
from usage import Arguments, begin

from vosbench.memory.attention import readout, top_k_softmax
from vosbench.models.affinity import affinity

TOKENS, KEY, VALUE, TOP_K, REPEATS = 1620, 64, 512, 20, 5


def best(function: Callable[[], object]) -> float:
    """Milliseconds of the fastest of some calls."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def dense(indices: Tensor, weights: Tensor, values: Tensor) -> Tensor:
    matrix = torch.zeros(len(indices), len(values)).scatter_(1, indices, weights)
    return matrix @ values


def reads() -> None:
    print(f"{'frames':>6} {'affinity':>9} {'top-k':>9} {'gathered':>9} {'dense':>9}  dense/gathered   (ms, one object)")
    query = torch.randn(TOKENS, KEY)
    for frames in (1, 2, 7, 14, 20):
        keys, values = torch.randn(frames * TOKENS, KEY), torch.randn(frames * TOKENS, VALUE)
        scores = affinity(keys, query)
        indices, weights = top_k_softmax(scores, TOP_K)
        torch.testing.assert_close(readout(values, indices, weights), dense(indices, weights, values))
        parts = [
            best(lambda keys=keys: affinity(keys, query)),
            best(lambda scores=scores: top_k_softmax(scores, TOP_K)),
            best(lambda v=values, i=indices, w=weights: readout(v, i, w)),
            best(lambda v=values, i=indices, w=weights: dense(i, w, v)),
        ]
        print(f"{frames:6d} " + " ".join(f"{p:9.1f}" for p in parts) + f"  {parts[3] / parts[2]:.1f}")


def main() -> None:
    Arguments(__doc__).parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    reads()


if __name__ == "__main__":
    begin(main)
