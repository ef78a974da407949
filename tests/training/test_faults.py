"""What goes wrong in a training ends it in one line with status 2: no traceback, no process left, nothing lost."""

import csv
import os
import re
import shutil
import signal
import stat
import threading
import time
from dataclasses import dataclass, replace
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch

from vosbench.bench.lock import locked
from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import read_checkpoint
from vosbench.training.mixture import Mixture, batches, shares
from vosbench.training.state import read_state
from vosbench.training.train import Trainer
from vosbench.training.training import train


@dataclass(frozen=True)
class Faulty:
    """A source of clips that does one thing."""

    what: str

    def __len__(self) -> int:
        return 4

    def draw(self, item: int, rng: np.random.Generator, done: float) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
        if self.what == "raises":
            raise ZeroDivisionError("one line\nand another")
        if self.what == "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        size = 32 + 16 * item if self.what == "varies" else 32
        return np.zeros((3, size, size, 3), np.uint8), np.zeros((3, size, size), np.uint8)


@pytest.fixture
def loading():
    """The processes that load clips; others, such as those that score in other tests, were there before."""
    before = set(active_children())
    return lambda: set(active_children()) - before


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("raises", r"clip \d cannot be drawn: ZeroDivisionError: and another \(test_faults\.py:\d+\)"),
        ("varies", r"clips cannot be made a batch: RuntimeError: .*"),
        ("is killed", "a process that loads clips was killed, perhaps since the memory was full"),
    ],
)
def test_no_fault_of_a_clip_leaves_a_process(what, said, workers, loading):
    if what == "is killed" and workers < 2:
        pytest.skip("that would be this process, or is shown below")
    before = signal.getsignal(signal.SIGCHLD)
    drawn = batches(Mixture(((Faulty(what), 1),), 4, 0), shares(0, 2, 2), workers, pin=False)
    with pytest.raises(VosbenchError) as caught:
        list(drawn)
    assert not loading()  # although the exception lives, and with it whatever it holds
    assert re.fullmatch(said, caught.value.message)
    assert caught.value.hint
    assert signal.getsignal(signal.SIGCHLD) == before


def test_a_fault_of_the_training_itself_ends_the_loading_processes(small_config, tmp_path, loading):
    def progress(*_):
        raise KeyError("whatever")

    with pytest.raises(KeyError) as caught:
        Trainer(replace(small_config, workers=1), tmp_path).run(progress)
    assert not loading()
    assert caught.traceback


def test_a_killed_loading_process_keeps_the_checkpoint(small_config, tmp_path, loading):
    config = replace(small_config, workers=1, steps=40, checkpoint_every=1)

    def progress(step, *_):
        if step == 2:
            os.kill(loading().pop().pid, signal.SIGKILL)

    with pytest.raises(VosbenchError, match="was killed") as caught:
        Trainer(config, tmp_path).run(progress)
    assert "fewer workers" in caught.value.hint
    assert not loading()
    step = read_state(tmp_path / "last.pt")["step"]
    assert 2 <= step < 40
    again = Trainer(replace(config, stop_at=step + 1), tmp_path)
    again.run()
    assert again.step == step + 1


def test_the_folder_of_a_run_is_refused(small_config, tmp_path):
    """Curves of the training would hide its figures."""
    (tmp_path / "records").mkdir()
    with pytest.raises(VosbenchError, match="is the folder of a run"):
        train(small_config, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


def test_two_trainings_in_one_folder(small_config, tmp_path):
    one, two = (Trainer(small_config, tmp_path) for _ in range(2))
    inside, refused = threading.Event(), threading.Event()

    def progress(*_):
        inside.set()
        refused.wait(60)

    thread = threading.Thread(target=one.run, args=(progress,))
    thread.start()
    assert inside.wait(60)
    try:
        with pytest.raises(VosbenchError, match=rf"another process \({os.getpid()}\) is at work in") as caught:
            two.run()
    finally:
        refused.set()
        thread.join()
    assert "--out" in caught.value.hint
    with pytest.raises(VosbenchError, match="another process has trained in"):
        two.run()
    with locked(tmp_path), pytest.raises(VosbenchError, match="another process"):
        train(small_config, tmp_path)
    assert train(small_config, tmp_path).checkpoint == tmp_path / "last.pt"


@pytest.fixture(scope="module")
def half(small_config, tmp_path_factory):
    """A training with averages, and its folder after two of its four steps."""
    config, folder = replace(small_config, average=0.9), tmp_path_factory.mktemp("half")
    Trainer(replace(config, stop_at=2), folder).run()
    return config, folder


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x00", b"step,loss\n1,2\n"])
def test_a_damaged_curve_does_not_hold_the_training_up(half, tmp_path, damage):
    config, folder = half
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    curve = tmp_path / "curve.csv"
    head, first, second = curve.read_bytes().splitlines(keepends=True)
    curve.write_bytes(damage or head + first[: len(first) // 2] + b"\n\x80\xff,x\n" + second)
    with pytest.warns(UserWarning, match=r"curve\.csv is damaged: \d of its \d rows are dropped") as caught:
        Trainer(config, tmp_path).run()
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    rows = list(csv.reader(curve.read_text().splitlines()))[1:]
    assert [row[0] for row in rows] == (["3", "4"] if damage else ["2", "3", "4"])
    Trainer(config, tmp_path).run()  # and there is nothing left to warn of


@pytest.mark.parametrize("part", ["average", "model", "optimizer"])
@pytest.mark.parametrize("change", ["lacks a tensor", "another shape", "lacks"])
def test_a_damaged_checkpoint_is_not_gone_on_from(half, tmp_path, part, change):
    config, folder = half
    state = read_state(folder / "last.pt")
    if change == "lacks":
        if part != "average":
            pytest.skip("shown by test_a_broken_checkpoint")
        del state[part]
    elif part == "optimizer":
        state[part] = {"param_groups": []} if change == "lacks a tensor" else {"state": {}, "param_groups": [{}]}
    else:
        name = next(iter(state[part]))
        tensor = state[part].pop(name)
        if change == "another shape":
            state[part][name] = tensor.flatten()[:1]
    torch.save(state, tmp_path / "last.pt")
    with pytest.raises(VosbenchError, match=r"last\.pt is damaged: ") as caught:
        Trainer(config, tmp_path)
    assert "\n" not in caught.value.message
    assert caught.value.hint == "train again into an empty folder"


def test_a_truncated_checkpoint_beside_the_best_one(small_config, tmp_path):
    trainer = Trainer(replace(small_config, stop_at=2), tmp_path)
    trainer.run()
    trainer.save(trainer.best_checkpoint)
    (tmp_path / "last.pt").write_bytes((tmp_path / "last.pt").read_bytes()[:1000])
    with pytest.raises(VosbenchError, match=r"last\.pt is not a readable checkpoint") as caught:
        Trainer(small_config, tmp_path)
    assert f"copy {tmp_path / 'best.pt'} to {tmp_path / 'last.pt'}" in caught.value.hint
    (tmp_path / "last.pt").write_bytes((tmp_path / "best.pt").read_bytes())
    assert Trainer(small_config, tmp_path).step == 2


@pytest.mark.parametrize("fault", ["no model", "unknown model", "truncated", "a tensor less", "another model"])
def test_what_has_no_mean_shows_before_the_training(small_config, tmp_path, fault):
    trainer = Trainer(small_config, tmp_path / "one")
    trainer.save(trainer.checkpoint)
    state, path = read_state(trainer.checkpoint), tmp_path / "other.pt"
    if fault == "no model":
        del state["config"]["model"]
    elif fault == "a tensor less":
        state["model"].popitem()
    else:
        state["config"]["model"] = {"unknown model": "stcm"}.get(fault, "stcn")
    torch.save(state, path)
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:1000])
    target = tmp_path / "tree/of/folders/mean.safetensors"
    with pytest.raises(VosbenchError) as caught:
        train(small_config, tmp_path / "two", target, [path])
    assert caught.value.hint
    if fault == "truncated":
        assert "--average" in caught.value.hint
    assert not (tmp_path / "two").exists()
    assert not (tmp_path / "tree").exists()


def test_a_folder_that_cannot_be_made_is_one_line(small_config):
    with pytest.raises(VosbenchError, match=r"cannot write /proc/x.*: ") as caught:
        train(small_config, "/proc/x/training")
    assert "--out" in caught.value.hint


def test_weights_are_written_like_other_files(small_config, tmp_path):
    before = os.umask(0o022)
    try:
        weights = train(small_config, tmp_path / "t", tmp_path / "new/folder/a.safetensors").weights
    finally:
        os.umask(before)
    assert weights is not None
    assert stat.S_IMODE(weights.stat().st_mode) == 0o644
    assert [path.name for path in weights.parent.iterdir()] == ["a.safetensors"]
    assert read_checkpoint(weights).config == small_config.model


def test_checkpoints_by_time(small_config, tmp_path, monkeypatch):
    """Saved as often as the time says, and no weight is another for it."""
    config = replace(small_config, steps=5, checkpoint_every=100)
    log: dict[str, list] = {"whole": [], "again": []}
    Trainer(config, tmp_path / "whole").run(lambda *row: log["whole"].append(row[:3]))

    class StoppedError(Exception):
        pass

    def stop(step, *_):
        if step == 4:
            raise StoppedError

    minutes = iter([0, 60, 61, 122, 122, 122, 122])  # at the start, then after each step and each time it is saved
    monkeypatch.setattr(time, "monotonic", lambda: float(next(minutes)))
    with pytest.raises(StoppedError):
        Trainer(replace(config, save_minutes=1.0), tmp_path / "stopped").run(stop)
    monkeypatch.undo()
    assert read_state(tmp_path / "stopped/last.pt")["step"] == 2
    Trainer(replace(config, save_minutes=0.0), tmp_path / "stopped").run(lambda *row: log["again"].append(row[:3]))
    assert log["again"] == log["whole"][2:]
    whole, stopped = (read_state(tmp_path / name / "last.pt")["model"] for name in ("whole", "stopped"))
    assert all(torch.equal(value, stopped[name]) for name, value in whole.items())


def test_a_generated_folder_is_open_to_others(tmp_path):
    from vosbench.datasets import open_dataset

    before = os.umask(0o022)
    try:
        dataset = open_dataset("synthetic", tmp_path, "clips=1,length=20")
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(dataset.root).stat().st_mode) == 0o755
