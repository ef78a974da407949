"""Training: it can be stopped at any step, agrees with inference, exports, and refuses what cannot work."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from vosbench.errors import VosbenchError
from vosbench.inference.propagate import propagate
from vosbench.memory.registry import load_policy
from vosbench.models.checkpoint import load_model, read_checkpoint
from vosbench.training.config import TrainConfig
from vosbench.training.export import export_weights
from vosbench.training.train import Trainer, mean_iou, segment_clip
from vosbench.types import Sequence

SMALL = TrainConfig(
    size=64, batch=1, steps=4, bootstrap_start=1, bootstrap_end=3, workers=0, threads=1, checkpoint_every=2, log_every=1
)


class StoppedError(Exception):
    """Stands for a kill."""


def train(config: TrainConfig, folder: Path, stop_after: int | None = None) -> list[tuple[int, float, float]]:
    """Steps, losses and IoUs; `stop_after` kills the run after that step was logged, before it is saved."""
    log: list[tuple[int, float, float]] = []

    def progress(step: int, loss: float, iou: float) -> None:
        log.append((step, loss, iou))
        if step == stop_after:
            raise StoppedError

    try:
        Trainer(config, folder).run(progress)
    except StoppedError:
        assert stop_after is not None
    return log


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> tuple[Path, list]:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("trained")
    return folder, train(SMALL, folder)


def test_a_stopped_training_goes_on_as_if_nothing_had_been(trained, tmp_path):
    folder, whole = trained
    assert [step for step, *_ in whole] == [1, 2, 3, 4]
    assert train(SMALL, tmp_path, stop_after=3) == whole[:3]  # killed in step 3: step 2 was the last one saved
    assert train(SMALL, tmp_path) == whole[2:]
    assert not list(tmp_path.glob("*.tmp"))
    assert curve(tmp_path) == curve(folder)  # and no step is logged twice
    states = [torch.load(path / "last.pt", weights_only=True) for path in (folder, tmp_path)]
    assert states[0]["step"] == states[1]["step"] == 4
    for name, tensor in states[0]["model"].items():
        assert torch.equal(tensor, states[1]["model"][name]), name
    for a, b in zip(*(state["optimizer"]["state"].values() for state in states), strict=True):
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_a_finished_training_does_nothing_more(trained):
    folder, _ = trained
    before = (folder / "last.pt").read_bytes()
    assert train(SMALL, folder) == []
    assert (folder / "last.pt").read_bytes() == before


def test_training_moves_the_weights_by_the_seed(trained, tmp_path):
    _, whole = trained
    other = train(replace(SMALL, seed=1), tmp_path)
    assert [loss for _, loss, _ in other] != [loss for _, loss, _ in whole]


def curve(folder: Path) -> list[list[str]]:
    """Step, loss and IoU of each row of the log."""
    return [row[:3] for row in csv.reader((folder / "curve.csv").read_text().splitlines())]


def test_the_curve(trained):
    folder, whole = trained
    assert curve(folder) == [[str(s), f"{loss:.4f}", f"{iou:.4f}"] for s, loss, iou in whole]


def test_other_settings_do_not_go_on_from_a_checkpoint(trained):
    folder, _ = trained
    Trainer(replace(SMALL, log_every=7, checkpoint_every=9), folder)
    with pytest.raises(VosbenchError, match=r"of another training: learning_rate was 0\.0015, is 0\.1") as caught:
        Trainer(replace(SMALL, learning_rate=0.1), folder)
    assert caught.value.hint


def test_a_broken_checkpoint(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"half")
    with pytest.raises(VosbenchError, match=r"last\.pt is not a readable checkpoint"):
        Trainer(SMALL, tmp_path)
    torch.save({"model": {}}, tmp_path / "last.pt")
    with pytest.raises(VosbenchError, match=r"last\.pt is no checkpoint of a training"):
        export_weights(tmp_path / "last.pt", tmp_path / "a.safetensors")
    with pytest.raises(VosbenchError, match=r"absent\.pt is not a readable checkpoint"):
        export_weights(tmp_path / "absent.pt", tmp_path / "a.safetensors")


def test_a_training_starts_from_given_weights(trained, tmp_path):
    folder, _ = trained
    config = replace(SMALL, initial=str(folder / "last.pt"))
    started = Trainer(config, tmp_path).model.state_dict()
    for name, tensor in torch.load(folder / "last.pt", weights_only=True)["model"].items():
        assert torch.equal(tensor, started[name])


def test_exported_weights_load(trained, tmp_path):
    folder, _ = trained
    path = tmp_path / "mine.safetensors"
    export_weights(folder / "last.pt", path)
    assert read_checkpoint(path).config == "stcn-tiny"
    model = load_model(path)
    state = torch.load(folder / "last.pt", weights_only=True)["model"]
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name].half().float() if tensor.is_floating_point() else state[name]), name
    with safe_open(path, "pt") as file:
        assert file.metadata()["step"] == "4"
        assert '"size": 64' in file.metadata()["config"]
    assert path.stat().st_size < 8e6


@pytest.mark.parametrize("objects", [1, 2])
def test_training_computes_what_inference_does(small_model, small_clip, objects):
    """Every frame written and all tokens read: `propagate` must give the probabilities that training sees."""
    rgb, labels = (part[:3, :32, :48] for part in small_clip)
    labels = np.where(labels <= objects, labels, 0).astype(np.uint8)
    assert set(np.unique(labels[0])) == set(range(objects + 1))
    clip = torch.from_numpy(rgb.copy()).permute(0, 3, 1, 2)[None], torch.from_numpy(labels)[None]
    logits = segment_clip(small_model, *clip)
    sequence = Sequence.from_arrays(rgb, {0: labels[0]})
    predictions = list(propagate(small_model, sequence, load_policy("every-k:k=1"), top_k=10_000))
    for t in (1, 2):
        found = logits[t - 1].softmax(1)[0]
        torch.testing.assert_close(found[: objects + 1], predictions[t].prob, atol=1e-4, rtol=0)
        assert (found[objects + 1 :] < 1e-4).all()  # the plane of an absent object


def test_iou_equals_loops():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(3, 3, 4, 5, generator=generator), torch.randint(3, (3, 4, 5), generator=generator)
    logits[1, 2], labels[1][labels[1] == 2] = -100, 0  # object 2 is in neither mask of clip 1: not counted
    scores = []
    for b in range(3):
        predicted = logits[b].argmax(0)
        for i in (1, 2):
            both = sum(bool(p == i and g == i) for p, g in zip(predicted.flatten(), labels[b].flatten(), strict=True))
            either = sum(bool(p == i or g == i) for p, g in zip(predicted.flatten(), labels[b].flatten(), strict=True))
            if either:
                scores.append(both / either)
    assert len(scores) == 5
    assert mean_iou(logits, labels) == pytest.approx(sum(scores) / 5)


# Settings


def refused(tmp_path: Path, text: str) -> VosbenchError:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    with pytest.raises(VosbenchError) as caught:
        TrainConfig.read(path)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def test_settings_are_read(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text('size = 96\nlearning_rate = 1\nphotos = "somewhere"\n')
    config = TrainConfig.read(path)
    assert (config.size, config.learning_rate, config.photos, config.batch) == (96, 1, "somewhere", 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz = 3", "unknown training setting in tiny.toml 'stepz'"),
        ("steps = 3.5", "steps must be of type int, not 3.5"),
        ("steps = true", "steps must be of type int, not True"),
        ("steps = '3'", "steps must be of type int, not '3'"),
        ("steps =", "is not TOML"),
        ("model = 'stcn-tyni'", "unknown model 'stcn-tyni'"),
        ("size = 100", "size must be a multiple of 16"),
        ("batch = 0\nsize = 16", "size must be at least 32; batch must be at least 1"),
        ("bootstrap_start = 9000", "bootstrap_end must come after bootstrap_start"),
        ("warmup = 1.5", "warmup must lie between 0 and 1"),
    ],
)
def test_bad_settings(tmp_path, text, message):
    assert message in refused(tmp_path, text).message


def test_files_that_are_no_settings(tmp_path):
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(VosbenchError, match="cannot read"):
            TrainConfig.read(path)
    (tmp_path / "tiny.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(VosbenchError, match="is not TOML"):
        TrainConfig.read(tmp_path / "tiny.toml")


def test_a_gpu_that_is_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(VosbenchError, match="no such GPU"):
        Trainer(replace(SMALL, device="cuda"), tmp_path)
