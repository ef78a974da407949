"""Runs strategies on the GPU that is not there, and prints as JSON what they would have met on one.

    python tests/gpu/emulate.py [STRATEGY ...]

A row for each strategy: whether masks, probabilities and tokens are those of the CPU, waits a
frame, and the lines that wait, that are not repeatable, and that CUDA would refuse. Not a test itself, since `fake_gpu`
must be imported before vosbench.
"""

import copy
import json
import sys
from collections import Counter

from fake_gpu import DeviceTensor, FakeGPU, moved  # isort: skip  # before vosbench

import numpy as np
import torch
from clips import strategies, truth, two_objects

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.base import Network
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.folding import for_inference
from vosbench.video import Sequence

SIZE = (23, 40, 56)  # frames, height, width
Seen = list[tuple[np.ndarray, torch.Tensor, int]]  # mask, probabilities, tokens in memory of every frame


def segment(model: Network, spec: str, sequence: Sequence) -> Seen:
    """What a strategy makes of a clip, brought to the CPU by a side door that nothing notes."""
    found = []
    for one in propagate(model, sequence, load_policy(spec), top_k=5, truth=truth(sequence)):
        prob = one.prob.data_on_host if isinstance(one.prob, DeviceTensor) else one.prob
        found.append((one.mask, prob.clone(), one.timing.tokens))
    return found


def compare(spec: str, sequence: Sequence, model: Network, on_gpu: Network) -> dict[str, object]:
    """The row of a strategy."""
    want = segment(model, spec, sequence)
    failure = None
    with FakeGPU() as gpu:
        try:
            found = segment(on_gpu, spec, sequence)
        except RuntimeError as error:
            failure = f"{type(error).__name__}: {error}"[:300]
    lines = {kind: Counter(e.where for e in gpu.events if e.kind == kind) for kind in ("wait", "unrepeatable")}
    row: dict[str, object] = {
        "waits a frame": round(sum(lines["wait"].values()) / len(want), 2),
        **{kind: dict(counted.most_common()) for kind, counted in lines.items()},
        "refused": sorted({f"{e.where} {e.what}" for e in gpu.events if e.kind == "refused"}),
        "failure": failure,
    }
    if failure is None:
        row["masks"] = all((a[0] == b[0]).all() for a, b in zip(want, found, strict=True))
        row["probabilities"] = max(float((a[1] - b[1]).abs().max()) for a, b in zip(want, found, strict=True))
        row["tokens"] = [a[2] for a in want] == [b[2] for b in found]
    return row


def main(specs: list[str]) -> None:
    torch.set_num_threads(1)
    model = read_checkpoint("stcn-tiny").network()
    for_inference(model, torch.device("cuda"))  # the form that runs there
    on_gpu = moved(copy.deepcopy(model))
    sequence = two_objects(*SIZE)
    rows = {spec: compare(spec, sequence, model, on_gpu) for spec in specs or strategies()}
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
