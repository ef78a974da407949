"""Two processes, as torchrun starts them, train as one does with both their clips; only the first writes."""

import csv
import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch

import vosbench
from vosbench.errors import VosbenchError
from vosbench.training.distributed import Process, joined
from vosbench.training.stages import read_stages
from vosbench.training.state import read_state
from vosbench.training.train import Trainer
from vosbench.training.training import train

CONFIG = """
model = "small"
size = 32
batch = 2
objects = 1
bootstrap_start = 0
bootstrap_end = 2
optimizer = "adam"
schedule = "step"
learning_rate = 1e-4
gradient_norm = 0.0
frozen_batch_norm = ["key_encoder", "value_encoder"]
workers = 0
threads = 1
checkpoint_every = 2
log_every = 1
[[data]]
kind = "static"
root = "pairs"
[[stages]]
name = "one"
steps = 2
[[stages]]
name = "two"
seed = 1
steps = 1
mean_with = ["one"]
"""


def test_two_processes_train_as_one(small_model, small_network, pairs, tmp_path, monkeypatch):
    """Stage by stage; rank 0 is this process, rank 1 another; their environment is that of torchrun."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(CONFIG)
    (tmp_path / "pairs").symlink_to(pairs)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    package = {"PYTHONPATH": str(Path(vosbench.__file__).parents[1])}
    arguments = ["train", "tiny.toml", "--out", "two"]
    known = "from vosbench.models.stcn.network import CONFIGS, STCNConfig; "
    known += f"CONFIGS[{small_network!r}] = {small_model.config}"
    second = subprocess.Popen(
        [sys.executable, "-c", f"{known}; import sys; from vosbench.cli import main; sys.exit(main({arguments}))"],
        env=os.environ | shared | package | {"RANK": "1", "LOCAL_RANK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for name, value in (shared | {"RANK": "0", "LOCAL_RANK": "0"}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("vosbench.training.distributed.PATIENCE", timedelta(seconds=90))
        train(tmp_path / "tiny.toml", tmp_path / "two")
        assert second.wait(90) == 0
        assert second.communicate() == ("", "")
    finally:
        second.kill()
        second.communicate()
    assert sorted(path.name for path in (tmp_path / "two").glob("[!.]*")) == ["curve.csv", "one", "two"]

    monkeypatch.delenv("WORLD_SIZE")
    train(tmp_path / "tiny.toml", tmp_path / "one")
    one, two = (
        list(csv.DictReader((tmp_path / name / "curve.csv").read_text().splitlines())) for name in ("one", "two")
    )
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        assert float(b["loss"]) == pytest.approx(float(a["loss"]), abs=2e-4)
        assert float(b["iou"]) == pytest.approx(float(a["iou"]), abs=0.01)
    initial = Trainer(read_stages(tmp_path / "tiny.toml")[0].config, tmp_path / "start").model.state_dict()
    states = [read_state(tmp_path / name / "two/last.pt")["model"] for name in ("one", "two")]
    moved = torch.cat([(states[0][k] - v).flatten() for k, v in initial.items() if v.is_floating_point()])
    apart = torch.cat([(states[0][k] - v).flatten() for k, v in states[1].items() if v.is_floating_point()])
    assert apart.norm() < 0.05 * moved.norm()  # Adam makes much of the sign of a gradient near 0


def test_a_batch_that_cannot_be_shared_out():
    assert Process(torch.device("cpu"), 0, 4).share_of(8) == 2
    with pytest.raises(VosbenchError, match="a batch of 6 clips cannot be shared out evenly among 4 processes"):
        Process(torch.device("cpu"), 0, 4).share_of(6)


def test_without_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as process:
        assert process == Process(torch.device("cpu"), 0, 1)
        assert process.is_first
        assert process.mean(torch.tensor([3.0])).item() == 3
        module = torch.nn.Linear(1, 1)
        assert process.parallel(module) is module
