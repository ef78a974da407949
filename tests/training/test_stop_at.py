"""A training that is to end before its last step: as one stopped by hand there, and it goes on from there."""

import csv
from dataclasses import replace

import pytest
import torch

from vosbench.errors import VosbenchError
from vosbench.training.stages import read_stages
from vosbench.training.state import read_state
from vosbench.training.train import Trainer
from vosbench.training.training import train


def run(config, folder):
    log = []
    Trainer(config, folder).run(lambda *row: log.append((row[0], row[1], row[2], row[4])))
    return log


def same(a, b):
    """Whether two checkpoints are one, but for where the training was to end and how often it was saved."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a if key != "config")
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.fixture(scope="module")
def whole(everything, tmp_path_factory):
    """A training that was not stopped: its configuration, folder and log."""
    config = replace(everything, average=0.9, schedule="one-cycle", validation=None)
    folder = tmp_path_factory.mktemp("whole")
    return config, folder, run(config, folder)


@pytest.mark.parametrize("stop_at", [1, 3])
def test_it_ends_as_if_stopped_by_hand_and_goes_on(whole, tmp_path, stop_at):
    config, folder, whole = whole

    class StoppedError(Exception):
        pass

    def stop(step, *_):
        if step == stop_at + 1:  # the step before it is saved
            raise StoppedError

    with pytest.raises(StoppedError):
        Trainer(replace(config, checkpoint_every=stop_at), tmp_path / "hand").run(stop)
    assert run(replace(config, stop_at=stop_at), tmp_path / "stopped") == whole[:stop_at]
    by_hand, stopped = (read_state(tmp_path / name / "last.pt") for name in ("hand", "stopped"))
    assert stopped["step"] == stop_at
    assert same(by_hand, stopped)
    assert run(replace(config, stop_at=stop_at), tmp_path / "stopped") == []
    assert run(config, tmp_path / "stopped") == whole[stop_at:]
    assert same(read_state(folder / "last.pt"), read_state(tmp_path / "stopped/last.pt"))


def logged(folder):
    """curve.csv but for the seconds."""
    return [row[:3] + row[4:] for row in csv.reader((folder / "curve.csv").read_text().splitlines())]


def scored(patch):
    """Have validation give the score of its step."""
    scores = {2: 30.0, 3: 90.0, 4: 40.0, 5: 20.0}  # at step 3 only a forced validation would be
    update, at = Trainer._update, [0]

    def counted(trainer, *clips):
        at[0] = trainer.step + 1
        return update(trainer, *clips)

    patch.setattr(Trainer, "_update", counted)
    patch.setattr("vosbench.training.validate.Validation.j_and_f", lambda *_: scores[at[0]])


@pytest.fixture(scope="module")
def judged(everything, tmp_path_factory):
    """A training that validates and was not stopped: its configuration and folder, beside which are its weights."""
    config, folder = replace(everything, average=0.9, checkpoint_every=3), tmp_path_factory.mktemp("judged") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        scored(patch)
        train(config, folder, folder.with_suffix(".safetensors"))
    return config, folder


@pytest.mark.parametrize("how", ["stop_at", "signal", "signal while the best is written"])
def test_a_stop_chooses_no_other_best(judged, tmp_path, monkeypatch, how):
    """Neither a stop nor a signal validates where the whole training does not: the export is the same, bit for bit."""
    (config, whole), stopped = judged, tmp_path / "stopped"
    scored(monkeypatch)
    if how == "stop_at":
        train(replace(config, stop_at=3), stopped, tmp_path / "stopped.safetensors")
        assert read_state(stopped / "last.pt")["step"] == 3
    else:
        end = 3 if how == "signal" else 4

        def interrupt(step, *_):
            if step == end:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(config, stopped, progress=interrupt)
        assert read_state(stopped / "last.pt")["step"] == end - 1
    assert read_state(stopped / "best.pt")["step"] == (4 if "written" in how else 2)
    train(config, stopped, tmp_path / "stopped.safetensors")
    assert logged(stopped) == logged(whole)
    assert [row[3] for row in logged(whole)] == ["j_and_f", "", "30.00", "", "40.00", "20.00"]
    for name in ("last.pt", "best.pt"):
        states = [read_state(folder / name) for folder in (whole, stopped)]
        assert same(*states)
        assert states[0]["config"] == states[1]["config"]
    assert read_state(whole / "best.pt")["step"] == 4
    assert whole.with_suffix(".safetensors").read_bytes() == (tmp_path / "stopped.safetensors").read_bytes()


def test_what_is_beyond_is_refused(small_config, tmp_path):
    Trainer(small_config, tmp_path).run()
    with pytest.raises(VosbenchError, match=r"last\.pt is at step 4, but the training is to end at 2") as caught:
        Trainer(replace(small_config, stop_at=2), tmp_path)
    assert "later stop_at" in caught.value.hint
    with pytest.raises(VosbenchError, match="stop_at must be at most steps"):
        replace(small_config, stop_at=5)
    with pytest.raises(VosbenchError, match="stop_at must be at least 0"):
        replace(small_config, stop_at=-1)


def test_the_stages_of_the_bundled_weights_end_where_they_were_stopped():
    configs = [stage.config for stage in read_stages("stcn-tiny")]
    assert [config.end for config in configs] == [3600, 1400, 600, 200, 600, 900, 380]
    assert [config.steps for config in configs] == [3600, 1400, 600, 4000, 1600, 900, 380]
