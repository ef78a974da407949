"""Runs that were made apart, by shards, strategies or repeats, are one again."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from vosbench.bench.lock import locked
from vosbench.bench.merge import merge
from vosbench.bench.plan import Plan
from vosbench.bench.record import Failure, read_record, read_run, write_record
from vosbench.bench.runner import execute, run
from vosbench.errors import VosbenchError
from vosbench.report.context import context
from vosbench.report.tables.strategy import table

pytestmark = pytest.mark.usefixtures("lent_pool")


def lasting(records):
    """What of records does not depend on when they were made, and in how many parts."""
    own = {"timings": (), "together": 1, "environment": None, "suite": {}, "dataset": None, "partial": False, "run": ""}
    return [replace(record, **own) for record in records]


@pytest.fixture
def parts(small_davis, small_suite, tmp_path):
    """Makes a run into the folder of that name."""

    def make(name, **changes):
        run(small_suite(small_davis, **changes), tmp_path / name)
        return tmp_path / name

    return make


def change(folder, **changes):
    for path in folder.glob("records/*/*.json"):
        record = read_record(path)
        found = {key: value(record) if callable(value) else value for key, value in changes.items()}
        write_record(path, replace(record, **found))


def test_shards_merged_are_the_whole_run(parts, finished_run, small_suite, small_davis, tmp_path, work):
    shards = [parts(f"shard-{number}", shard=f"{number}/2") for number in (2, 1)]
    assert [{record.sequence for record in read_run(shard)} for shard in shards] == [{"bee"}, {"ant"}]
    records = merge(shards, tmp_path / "whole")
    assert lasting(records) == lasting(read_run(finished_run / "run"))
    assert "PARTIAL" not in table(records).caption
    masks = sorted(path.relative_to(finished_run / "run") for path in finished_run.glob("run/masks/*/*/*"))
    assert sorted(path.relative_to(tmp_path / "whole") for path in tmp_path.glob("whole/masks/*/*/*")) == masks
    assert all((tmp_path / "whole" / m).read_bytes() == (finished_run / "run" / m).read_bytes() for m in masks)
    run(small_suite(small_davis), tmp_path / "whole", work)
    assert not work  # it is finished, and would go on if it were not
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_strategies_keep_the_order_and_the_label_of_the_first_run(parts, tmp_path):
    first = parts("first", policies=("Mine=every-k:k=2",), controls=False, timing="all")
    second = parts("second", policies=("first-only", "every-k:k=2", "fifo"), controls=False, timing="all")
    with pytest.warns(UserWarning, match="second calls every-k:k=2 what is called Mine here"):
        records = merge([first, second], tmp_path / "whole")
    assert list(dict.fromkeys(r.policy.label for r in records)) == ["Mine", "first-only", "fifo"]
    assert all(len(r.timings) == (2 if r.policy.label == "Mine" else 1) for r in records)  # it was timed in both
    assert context(records).lacks == ()
    assert sorted(path.name for path in (tmp_path / "whole/masks").iterdir()) == ["Mine", "fifo", "first-only"]


def test_what_is_there_twice_is_taken_once(parts, tmp_path):
    one = parts("one")
    assert merge([one, shutil.copytree(one, tmp_path / "copy")], tmp_path / "whole") == tuple(
        replace(record, run="whole") for record in read_run(one)
    )


def test_a_failure_gives_way_to_a_result(parts, tmp_path):
    good = parts("good", controls=False)
    bad = shutil.copytree(good, tmp_path / "bad")
    change(bad, failure=Failure("out of memory", 1, 9), masks=None, scores=None, timings=(), memory=None)
    assert lasting(merge([bad, good], tmp_path / "whole")) == lasting(read_run(good))
    other = shutil.copytree(bad, tmp_path / "other")
    assert [r.failure.reason for r in merge([bad, other], tmp_path / "failed")] == ["out of memory"] * 4


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"top_k": 7}, r"other conditions \(top_k 7, not 5\)"),
        ({"protocol": "davis2017-official"}, "protocol davis2017-official, not the data set's own"),
        ({"threads": 2}, "threads 2, not 1"),
        ({"repeats": 2}, "repeats 2, not 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_other_conditions_are_refused_by_name(parts, tmp_path, monkeypatch, changes, what):
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)  # two would wait for each other
    small = {"policies": ("first-only",), "controls": False, "limit": 1}
    one, other = parts("one", **small), parts("other", **small, **changes)
    with pytest.raises(VosbenchError, match=what) as caught:
        merge([one, other], tmp_path / "whole")
    assert caught.value.message.startswith(f"{other} cannot be merged with {one}: ")
    assert not (tmp_path / "whole").exists()


def test_what_else_does_not_fit_is_refused(parts, tmp_path):
    one = parts("one", policies=("first-only",), controls=False)
    copies = iter(range(99))

    def changed(**changes):
        copy = shutil.copytree(one, tmp_path / f"copy-{next(copies)}")
        change(copy, **changes)
        return copy

    def model(record):
        return replace(record.model, checkpoint_hash="5eed" * 16)

    def environment(record):
        return replace(record.environment, commit="c0ffee" * 6)

    for other, what in (
        (changed(model=model, conditions="ab" * 16), r"model toy_network 5eed5eed…, not toy_network"),
        (changed(environment=environment, conditions="ab" * 16), "the source of vosbench"),
        (changed(fingerprint="other"), "sequence ant is of other files in .* than in"),
        (changed(masks="ab" * 16), "found other masks or scores for first-only on ant"),
        (changed(policy=lambda r: replace(r.policy, source_hash="0")), "is another strategy than first-only in"),
        (tmp_path / "nothing", "run .*nothing does not exist"),
    ):
        with pytest.raises(VosbenchError, match=what):
            merge([one, other], tmp_path / "whole")
        assert not (tmp_path / "whole").exists()
    with pytest.raises(VosbenchError, match="one run alone cannot be merged"):
        merge([one], tmp_path / "whole")
    other = changed()
    with pytest.raises(VosbenchError, match="exists already"):
        merge([one, other], one)
    with pytest.raises(VosbenchError, match=r"one/records/x is in .*one, which is to be merged"):
        merge([one, other], one / "records/x")
    with pytest.raises(VosbenchError, match=r"x/\.\./one is named twice"):
        merge([one, other, tmp_path / "x/../one"], tmp_path / "whole")


def test_shards_of_one_division_may_be_at_work_together(tmp_path):
    with locked(tmp_path, "1/3"), locked(tmp_path, "3/3"):
        for other in (None, "1/3", "1/2"):
            with (
                pytest.raises(VosbenchError, match=rf"another process \({os.getpid()}\) is at work"),
                locked(tmp_path, other),
            ):
                pass
    with locked(tmp_path), pytest.raises(VosbenchError, match="another process"), locked(tmp_path, "1/3"):
        pass
    with locked(tmp_path, "1/2"):
        pass


def test_a_shard_is_the_same_however_it_is_written(tmp_path):
    with locked(tmp_path, "1/3"), pytest.raises(VosbenchError, match="another process"), locked(tmp_path, "01/3"):
        pass
    with locked(tmp_path, "1/3"), locked(tmp_path, "02/03"):
        pass


def test_shards_under_other_conditions_are_refused_before_there_are_results(tmp_path, small_davis, small_suite, work):
    one, two = (Plan(small_suite(small_davis, shard=f"{n}/2", top_k=20 // n), tmp_path / "run") for n in (1, 2))
    with (
        locked(one.folder, one.suite.shard, one.conditions),
        pytest.raises(VosbenchError, match=rf"process \({os.getpid()}\) is at work in .* under other conditions"),
    ):
        execute(two, work, fresh=True)
    assert not work
    with locked(tmp_path, "1/2", "a"):
        pass
    with locked(tmp_path, "2/2", "b"):  # nobody has the first any more
        pass


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/0", "one/two", "", "-1/2", "1/2/3"])
def test_what_is_no_shard_is_refused(small_davis, small_suite, shard):
    with pytest.raises(VosbenchError, match="is no shard") as caught:
        run(small_suite(small_davis, shard=shard))
    assert "the first is 1/8" in caught.value.hint


def test_of_more_shards_than_sequences_the_last_are_empty(small_davis, small_suite, tmp_path):
    assert run(small_suite(small_davis, shard="3/3", protocol="davis2017-official"), tmp_path / "run") == ()
    assert not (tmp_path / "run").exists()


def test_masks_that_are_missing_or_altered_are_refused(parts, tmp_path):
    one = parts("one", policies=("first-only",), controls=False)
    bad, bare = (shutil.copytree(one, tmp_path / name) for name in ("bad", "bare"))
    masks = sorted(bad.glob("masks/first-only/ant/*.png"))
    for spoil in (lambda: shutil.copy(masks[0], masks[1]), masks[1].unlink, lambda: shutil.rmtree(masks[0].parent)):
        spoil()
        with pytest.raises(VosbenchError, match=r"masks of first-only on ant in .*bad are missing or were altered"):
            merge([one, bad], tmp_path / "whole")
    shutil.rmtree(bare / "masks")
    other = shutil.copytree(bare, tmp_path / "other")
    assert len(merge([bare, other], tmp_path / "whole")) == 2  # as of records that were published


def test_an_empty_folder_that_is_there_is_filled(parts, tmp_path, monkeypatch):
    one = parts("one", policies=("first-only",), controls=False)
    copy = shutil.copytree(one, tmp_path / "copy")
    (tmp_path / "whole").mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    assert {record.run for record in merge([one, copy], ".")} == {"whole"}
    assert read_run(Path())  # which is still the folder that one is in
    assert sorted(path.name for path in tmp_path.iterdir()) == ["DAVIS", "copy", "one", "whole"]
    with pytest.raises(VosbenchError, match="exists already"):
        merge([one, copy], "..")
