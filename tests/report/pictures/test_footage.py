"""Frames, truth and masks of a sequence of a run, found from the folder of the run."""

import glob
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vosbench.bench.record import DATA_ROOT, read_record, read_run, write_record
from vosbench.bench.scored import records_of, write_scored
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import read_labels, write_labels
from vosbench.masks.score import score
from vosbench.report.measures import pooled_jf
from vosbench.report.pictures.footage import FaultyMasksError, open_footage
from vosbench.report.pictures.together import most_disputed_sequence, open_together


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
    with pytest.raises(VosbenchError, match=r"unknown sequence of .*run 'be'") as caught:
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
    with pytest.raises(VosbenchError, match=r"does not have the mask .*first-only/ant/00002\.png") as caught:
        open_footage(run, "ant")
    assert caught.value.hint == "the same `vosbench run` makes it again; or choose other strategies with --policies"
    assert len(open_footage(run, "ant", strategies=["every-k:k=2"]).frames) == 6
    shutil.rmtree(run / "records")
    with pytest.raises(VosbenchError, match="holds no records"):
        open_footage(run, "ant")


def test_masks_of_another_size_are_refused(finished: Path) -> None:
    write_labels(finished / "run/masks/first-only/ant/00002.png", np.ones((24, 32), np.uint8))
    footage = open_footage(finished / "run", "ant")
    with pytest.raises(FaultyMasksError, match="mask of first-only for frame 00002 of ant is 32x24 pixels") as caught:
        footage.drawn(2, (48, 64))
    assert "the other strategies alone, with -p" in caught.value.hint
    assert caught.value.strategy == "first-only"


def test_the_sequence_that_strategies_dispute_most(finished_run: Path) -> None:
    strategies = [record for record in read_run(finished_run / "run") if record.policy.kind == "strategy"]
    jf = {(record.sequence, record.policy.label): pooled_jf([record]) for record in strategies}
    spread = {name: abs(jf[name, "every-k:k=2"] - jf[name, "first-only"]) for name in ("ant", "bee")}
    assert spread["ant"] != spread["bee"]
    runs = {"run": finished_run / "run"}
    assert most_disputed_sequence(runs) == max(spread, key=lambda name: spread[name])
    with pytest.raises(VosbenchError, match="unknown strategy of the run 'lfu'"):
        most_disputed_sequence(runs, ["lfu"])
    with pytest.raises(VosbenchError, match=r"copy-first-mask of .* has no masks"):
        most_disputed_sequence(runs, ["copy-first-mask"])


@pytest.fixture
def scored(finished: Path) -> Path:
    """Masks from elsewhere, `first-only` and `Ours`, of all frames but the last, scored on the data of the run."""
    for name in ("first-only", "Ours"):
        shutil.copytree(finished / "run/masks/every-k_k=2", finished / name)
        for path in (finished / name).glob("*/00005.png"):
            path.unlink()
    data = open_dataset("davis2017", finished / "DAVIS")
    found = {name: (finished / name, score(finished / name, data, jobs=1)) for name in ("first-only", "Ours")}
    write_scored(finished / "scored", records_of(found, data, "davis2017"), finished / "DAVIS")
    return finished


def test_a_run_and_scored_masks_are_seen_together(scored: Path) -> None:
    runs = {name: scored / name for name in ("run", "scored")}
    footage = open_together(runs, "ant")
    assert [*footage.masks] == ["every-k:k=2", "first-only of run", "first-only of scored", "Ours"]
    assert [frame.name for frame in footage.frames] == [f"{t:05d}" for t in range(5)]
    assert np.array_equal(footage.labels("Ours", "00003"), footage.labels("every-k:k=2", "00003"))
    assert not np.array_equal(footage.labels("Ours", "00003"), footage.labels("first-only of run", "00003"))
    assert len(footage.drawn(3, (48, 64))) == 5
    assert [*open_together(runs, "ant", strategies=["Ours", "every-k:k=2"]).masks] == ["every-k:k=2", "Ours"]
    assert [*open_together(runs, "ant", strategies=["Ours"]).masks] == ["Ours"]
    with pytest.raises(VosbenchError, match="unknown strategy of the runs 'lfu'"):
        open_together(runs, "ant", strategies=["lfu"])
    spread = {
        name: np.ptp([pooled_jf([r]) for r in open_together(runs, name).records.values()]) for name in ("ant", "bee")
    }
    assert most_disputed_sequence(runs) == max(spread, key=lambda name: spread[name])
    assert most_disputed_sequence(runs, ["Ours"]) == "ant"
    for path in (scored / "scored").glob("records/*/ant.json"):
        write_record(path, replace(read_record(path), fingerprint=""))
    assert len(open_together(runs, "ant").masks) == 4  # not known to differ
    for path in (scored / "scored").glob("records/*/bee.json"):
        path.unlink()
    with pytest.raises(VosbenchError, match=r"unknown sequence of .*scored 'bee'"):
        open_together(runs, "bee")
    shutil.rmtree(scored / "Ours")
    with pytest.raises(FaultyMasksError, match=r"Ours/ant holds no masks") as gone:
        open_together(runs, "ant")
    assert gone.value.strategy == "Ours"


def test_other_data_under_the_same_names_is_refused(finished: Path) -> None:
    run, other = finished / "run", finished / "other"
    shutil.copytree(finished / "DAVIS", other)
    assert len(open_footage(run, "ant", other).frames) == 6  # a copy is as good
    for kind in ("JPEGImages", "Annotations"):
        for name, place in (("ant", "bee"), ("bee", "ant")):
            shutil.rmtree(other / kind / "480p" / name)
            shutil.copytree(finished / "DAVIS" / kind / "480p" / place, other / kind / "480p" / name)
    with pytest.raises(VosbenchError, match="other holds other frames or masks than the run had") as caught:
        open_footage(run, "bee", other)
    assert caught.value.hint == "give the folder of the run's own data set, with --root; or run again, on this one"
    path = next(run.glob("records/first*/bee.json"))
    older = replace(read_record(path), fingerprint="")  # which knows the number of frames alone
    write_record(path, older)
    assert len(open_footage(run, "bee", other, ["first-only"]).frames) == 6
    (other / "JPEGImages/480p/bee/00005.jpg").unlink()
    (other / "Annotations/480p/bee/00005.png").unlink()
    with pytest.raises(VosbenchError, match="other holds other frames or masks than the run had"):
        open_footage(run, "bee", other, ["first-only"])


def test_a_sequence_may_have_any_name(finished: Path) -> None:
    name, run, data = "a[1]* <b>$x$", finished / "run", finished / "DAVIS"
    for path in (*run.glob("masks/*/ant"), *run.glob("records/*/ant.json"), *data.glob("*/480p/ant")):
        path.rename(path.with_name(f"{name}{path.suffix}"))
    (data / "ImageSets/2017/val.txt").write_text(f"{name}\nbee\n")
    for path in run.glob(f"records/*/{glob.escape(name)}.json"):
        fingerprint = open_dataset("davis2017", data).fingerprint(name)
        write_record(path, replace(read_record(path), sequence=name, fingerprint=fingerprint))
    footage = open_footage(run, name, data)
    assert len(footage.frames) == 6
    assert (footage.labels("first-only", "00000") == footage.true_labels("00000")).all()
