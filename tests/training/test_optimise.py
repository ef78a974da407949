"""What learns, and how fast."""

import copy
from dataclasses import replace

import pytest
import torch

from vosbench.errors import VosbenchError
from vosbench.training.config import TrainConfig
from vosbench.training.optimise import build_optimizer, build_schedule
from vosbench.training.stages import read_stages
from vosbench.training.train import Trainer


@pytest.mark.parametrize("frozen", [(), ("key_encoder",)])
def test_batch_norm_is_frozen_if_asked(everything, tmp_path, frozen):
    """Also after a validation, which puts the network into evaluation mode and back."""
    trainer = Trainer(replace(everything, frozen_batch_norm=frozen), tmp_path)
    before = trainer.model.key_encoder.bn1.running_mean.clone()
    trainer.run()
    assert torch.equal(before, trainer.model.key_encoder.bn1.running_mean) == bool(frozen)
    assert trainer.model.training


def test_frozen_parts_do_not_learn(everything, tmp_path):
    trainer = Trainer(replace(everything, frozen=("key_encoder.res2", "decoder.pred")), tmp_path)
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.run()
    same = {name for name, value in trainer.model.named_parameters() if torch.equal(value, before[name])}
    assert {"key_encoder.res2.0.conv1.weight", "decoder.pred.bias"} <= same
    assert all(name.startswith(("key_encoder.res2.", "decoder.pred.")) for name in same)


@pytest.mark.parametrize("field", ["frozen", "frozen_batch_norm"])
def test_a_part_that_the_network_lacks(everything, tmp_path, field):
    with pytest.raises(VosbenchError, match="unknown part of the network 'key_encodr'") as caught:
        Trainer(replace(everything, **{field: ("key_encodr",)}), tmp_path)
    assert "did you mean key_encoder" in caught.value.hint
    with pytest.raises(VosbenchError) as caught:
        Trainer(replace(everything, **{field: ("nonsense",)}), tmp_path)
    assert caught.value.hint.startswith("known: decoder, ")
    assert len(caught.value.hint) < 120


def test_learning_rates(small_model):
    model = copy.deepcopy(small_model).requires_grad_(True)
    rates = {}
    for schedule in ("step", "one-cycle"):
        config = TrainConfig(schedule=schedule, steps=10, learning_rate=1.0, decay_at=0.5, decay=0.1, warmup=0.2)
        config = replace(config, key_encoder_rate=0.25)
        optimizer = build_optimizer(model, config)
        stepper = build_schedule(optimizer, config)
        rates[schedule] = []
        for _ in range(config.steps):
            encoder, others = (group["lr"] for group in optimizer.param_groups)
            assert encoder == pytest.approx(others / 4)
            rates[schedule].append(others)
            optimizer.step()
            stepper.step()
    assert rates["step"] == pytest.approx([1.0] * 5 + [0.1] * 5)
    assert max(rates["one-cycle"]) == rates["one-cycle"][1] == 1
    assert rates["one-cycle"][0] < 0.1 > rates["one-cycle"][-1]


def test_the_optimiser_of_the_paper(small_model):
    optimizer = build_optimizer(small_model, read_stages("paper")[1].config)
    assert type(optimizer) is torch.optim.Adam
    for group in optimizer.param_groups:
        assert (group["lr"], group["betas"], group["weight_decay"]) == (1e-5, (0.9, 0.999), 1e-7)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(small_model.parameters()))


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.1), (2, 0.5), (10, 0.1), (20, 0.05)])
def test_one_cycle_of_any_length(small_config, tmp_path, steps, warmup):
    """torch divides by nothing where the rise is one step long."""
    config = replace(small_config, steps=steps, warmup=warmup, schedule="one-cycle")
    trainer = Trainer(config, tmp_path)
    rates = []
    for _ in range(steps):
        rates.append(trainer.optimizer.param_groups[1]["lr"])
        trainer.optimizer.step()
        trainer.schedule.step()
    assert max(rates) <= config.learning_rate
    assert rates[-1] < config.learning_rate / 10
