"""A training whose loss is no number ends, and the last good checkpoint stays; wrong exports show before it begins."""

from dataclasses import replace

import pytest
import torch

from vosbench.errors import VosbenchError
from vosbench.training.train import Trainer
from vosbench.training.training import train


def test_a_loss_that_is_no_number_ends_the_training(small_config, tmp_path):
    config = replace(small_config, checkpoint_every=1)
    trainer = Trainer(config, tmp_path / "out")
    update = trainer._update

    def diverges(rgb, labels):
        measured = update(rgb, labels)
        return measured * torch.nan if trainer.step == 2 else measured

    trainer._update = diverges
    with pytest.raises(VosbenchError, match="the loss is nan at step 3"):
        trainer.run()
    assert Trainer(config, tmp_path / "out").step == 2


@pytest.mark.parametrize("part", ["model", "average", "optimizer"])
def test_what_is_not_finite_is_not_saved(small_config, tmp_path, part):
    """The last step leaves it, whose loss was still a number."""
    config = replace(small_config, average=0.9, checkpoint_every=1)
    trainer = Trainer(config, tmp_path / "out")
    update = trainer._update

    def diverges(rgb, labels):
        measured = update(rgb, labels)
        if trainer.step == 3:
            for tensor in {
                "model": [trainer.model.decoder.pred.weight.data],
                "average": [trainer.average.state["decoder.pred.weight"]],
                "optimizer": [moments["exp_avg"] for moments in trainer.optimizer.state.values()],
            }[part]:
                tensor.fill_(torch.inf)
        return measured

    trainer._update = diverges
    with pytest.raises(VosbenchError, match=f"the {part} is not finite at step 4") as caught:
        trainer.run()
    assert "learning_rate" in caught.value.hint
    assert Trainer(config, tmp_path / "out").step == 3


def test_weights_beyond_half_precision_are_not_exported(small_config, tmp_path):
    train(small_config, tmp_path)
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    state["model"]["decoder.pred.weight"][0] = 1e6
    torch.save(state, tmp_path / "last.pt")
    said = r"last\.pt are not finite after rounding to half precision: 1 tensors \(decoder\.pred\.weight\)"
    with pytest.raises(VosbenchError, match=said) as caught:
        train(small_config, tmp_path, tmp_path / "a.safetensors")
    assert "learning_rate" in caught.value.hint
    assert not (tmp_path / "a.safetensors").exists()


def test_what_cannot_be_averaged_shows_before_the_training(small_config, tmp_path):
    with pytest.raises(VosbenchError, match=r"no checkpoint .*absent\.pt"):
        train(small_config, tmp_path / "out", tmp_path / "new/a.safetensors", [tmp_path / "absent.pt"])
    assert not (tmp_path / "out").exists()
    assert train(small_config, tmp_path / "out", tmp_path / "new/a.safetensors").weights.is_file()
