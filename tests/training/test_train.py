"""Training: it can be stopped at any step, agrees with inference, exports, and refuses what cannot work."""

import copy
import csv
import json
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.stcn.network import CONFIGS, STCN
from vosbench.training.clips import GeneratedClips
from vosbench.training.config import TrainConfig
from vosbench.training.export import export_weights
from vosbench.training.log import COLUMNS
from vosbench.training.loss import bootstrapped_cross_entropy
from vosbench.training.segment import ClipSegmenter, mean_iou
from vosbench.training.state import read_state
from vosbench.training.train import Trainer


class StoppedError(Exception):
    """Stands for a kill."""


def train(config: TrainConfig, folder: Path, stop_after: int | None = None) -> list[tuple[int, float, float]]:
    """Steps, losses and IoUs; `stop_after` kills the run after that step was logged, before it is saved."""
    log: list[tuple[int, float, float]] = []

    def progress(step: int, loss: float, iou: float, speed: float, score: float | None, _: str) -> None:
        assert speed > 0
        assert (score is not None) == bool(
            config.validation and step in {*range(0, 99, config.validation.every), config.steps}
        )
        log.append((step, loss, iou))
        if step == stop_after:
            raise StoppedError

    try:
        Trainer(config, folder).run(progress)
    except StoppedError:
        assert stop_after is not None
    return log


@pytest.fixture(scope="module")
def trained(small_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list]:
    folder = tmp_path_factory.mktemp("trained")
    return folder, train(small_config, folder)


def test_a_stopped_training_goes_on_as_if_nothing_had_been(small_config, trained, tmp_path):
    folder, whole = trained
    assert [step for step, *_ in whole] == [1, 2, 3, 4]
    assert train(small_config, tmp_path, stop_after=3) == whole[:3]  # killed in step 3: step 2 was the last one saved
    assert train(small_config, tmp_path) == whole[2:]
    assert not list(tmp_path.glob("*.tmp"))
    assert curve(tmp_path) == curve(folder)  # and no step is logged twice
    states = [torch.load(path / "last.pt", weights_only=True) for path in (folder, tmp_path)]
    assert states[0]["step"] == states[1]["step"] == 4
    assert all(torch.equal(tensor, states[1]["model"][name]) for name, tensor in states[0]["model"].items())
    for a, b in zip(*(state["optimizer"]["state"].values() for state in states), strict=True):
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_a_finished_training_does_nothing_more(small_config, trained):
    folder, _ = trained
    before = (folder / "last.pt").read_bytes()
    assert train(small_config, folder) == []
    assert (folder / "last.pt").read_bytes() == before


def test_training_moves_the_weights_by_the_seed(small_config, trained, tmp_path):
    _, whole = trained
    other = train(replace(small_config, seed=1), tmp_path)
    assert [loss for _, loss, _ in other] != [loss for _, loss, _ in whole]


def curve(folder: Path) -> list[list[str]]:
    """Step, loss and IoU of each row of the log."""
    head, *rows = csv.reader((folder / "curve.csv").read_text().splitlines())
    assert head == list(COLUMNS)
    return [row[:3] for row in rows]


def test_the_curve(trained):
    folder, whole = trained
    assert curve(folder) == [[str(s), f"{loss:.4f}", f"{iou:.4f}"] for s, loss, iou in whole]


def test_other_settings_do_not_go_on_from_a_checkpoint(small_config, trained):
    folder, _ = trained
    Trainer(replace(small_config, log_every=7, checkpoint_every=9), folder)
    with pytest.raises(VosbenchError, match=r"of another training: learning_rate was 0\.0015, is 0\.1") as caught:
        Trainer(replace(small_config, learning_rate=0.1), folder)
    assert caught.value.hint


def test_a_broken_checkpoint(small_config, tmp_path):
    (tmp_path / "last.pt").write_bytes(b"half")
    with pytest.raises(VosbenchError, match=r"last\.pt is not a readable checkpoint"):
        Trainer(small_config, tmp_path)
    torch.save({"model": {}}, tmp_path / "last.pt")
    with pytest.raises(VosbenchError, match=r"last\.pt is no checkpoint of a training"):
        export_weights(tmp_path / "last.pt", tmp_path / "a.safetensors")
    with pytest.raises(VosbenchError, match=r"no checkpoint .*absent\.pt"):
        export_weights(tmp_path / "absent.pt", tmp_path / "a.safetensors")


def test_a_training_starts_from_given_weights(small_config, trained, tmp_path):
    folder, _ = trained
    config = replace(small_config, initial=str(folder / "last.pt"))
    started = Trainer(config, tmp_path).model.state_dict()
    given = torch.load(folder / "last.pt", weights_only=True)["model"]
    assert all(torch.equal(tensor, started[name]) for name, tensor in given.items())


def test_exported_weights_load(small_config, trained, tmp_path):
    folder, _ = trained
    path = tmp_path / "mine.safetensors"
    export_weights(folder / "last.pt", path)
    checkpoint = read_checkpoint(path)
    assert checkpoint.config == small_config.model
    state = torch.load(folder / "last.pt", weights_only=True)["model"]
    for name, tensor in checkpoint.state.items():
        assert torch.equal(tensor, state[name].half() if tensor.is_floating_point() else state[name]), name
    checkpoint.build()
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["training"])
    assert about["step"] == 4
    assert about["config"]["size"] == 32
    assert "averaged_with" not in about
    export_weights(folder / "last.pt", tmp_path / "again.safetensors")
    assert path.read_bytes() == (tmp_path / "again.safetensors").read_bytes()


def test_exported_weights_of_stcn_tiny_are_small_and_load(small_config, tmp_path):
    trainer, path = Trainer(replace(small_config, model="stcn-tiny"), tmp_path), tmp_path / "mine.safetensors"
    trainer.save(trainer.checkpoint)
    export_weights(trainer.checkpoint, path)
    assert path.stat().st_size < 8e6
    checkpoint = read_checkpoint(path)
    assert checkpoint.config == "stcn-tiny"
    checkpoint.build()


def test_a_gpu_that_is_absent(small_config, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(VosbenchError, match="no such GPU"):
        Trainer(replace(small_config, device="cuda"), tmp_path)


@pytest.mark.parametrize("extras", [{}, {"affinity_dropout": 0.5, "reallocation": True, "gradient_norm": 1.0}])
def test_half_precision_agrees_with_full(small_config, tmp_path, extras):
    """What a GPU does with precision = "mixed", on the CPU: its autocast and scaler compute in half precision too."""
    losses, moves = {}, {}
    for mixed in (False, True):
        trainer = Trainer(replace(small_config, steps=2, **extras), tmp_path / str(mixed))
        trainer.half = torch.float16 if mixed else None
        trainer.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, enabled=mixed)
        before = copy.deepcopy(trainer.model.state_dict())
        log: list[tuple[float, ...]] = []
        trainer.run(lambda *row, log=log: log.append(row))
        after = trainer.model.state_dict()
        losses[mixed] = log[0][1]
        moves[mixed] = torch.cat([(after[name] - old).flatten() for name, old in before.items() if old.dim() > 1])
    assert losses[True] != losses[False]
    assert losses[True] == pytest.approx(losses[False], rel=1e-3)
    assert torch.cosine_similarity(moves[True], moves[False], 0) > 0.8
    assert read_state(tmp_path / "True" / "last.pt")["scaler"]["scale"] == 1024


@pytest.fixture(scope="module")
def not_stopped(everything, tmp_path_factory):
    """The folder of a training with all that can be random, and what it logged."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, train(everything, folder)


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4])
def test_nothing_random_is_lost_in_a_stop(everything, not_stopped, tmp_path, stop_after):
    folder, whole = not_stopped
    assert train(everything, tmp_path / "stopped", stop_after) == whole[:stop_after]
    again = train(everything, tmp_path / "stopped")
    assert again == whole[(stop_after - 1) // 2 * 2 :]  # every second step is saved, after it is logged
    states = [read_state(path / "last.pt") for path in (folder, tmp_path / "stopped")]
    assert all(torch.equal(states[0]["model"][name], value) for name, value in states[1]["model"].items())
    for a, b in zip(*(state["optimizer"]["state"].values() for state in states), strict=True):
        assert all(torch.equal(a[k], b[k]) for k in a)
    assert states[0]["schedule"] == states[1]["schedule"]
    curves = [
        [row[:3] + row[4:] for row in csv.reader((path / "curve.csv").read_text().splitlines())]
        for path in (folder, tmp_path / "stopped")
    ]
    assert curves[0] == curves[1]


def test_dropout_and_reallocation_make_a_difference(everything, tmp_path):
    everything = replace(everything, steps=2, data=everything.data[1:2], validation=None)
    losses = {
        tuple(loss for _, loss, _ in train(replace(everything, **changes), tmp_path / str(number)))
        for number, changes in enumerate(
            ({}, {"affinity_dropout": 0.0}, {"reallocation": "none"}, {"reallocation": "sign-consistent"})
        )
    }
    assert len(losses) == 4


def test_the_best_checkpoint_is_kept(everything, tmp_path, monkeypatch):
    scores = iter([30.0, 20.0, 25.0])
    monkeypatch.setattr("vosbench.training.validate.Validation.j_and_f", lambda *_: next(scores))
    trainer = Trainer(everything, tmp_path)
    trainer.run()
    rows = list(csv.DictReader((tmp_path / "curve.csv").read_text().splitlines()))
    assert [row["j_and_f"] for row in rows] == ["", "30.00", "", "20.00", "25.00"]
    assert read_state(tmp_path / "best.pt")["step"] == 2
    assert read_state(tmp_path / "last.pt")["step"] == 5
    assert trainer.best_or_last == tmp_path / "best.pt"
    assert Trainer(everything, tmp_path).best == 30


def test_validation_leaves_the_training_alone(everything, tmp_path):
    """As the configurations that ship have it: bit for bit, and what is exported is the end."""
    assert everything.validation is not None
    only_told = replace(everything.validation, keep_best=False)
    config = replace(everything, average=0.9, precision="bf16", validation=only_told)
    with_it = train(config, tmp_path / "a")
    assert train(replace(config, validation=None), tmp_path / "b") == with_it
    a, b = (read_state(tmp_path / name / "last.pt")["average"] for name in "ab")
    assert all(torch.equal(value, b[name]) for name, value in a.items())
    assert Trainer(config, tmp_path / "a").best_or_last == tmp_path / "a/last.pt"


def test_where_space_is_lacking_the_last_good_checkpoint_survives(small_config, tmp_path):
    trainer = Trainer(small_config, tmp_path)
    trainer.save(trainer.checkpoint)
    good = trainer.checkpoint.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, hard))
    try:
        with pytest.raises(VosbenchError, match=r"cannot write checkpoint .*last\.pt: File too large") as caught:
            trainer.run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.hint
    assert trainer.checkpoint.read_bytes() == good
    assert not list(tmp_path.glob("*.tmp"))
    assert [step for step, *_ in train(small_config, tmp_path)] == [1, 2, 3, 4]


def test_a_faulty_frame_stops_the_training_in_one_line(everything, small_davis, tmp_path):
    for path in (small_davis / "JPEGImages/480p").rglob("*.jpg"):
        path.write_bytes(b"")
    clips = replace(everything.data[2], root=str(small_davis))
    video = replace(everything, data=(clips,), validation=None, workers=1)
    with pytest.raises(VosbenchError, match=r"frame .*\.jpg is truncated") as caught:
        train(video, tmp_path)
    assert "\n" not in caught.value.message


def test_stcn_tiny_learns_a_clip_by_heart():
    torch.manual_seed(0)
    rgb, labels = GeneratedClips(48).draw(0, np.random.default_rng(3), 0.2)
    rgb, labels = torch.from_numpy(rgb).permute(0, 3, 1, 2)[None], torch.from_numpy(labels)[None]
    model = STCN(CONFIGS["stcn-tiny"]).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1.5e-3)
    slower = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 32)  # or the last loss is one of an oscillation
    segmenter = ClipSegmenter(model, 2)
    losses = []
    for _ in range(32):
        logits = segmenter(rgb, labels)
        loss = sum(bootstrapped_cross_entropy(x, labels[:, t].long(), 1.0) for t, x in enumerate(logits, 1)) / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        slower.step()
        losses.append(loss.item())
    assert losses[0] > 0.3
    assert losses[-1] < 0.03
    assert mean_iou(logits[-1], labels[:, -1]) > 0.9
