"""On a GPU that is not there strategies find what they find on a CPU; nothing is refused: no mixing of devices; sums
are repeatable; and the host waits for the GPU at most twice a frame, where a strategy's own logic allows it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

WAITS = 2  # a frame, at most: the clock makes one, after which the mask is there
# How many tokens merge, how many frames there are; of three strategies together the one that writes a frame is late.
MORE_WAITS = {"afb": 6.4, "rmem": 2.3, "rmem:capacity=3": 2.4, "together": 2.4}


@pytest.fixture(scope="module")
def rows(emulated):
    return emulated("emulate.py")


def test_a_gpu_finds_what_a_cpu_finds(rows):
    assert len(rows) > 20
    for spec, row in rows.items():
        assert (row["failure"], row["refused"], row["masks"], row["tokens"]) == (None, [], True, True), (spec, row)
        assert row["probabilities"] <= (1e-4 if spec == "together" else 1e-6), spec  # a batch rounds otherwise


def test_a_gpu_is_seldom_waited_for(rows):
    for spec, row in rows.items():
        assert row["waits a frame"] <= MORE_WAITS.get(spec, WAITS), (spec, row["wait"])


def test_sums_are_repeatable(rows):
    assert {spec: row["unrepeatable"] for spec, row in rows.items() if row["unrepeatable"]} == {}


@pytest.mark.usefixtures("emulated")
def test_what_a_gpu_would_refuse_is_refused():
    """The emulation itself: it would be of no use if it let everything through."""
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
