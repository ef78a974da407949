"""Runs that meet a fault: one line that names it, and what is finished is kept."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from vosbench.base import processes
from vosbench.bench import passes, plan
from vosbench.bench import scoring as background
from vosbench.bench.runner import run
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.masks.score import score
from vosbench.metrics.evaluate import score_sequence

START = processes.start

pytestmark = pytest.mark.usefixtures("lent_pool")


@pytest.fixture
def own_pool(lent_pool, monkeypatch):  # noqa: ARG001
    monkeypatch.setattr(processes, "start", START)


def die(*_: object) -> None:
    os._exit(1)


die.__module__ = score_sequence.__module__  # or its process would load this one, and all that it needs, first


@pytest.mark.usefixtures("own_pool")
def test_a_scoring_process_that_dies_is_an_error_and_not_a_hang(small_davis, small_suite, tmp_path, monkeypatch):
    monkeypatch.setattr(background, "score_sequence", die)
    with pytest.raises(VosbenchError, match="a worker process died") as caught:
        run(small_suite(small_davis, policies=("first-only",)), tmp_path / "run")
    assert "\n" not in caught.value.message
    assert "jobs" in caught.value.hint
    monkeypatch.setattr(background, "score_sequence", score_sequence)
    assert len(run(small_suite(small_davis, policies=("first-only",)), tmp_path / "run")) == 6


@pytest.mark.usefixtures("own_pool")
def test_a_scoring_process_that_died_before_the_next_sequence_is_the_same_error(
    small_davis, small_suite, tmp_path, monkeypatch
):
    monkeypatch.setattr(background, "score_sequence", die)
    todo = plan.Plan(small_suite(small_davis), tmp_path / "run")

    def add_one_after_the_death_of_the_other():
        with background.BackgroundScoring(todo, 2) as scoring:
            for task in todo.tasks[:2]:
                scoring.add(task, todo.blank_record(task))
                scoring._waiting[0][2].exception(30)

    with pytest.raises(VosbenchError, match="a worker process died"):
        add_one_after_the_death_of_the_other()


@pytest.mark.usefixtures("own_pool")
def test_a_script_may_run_and_score_by_turns(small_davis, small_suite, tmp_path, monkeypatch):
    suite = small_suite(small_davis, policies=("first-only",), controls=False)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        records = run(suite, Path("run"))
        found = score(tmp_path / name / "run/masks/first-only", open_dataset("davis2017", small_davis), jobs=2)
        assert [o.j.mean for o in found.objects] == [o.j.mean for r in records for o in r.scores.objects]


def full(*_, **__):
    raise OSError(28, "No space left on device", "00000.png")


def test_a_full_disk_is_one_line(small_davis, small_suite, tmp_path, monkeypatch):
    monkeypatch.setattr(passes, "write_labels", full)
    with pytest.raises(VosbenchError, match=r"cannot write 00000\.png: No space left on device") as caught:
        run(small_suite(small_davis), tmp_path / "run")
    assert "--out" in caught.value.hint


def test_an_encoder_that_gives_up_is_one_line(small_davis, small_suite, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("encoder error -2 when writing image file")  # as Pillow does

    monkeypatch.setattr(passes, "write_labels", fail)
    with pytest.raises(VosbenchError, match=r"cannot write .*run: encoder error -2"):
        run(small_suite(small_davis), tmp_path / "run")


@pytest.mark.parametrize("where", ["run", "run/records", "run/masks"])
def test_a_folder_that_cannot_be_made_is_one_line(small_davis, small_suite, tmp_path, where):
    (tmp_path / where).parent.mkdir(exist_ok=True)
    (tmp_path / where).write_text("a file")
    with pytest.raises(VosbenchError, match="cannot write") as caught:
        run(small_suite(small_davis, policies=("first-only",)), tmp_path / "run")
    assert str(tmp_path / "run") in caught.value.message
    assert "--out" in caught.value.hint or "another" in caught.value.hint


def test_a_reference_without_the_truth_that_it_needs_fails_alone(small_davis, small_suite, tmp_path):
    for frame in (2, 4):
        (small_davis / f"Annotations/480p/ant/{frame:05d}.png").unlink()
    suite = small_suite(small_davis, dataset="folder", split=None, policies=("oracle-masks", "first-only"))
    records = run(replace(suite, exclude=("cat",), controls=False, shorter_side=0), tmp_path / "run")
    failed = {(r.policy.name, r.sequence): r.failure for r in records if r.failure}
    assert failed.keys() == {("oracle-masks", "ant")}
    (failure,) = failed.values()
    assert failure.reason == "the strategy needs a true mask of every frame, and ant has 4 for 6"
    assert (failure.cause, failure.frames) == ("strategy", 0)
    assert sum(r.scores is not None for r in records) == 3
