"""Which checkpoint a training exports: its best by one and the same validation, or the last."""

import warnings
from dataclasses import replace

import pytest

from vosbench.training.state import read_state
from vosbench.training.train import Trainer
from vosbench.training.training import train


@pytest.fixture
def config(everything, monkeypatch):
    """Half of a training whose best step is the second; every validation after it is worse."""
    scores = iter([30.0, 20.0, 10.0, 5.0])
    monkeypatch.setattr("vosbench.training.validate.Validation.j_and_f", lambda *_: next(scores))
    return everything


def gone_on(config, folder):
    """The step whose weights are exported, and what is warned of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        trained = train(config, folder, folder / "a.safetensors")
    return read_state(trained.checkpoint)["step"], [str(one.message) for one in told if "best.pt" in str(one.message)]


@pytest.mark.parametrize(
    ("changes", "told", "step"),
    [
        ({"every": 1}, None, 2),
        ({"keep_best": False}, "validation.keep_best was True, is False", 5),
        ({"limit": 2}, "validation.limit was 1, is 2", 4),
        ({"policy": "every-k:k=3"}, "validation.policy was every-k:k=2, is every-k:k=3", 4),
        (None, "validation.keep_best was True, is False", 5),
    ],
)
def test_scores_of_two_validations_are_not_compared(config, tmp_path, changes, told, step):
    first = replace(config.validation, policy="every-k:k=2")
    assert gone_on(replace(config, validation=first, stop_at=3), tmp_path) == (2, [])
    now = None if changes is None else replace(first, **changes)
    found, warned = gone_on(replace(config, validation=now), tmp_path)
    assert found == step
    before = tmp_path / "best-before.pt"
    assert before.is_file() == bool(told)
    if told:
        assert warned == [
            f"{tmp_path / 'best.pt'} was chosen by another validation ({told}): it is kept as best-before.pt and is "
            "not exported"
        ]
        assert read_state(before)["step"] == 2
        assert (tmp_path / "best.pt").is_file() == (step == 4)
    else:
        assert warned == []
    assert gone_on(replace(config, validation=now), tmp_path) == (step, [])


def test_a_finished_training_that_no_longer_keeps_the_best_exports_the_last(config, tmp_path):
    assert gone_on(config, tmp_path)[0] == 2
    now = replace(config, validation=replace(config.validation, keep_best=False))
    assert gone_on(now, tmp_path)[0] == 5


def test_a_best_that_is_gone_is_sought_anew(config, tmp_path):
    gone_on(replace(config, stop_at=3), tmp_path)
    (tmp_path / "best.pt").unlink()
    step, told = gone_on(config, tmp_path)
    assert (step, told) == (4, [f"{tmp_path / 'best.pt'} is gone: the best is sought anew"])
    assert Trainer(config, tmp_path).best == 20
