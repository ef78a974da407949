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


def test_what_cannot_be_averaged_shows_before_the_training(small_config, tmp_path):
    with pytest.raises(VosbenchError, match=r"no checkpoint .*absent\.pt"):
        train(small_config, tmp_path / "out", tmp_path / "new/a.safetensors", [tmp_path / "absent.pt"])
    assert not (tmp_path / "out").exists()
    assert train(small_config, tmp_path / "out", tmp_path / "new/a.safetensors").weights.is_file()
