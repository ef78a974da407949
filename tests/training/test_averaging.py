"""Averages of the weights: the moving one, and that of several checkpoints; resumed to the bit, and exported."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.stcn.network import CONFIGS, STCN
from vosbench.training.averaging import WeightAverage
from vosbench.training.config import CutoutData
from vosbench.training.export import export_weights
from vosbench.training.state import read_state
from vosbench.training.train import Trainer


def test_it_equals_a_plain_mean():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    average = WeightAverage(model, 0.9)
    plain = model[0].weight.item()
    for step in range(1, 121):
        with torch.no_grad():
            model[0].weight.fill_(step)
        model[1].num_batches_tracked += 1
        average.update(model)
        decay = min(0.9, step / (step + 10))
        plain = decay * plain + (1 - decay) * step
        assert average.state["0.weight"].item() == pytest.approx(plain, rel=1e-5)
    assert average.state["1.num_batches_tracked"] == 120
    assert 100 < plain < 120


def test_a_training_with_everything_new_goes_on_to_the_bit_and_exports_the_average(small_config, pairs, tmp_path):
    data = (replace(CutoutData((str(pairs),)), weight=0.7), replace(small_config.data[0], weight=0.3))
    config = replace(small_config, average=0.9, jaccard=0.5, spoiled=0.5, data=data, precision="bf16")
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    Trainer(config, whole).run()

    class StoppedError(Exception):
        pass

    def stop(step, *_):
        if step == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        Trainer(config, stopped).run(stop)
    Trainer(config, stopped).run()
    states = [read_state(folder / "last.pt") for folder in (whole, stopped)]
    for part in ("model", "average"):
        assert all(torch.equal(states[0][part][name], states[1][part][name]) for name in states[0][part])
    assert not torch.equal(states[0]["average"]["decoder.pred.weight"], states[0]["model"]["decoder.pred.weight"])
    with pytest.warns(UserWarning, match="holds 2 networks, 'average', 'model': taken is the average"):
        read = read_checkpoint(whole / "last.pt").state
    assert torch.equal(read["decoder.pred.weight"], states[0]["average"]["decoder.pred.weight"])
    export_weights(whole / "last.pt", tmp_path / "weights.safetensors")
    exported = load_file(tmp_path / "weights.safetensors")
    assert torch.equal(exported["decoder.pred.weight"], states[0]["average"]["decoder.pred.weight"].half())


def test_the_mean_of_several_checkpoints(small_config, tmp_path):
    states = []
    for seed in (1, 2, 3):
        trainer = Trainer(replace(small_config, seed=seed), tmp_path / str(seed))
        trainer.save(trainer.checkpoint)
        states.append(trainer.model.state_dict())
    first, *others = (tmp_path / str(seed) / "last.pt" for seed in (1, 2, 3))
    export_weights(first, tmp_path / "mean.safetensors", others)
    found = read_checkpoint(tmp_path / "mean.safetensors").state
    for name, value in found.items():
        if value.is_floating_point():
            mean = sum(state[name].double() for state in states) / 3
            torch.testing.assert_close(value.double(), mean, rtol=2e-3, atol=1e-6)
    with safe_open(tmp_path / "mean.safetensors", "pt") as file:
        parts = json.loads(file.metadata()["training"])["averaged_with"]
    assert [part["config"]["seed"] for part in parts] == [2, 3]
    other = read_state(others[0])
    other["config"]["model"], other["model"] = "stcn-tiny", STCN(CONFIGS["stcn-tiny"]).state_dict()
    torch.save(other, tmp_path / "other.pt")
    with pytest.raises(VosbenchError, match="have no mean"):
        export_weights(first, tmp_path / "none.safetensors", [tmp_path / "other.pt"])
