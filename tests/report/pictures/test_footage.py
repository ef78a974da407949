"""Frames, truth and masks of a sequence of a run, found from the folder of the run."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from vosbench.bench.record import DATA_ROOT, read_run
from vosbench.errors import VosbenchError
from vosbench.images import read_labels, write_labels
from vosbench.report.measures import pooled_jf
from vosbench.report.pictures.footage import FaultyMasksError, most_disputed_sequence, open_footage


def test_a_run_knows_its_data(finished_run: Path) -> None:
    run = finished_run / "run"
    footage = open_footage(run, "ant")
    assert [frame.name for frame in footage.frames] == [f"{t:05d}" for t in range(6)]
    assert list(footage.masks) == list(footage.records) == ["every-k:k=2", "first-only"]  # no controls, unless asked
    written = read_labels(run / "masks/first-only/ant/00003.png")
    assert np.array_equal(footage.labels("first-only", "00003"), written)
    truth = footage.true_labels("00003")
    assert truth is not None
    assert np.array_equal(truth, read_labels(finished_run / "DAVIS/Annotations/480p/ant/00003.png"))
    assert footage.true_labels("elsewhere") is None


def test_strategies_are_chosen(finished_run: Path) -> None:
    footage = open_footage(finished_run / "run", "bee", strategies=["copy-first-mask", "first-only"])
    assert list(footage.masks) == ["first-only", "copy-first-mask"]
    with pytest.raises(VosbenchError, match="unknown strategy of the run 'lfu'"):
        open_footage(finished_run / "run", "bee", strategies=["lfu"])
    with pytest.raises(VosbenchError, match="unknown sequence of the run 'be'") as caught:
        open_footage(finished_run / "run", "be")
    assert caught.value.hint == "did you mean bee?"


def test_data_that_moved_is_asked_for(finished: Path) -> None:
    run, moved = finished / "run", finished / "elsewhere"
    (finished / "DAVIS").rename(moved)
    (run / DATA_ROOT).write_text(str(finished / "DAVIS"))
    with pytest.raises(VosbenchError, match="DAVIS is not a folder") as caught:
        open_footage(run, "ant")
    assert caught.value.hint == "say where the data set is now, with --root"
    assert open_footage(run, "ant", moved).true_labels("00000") is not None


def test_masks_that_are_gone_are_named(finished: Path) -> None:
    run = finished / "run"
    (run / "masks/first-only/ant/00002.png").unlink()
    with pytest.raises(VosbenchError, match=r"does not have the mask .*first-only/ant/00002\.png"):
        open_footage(run, "ant")
    assert len(open_footage(run, "ant", strategies=["every-k:k=2"]).frames) == 6
    shutil.rmtree(run / "records")
    with pytest.raises(VosbenchError, match="holds no records"):
        open_footage(run, "ant")


def test_masks_of_another_size_are_refused(finished: Path) -> None:
    write_labels(finished / "run/masks/first-only/ant/00002.png", np.ones((24, 32), np.uint8))
    footage = open_footage(finished / "run", "ant")
    with pytest.raises(FaultyMasksError, match="mask of first-only for frame 00002 of ant is 32x24 pixels") as caught:
        footage.drawn(2, (48, 64))
    assert caught.value.strategy == "first-only"


def test_the_sequence_that_strategies_dispute_most(finished_run: Path) -> None:
    strategies = [record for record in read_run(finished_run / "run") if record.policy.kind == "strategy"]
    jf = {(record.sequence, record.policy.label): pooled_jf([record]) for record in strategies}
    spread = {name: abs(jf[name, "every-k:k=2"] - jf[name, "first-only"]) for name in ("ant", "bee")}
    assert spread["ant"] != spread["bee"]
    assert most_disputed_sequence(finished_run / "run") == max(spread, key=lambda name: spread[name])
    with pytest.raises(VosbenchError, match="unknown strategy of the run 'lfu'"):
        most_disputed_sequence(finished_run / "run", ["lfu"])
    with pytest.raises(VosbenchError, match=r"copy-first-mask of .* has no masks"):
        most_disputed_sequence(finished_run / "run", ["copy-first-mask"])


def test_a_sequence_may_have_any_name(finished: Path) -> None:
    name, run, data = "a[1]* <b>$x$", finished / "run", finished / "DAVIS"
    for path in (*run.glob("masks/*/ant"), *run.glob("records/*/ant.json"), *data.glob("*/480p/ant")):
        path.rename(path.with_name(f"{name}{path.suffix}"))
    (data / "ImageSets/2017/val.txt").write_text(f"{name}\nbee\n")
    footage = open_footage(run, name, data)
    assert len(footage.frames) == 6
    assert (footage.labels("first-only", "00000") == footage.true_labels("00000")).all()
