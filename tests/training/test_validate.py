"""Validation during a training gives the score of `vosbench run`."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from vosbench.bench.runner import run
from vosbench.errors import VosbenchError
from vosbench.training.config import ValidationConfig
from vosbench.training.validate import Validation


@pytest.fixture
def config(small_davis):
    return ValidationConfig("davis2017", str(small_davis), policy="every-k:k=2")


@pytest.mark.usefixtures("small_network")
def test_it_is_the_score_of_a_run(config, small_model, small_suite, small_davis, tmp_path):
    save_file(small_model.state_dict(), tmp_path / "small.safetensors")
    suite = small_suite(
        small_davis, model=str(tmp_path / "small.safetensors"), policies=("every-k:k=2",), controls=False
    )
    objects = [score for record in run(suite, tmp_path / "run") for score in record.scores.objects]
    expected = sum((score.j.mean + score.f.mean) / 2 for score in objects) / len(objects)
    assert len(objects) == 3
    expected = pytest.approx(100 * expected, rel=0.01)  # a run folds the batch norm
    assert Validation(config).j_and_f(small_model) == expected
    assert Validation(replace(config, limit=1)).j_and_f(small_model) != expected


def test_it_changes_no_weights(config, small_model):
    before = {name: value.clone() for name, value in small_model.state_dict().items()}
    Validation(config).j_and_f(small_model)
    assert all(torch.equal(value, before[name]) for name, value in small_model.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"policy": "lfo"}, "unknown strategy 'lfo'"),
        ({"protocol": "davis2018"}, "unknown protocol"),
        ({"split": "test-dev"}, "is private"),
        ({"root": "/absent"}, r"^\[validation\] of the training: .*is not a folder"),
    ],
)
def test_what_cannot_be_validated_shows_before_the_first_step(config, changes, expected):
    with pytest.raises(VosbenchError, match=expected):
        Validation(replace(config, **changes))
