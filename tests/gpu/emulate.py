"""Runs strategies on the GPU that is not there, and prints as JSON what they would have met on one.

    python tests/gpu/emulate.py [STRATEGY ...]

A row for each strategy, "bf16" for lfu in that precision, and "together" for the paper's at once: whether masks,
probabilities and tokens are those of the CPU, waits a frame, waits to capture graphs, and the lines that wait, that
are not repeatable, and that CUDA would refuse. Not a test itself, since `fake_gpu` must be imported before vosbench.
"""

import copy
import json
from collections import Counter
from collections.abc import Callable
from functools import cache, partial

from fake_gpu import DeviceTensor, FakeGPU, moved  # isort: skip  # before vosbench

import numpy as np
import torch
from clips import PAPER, strategies, truth, two_objects
from command_line import parsed

from vosbench.inference.output import Prediction
from vosbench.inference.propagate import propagate, propagate_together
from vosbench.memory.spec import load_policy
from vosbench.models.base import Network
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.folding import for_inference
from vosbench.models.graphs import capture_after
from vosbench.models.precision import Precision
from vosbench.models.stcn.network import FrameFeatures
from vosbench.video import Sequence

SIZE = (23, 40, 56)  # frames, height, width
Seen = list[tuple[np.ndarray, torch.Tensor, int]]  # mask, probabilities, tokens in memory of every frame


def seen(one: Prediction) -> tuple[np.ndarray, torch.Tensor, int]:
    """What is to be compared, brought to the CPU by a side door that nothing notes."""
    prob = one.prob.data_on_host if isinstance(one.prob, DeviceTensor) else one.prob
    return one.mask, prob.clone(), one.timing.tokens


def segment(model: Network, spec: str, sequence: Sequence) -> Seen:
    """What a strategy makes of a clip."""
    return [seen(one) for one in propagate(model, sequence, load_policy(spec), top_k=5, truth=truth(sequence))]


def alone(model: Network, sequence: Sequence) -> Seen:
    """What the paper's strategies make of a clip one after the other."""
    return [frame for spec in PAPER for frame in segment(model, spec, sequence)]


def together(model: Network, sequence: Sequence) -> Seen:
    """The same at once."""
    frames = list(propagate_together(model, sequence, [load_policy(spec) for spec in PAPER], top_k=5))
    return [seen(frame[place]) for place in range(len(PAPER)) for frame in frames]


def compare(sequence: Sequence, want: Seen, act: Callable[[], Seen]) -> dict[str, object]:
    """The row of what the GPU does, of which the CPU says what is to come of it."""
    failure = None
    with FakeGPU() as gpu:
        try:
            with capture_after(3):
                found = act()
        except RuntimeError as error:
            failure = f"{type(error).__name__}: {error}"[:300]
    lines = {kind: Counter(e.where for e in gpu.events if e.kind == kind) for kind in ("wait", "unrepeatable")}
    captures = sum(lines["wait"].pop(where) for where in [*lines["wait"]] if where.startswith("models/graphs.py"))
    row: dict[str, object] = {
        "waits a frame": round(sum(lines["wait"].values()) / len(sequence.frames), 2),
        "waits to capture": captures,  # once for a size and a number of objects
        **{kind: dict(counted.most_common()) for kind, counted in lines.items()},
        "refused": sorted({f"{e.where} {e.what}" for e in gpu.events if e.kind == "refused"}),
        "failure": failure,
    }
    if failure is None:
        row["masks"] = all((a[0] == b[0]).all() for a, b in zip(want, found, strict=True))
        row["probabilities"] = max(float((a[1] - b[1]).abs().max()) for a, b in zip(want, found, strict=True))
        row["tokens"] = [a[2] for a in want] == [b[2] for b in found]
    return row


@cache
def networks(precision: Precision) -> tuple[Network, Network]:
    """The network in the form that runs on a GPU, on the CPU and on the device that is not there."""
    model = read_checkpoint("stcn-tiny").network()
    for_inference(model, torch.device("cuda"), precision)
    on_gpu = moved(copy.deepcopy(model))
    encode, known = model.encode, {}

    def remembered(frame: torch.Tensor) -> FrameFeatures:  # of the CPU: the same frames are those of every strategy
        if (pixels := frame.numpy().tobytes()) not in known:
            known[pixels] = encode(frame)
        return known[pixels]

    model.encode = remembered
    return model, on_gpu


def main(specs: list[str]) -> None:
    torch.set_num_threads(1)
    sequence, rows = two_objects(*SIZE), {}

    def compared(spec: str, precision: Precision) -> dict[str, object]:
        model, on_gpu = networks(precision)
        return compare(sequence, segment(model, spec, sequence), partial(segment, on_gpu, spec, sequence))

    for spec in specs or strategies():
        rows[spec] = compared(spec, "fp32")
    rows["bf16"] = compared("lfu:capacity=2", "bf16")
    model, on_gpu = networks("fp32")
    rows["together"] = compare(sequence, alone(model, sequence), partial(together, on_gpu, sequence))
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main(parsed(__doc__, strategies=True))
