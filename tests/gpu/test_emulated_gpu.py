"""On a GPU that is not there strategies find what they find on a CPU, and nothing is refused: no mixing of devices.

Waits and sums in any order are faults of the engine and of strategies which it does not yet do without; here they are
held at what they are. Lower the numbers as they go.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

# Waits a frame: 2 of the normalisation, 3 of the output, 1 of the clock; some of the bank for a write or a victim.
WAITS = {"lfu:capacity=2": 8.2, "lfu-softmax": 8.2, "random:frames=true": 8.1, "offline": 10, "oracle-masks": 8.4}
SUMS_IN_ANY_ORDER = {"lfu-softmax": {"memory/match.py"}, "offline": {"policies/offline.py"}}


@pytest.fixture(scope="module")
def rows():
    if torch.version.cuda is None and shutil.which("c++") is None:
        pytest.skip("needs a C++ compiler, since this build of torch has no CUDA")
    script = Path(__file__).with_name("emulate.py")
    done = subprocess.run([sys.executable, script, *WAITS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("spec", WAITS)
def test_a_gpu_finds_what_a_cpu_finds(rows, spec):
    row = rows[spec]
    assert row["failure"] is None
    assert row["refused"] == []
    assert row["masks"]
    assert row["tokens"]
    assert row["probabilities"] <= 1e-6


@pytest.mark.parametrize("spec", WAITS)
def test_waits_do_not_become_more(rows, spec):
    assert rows[spec]["waits a frame"] <= WAITS[spec], rows[spec]["wait"]
    assert {line.partition(":")[0] for line in rows[spec]["unrepeatable"]} <= SUMS_IN_ANY_ORDER.get(spec, set())


def test_what_a_gpu_would_refuse_is_refused():
    """The emulation itself: it would be of no use if it let everything through."""
    if torch.version.cuda is None and shutil.which("c++") is None:
        pytest.skip("needs a C++ compiler, since this build of torch has no CUDA")
    code = """
from fake_gpu import DeviceTensor, FakeGPU
import torch
gpu = FakeGPU()
def refused(work):
    try:
        work()
    except RuntimeError as error:
        return "would be refused" in str(error)
    return False
with gpu:
    x = torch.zeros(3, device="cuda")
    assert x.device.type == "cuda" and type(x) is DeviceTensor
    assert refused(lambda: x + torch.ones(3))
    assert refused(lambda: torch.rand(3, device="cuda", generator=torch.Generator("cpu")))
    torch.rand(3, device="cuda", generator=torch.Generator("cuda"))
    before = len([e for e in gpu.events if e.kind == "wait"])
    assert (x + 1).add_(1).sum().item() == 6
    x[torch.tensor([0], device="cuda")] = 1
    x.tolist(), x.cpu(), x[x > 0]
    assert len([e for e in gpu.events if e.kind == "wait"]) == before + 6
    x.index_add_(0, torch.zeros(1, dtype=torch.int64).to("cuda", non_blocking=True), x[:1].clone())
    assert [e.kind for e in gpu.events[-2:]] == ["copy", "unrepeatable"]
assert not torch.cuda.is_available() or torch.version.cuda
"""
    folder = Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
