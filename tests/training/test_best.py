"""Which checkpoint a training exports: its best by one and the same validation, or the last."""

import shutil
import warnings
from dataclasses import replace

import pytest

from vosbench.training.state import read_state
from vosbench.training.train import Trainer
from vosbench.training.training import train

SCORES = (30.0, 20.0, 10.0, 5.0)  # of a training whose best step is the second


def scored(patch, scores=SCORES):
    """The scores of the validations to come."""
    scores = iter(scores)
    patch.setattr("vosbench.training.validate.Validation.j_and_f", lambda *_: next(scores))


@pytest.fixture(scope="module")
def everything(everything):
    """Of all that can be random no more than this is about."""
    return replace(everything, batch=1, data=everything.data[1:2])


@pytest.fixture
def config(everything, monkeypatch):
    """A training whose best step is the second; every validation after it is worse."""
    scored(monkeypatch)
    return everything


def gone_on(config, folder):
    """The step whose weights are exported, and what is warned of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        trained = train(config, folder, folder / "a.safetensors")
    return read_state(trained.checkpoint)["step"], [str(one.message) for one in told if "best.pt" in str(one.message)]


def done(config, folder, scores):
    """The folder of a training that went on to its end."""
    with pytest.MonkeyPatch.context() as patch:
        scored(patch, scores)
        assert gone_on(config, folder) == (2, [])
    return folder


@pytest.fixture(scope="module")
def half(everything, tmp_path_factory):
    """Three steps under another strategy, the best of which is the second."""
    config = replace(everything, validation=replace(everything.validation, policy="every-k:k=2"), stop_at=3)
    return done(config, tmp_path_factory.mktemp("half"), SCORES[:1])


@pytest.fixture(scope="module")
def whole(everything, tmp_path_factory):
    return done(everything, tmp_path_factory.mktemp("whole"), SCORES)


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
def test_scores_of_two_validations_are_not_compared(config, half, tmp_path, monkeypatch, changes, told, step):
    shutil.copytree(half, tmp_path, dirs_exist_ok=True)
    scored(monkeypatch, SCORES[1:])
    first = replace(config.validation, policy="every-k:k=2")
    now = None if changes is None else replace(first, **changes)
    found, warned = gone_on(replace(config, validation=now), tmp_path)
    assert found == step
    before = tmp_path / "best-before.pt"
    assert before.is_file() == bool(told)
    if told:
        assert warned == [
            f"{tmp_path / 'best.pt'} was chosen by another validation ({told}): it is kept as best-before.pt and is "
            "not exported; J&F in curve.csv up to step 3 is of that validation"
        ]
        assert read_state(before)["step"] == 2
        assert (tmp_path / "best.pt").is_file() == (step == 4)
    else:
        assert warned == []
    assert gone_on(replace(config, validation=now), tmp_path) == (step, [])


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".pt", ".csv"}}


@pytest.mark.parametrize("changes", [{"keep_best": False}, {"limit": 2}, None])
def test_a_finished_training_stays_as_it_is(config, whole, tmp_path, changes):
    """Under another validation the last is exported, and a line says so; under its own it has its best again."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    before = files(tmp_path)
    assert {"best.pt", "last.pt", "curve.csv"} == before.keys()
    now = None if changes is None else replace(config.validation, **changes)
    step, (told,) = gone_on(replace(config, validation=now), tmp_path)
    assert step == 5
    assert "no step is left to choose by this one, so it stays, and last.pt is exported" in told
    assert files(tmp_path) == before
    assert gone_on(config, tmp_path) == (2, [])
    assert files(tmp_path) == before


def test_what_was_best_before_is_never_overwritten(config, tmp_path, monkeypatch):
    scored(monkeypatch, (*SCORES, 4.0))
    kept, best = {}, b""
    for stop, limit, name in ((2, 1, ""), (3, 2, "best-before.pt"), (4, 1, "best-before-2.pt")):
        validation = replace(config.validation, every=1, limit=limit)
        _, told = gone_on(replace(config, stop_at=stop, validation=validation), tmp_path)
        assert [f"it is kept as {name} and" in one for one in told] == [True] * bool(name)
        if name:
            kept[name] = best
        best = files(tmp_path)["best.pt"]
        assert {name: files(tmp_path)[name] for name in kept} == kept


def test_a_training_stopped_before_its_first_save_has_lost_nothing(config, tmp_path):
    gone_on(replace(config, stop_at=3), tmp_path)
    before = files(tmp_path)

    class StoppedError(Exception):
        pass

    with pytest.warns(match="best-before"):
        other = Trainer(replace(config, validation=replace(config.validation, limit=2)), tmp_path)
    other._update = lambda *_: (_ for _ in ()).throw(StoppedError)
    with pytest.raises(StoppedError):
        other.run()
    assert files(tmp_path) == before


def test_a_best_that_is_gone_is_sought_anew(config, tmp_path):
    gone_on(replace(config, stop_at=3), tmp_path)
    (tmp_path / "best.pt").unlink()
    step, told = gone_on(config, tmp_path)
    assert (step, told) == (4, [f"{tmp_path / 'best.pt'} is gone: the best is sought anew"])
    assert Trainer(config, tmp_path).best == 20
