"""Pairing of strategies and runs, differences object by object, and their tables."""

import math
from dataclasses import replace

import numpy as np
import pytest

from vosbench.bench.record import Failure
from vosbench.errors import VosbenchError
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import pair_up
from vosbench.report.compare.tables import changed_objects, difference_table
from vosbench.report.paper import paper_rows
from vosbench.report.rendering import FORMATS, render


@pytest.fixture
def clips(build):
    """A strategy on `count` sequences of two objects, whose J is that of a fixed draw plus `shift`."""

    def make(spec="lfu", shift=0.0, count=8, position=0, noise=0.0):
        rng = np.random.default_rng(1)
        values = 0.3 + 0.4 * rng.random((count, 2)) + shift + noise * rng.normal(size=(count, 2))
        return [
            build(spec, f"clip-{i}", position=position, j=values[i], f=[0.5, 0.5], latency_ms=[1.0], tokens=[10])
            for i in range(count)
        ]

    return make


def compared(specs=None, **runs):
    return differences(pair_up(runs, specs))


def test_strategies_of_one_run_are_compared_with_the_first(clips, build):
    control = [build("copy", f"clip-{i}", position=2, j=[0.1, 0.1]) for i in range(8)]
    records = [*clips("lfu"), *clips("fifo", 0.1, position=1), *control]
    (found,) = compared(night=records)
    assert (found.baseline.label, found.entrant.label) == ("lfu", "fifo")
    assert found.mean == pytest.approx(0.05)
    assert found.objects == tuple((f"clip-{i}", n) for i in range(8) for n in (1, 2))
    chosen = compared(["fifo", "copy", "lfu"], night=records)
    assert [(d.baseline.label, d.entrant.label) for d in chosen] == [("fifo", "copy"), ("fifo", "lfu")]
    assert chosen[1].mean == pytest.approx(-0.05)


def test_runs_are_compared_strategy_by_strategy(clips):
    old = [*clips("lfu"), *clips("fifo", position=1)]
    new = [*clips("fifo", 0.02), *clips("lfu", -0.02, position=1)]
    found = {d.entrant.label: d for d in compared(old=old, new=new)}
    assert {d.baseline.run for d in found.values()} == {"old"}
    assert found["lfu"].mean == pytest.approx(-0.01)
    assert found["fifo"].mean == pytest.approx(0.01)
    one = compared(old=clips("lfu"), new=clips("fifo", 0.02))  # different strategies, one each
    assert [(d.baseline.name, d.entrant.name) for d in one] == [("lfu of old", "fifo of new")]
    three = compared(old=clips(), new=clips(shift=0.1), newest=clips(shift=0.2))
    assert [round(d.mean, 9) for d in three] == [0.05, 0.1]


def labelled(records, label, spec):
    """The records of a strategy that its run calls `label`, written as `spec`."""
    return [replace(r, policy=replace(r.policy, label=label, spec=spec)) for r in records]


def test_a_strategy_is_the_same_however_it_is_written_and_labelled(clips):
    old = [*labelled(clips("lfu:capacity=2"), "lfu", "lfu"), *clips("lfu:capacity=4", position=1)]
    new = [*clips("lfu:capacity=4", 0.02), *labelled(clips("lfu:capacity=2", -0.02), "Mine", "lfu:capacity=2")]
    found = compared(old=old, new=new)
    assert {(d.baseline.label, d.entrant.label): round(d.mean, 9) for d in found} == {
        ("lfu:capacity=4", "lfu:capacity=4"): 0.01,
        ("lfu", "Mine"): -0.01,
    }
    for name in ("Mine", "lfu", "lfu:capacity=2"):
        assert [d.entrant.label for d in compared([name], old=old, new=new)] == ["Mine"]
    table = difference_table(found)
    assert [row["strategy"] for row in table.rows] == ["lfu:capacity=4", "lfu:capacity=4", "lfu", "Mine"]
    assert "Compared with the same strategy in old." in table.caption


def test_strategies_of_one_name_and_parameters_are_told_apart_by_their_labels(clips):
    twins = [
        *labelled(clips("lfu"), "a/lfu.py", "a/lfu.py"),
        *labelled(clips("lfu", 0.02, position=1), "Mine", "b/lfu.py"),
    ]
    (found,) = compared(night=twins)
    assert (found.baseline.label, found.entrant.label, round(found.mean, 9)) == ("a/lfu.py", "Mine", 0.01)


def test_identical_runs_never_differ(clips):
    (found,) = compared(old=clips(), new=clips())
    assert (found.mean, found.low, found.high, found.p, found.effect, found.mark) == (0, 0, 0, 1, 0, "=")
    table = changed_objects([found])
    assert (len(table.frame), table.caption) == (0, "No object's J&F changed.")


def test_marks_follow_the_corrected_p(clips):
    (found,) = compared(old=clips(count=10), new=clips(shift=0.02, count=10))
    assert found.p == pytest.approx(2 / 2**10)
    assert found.mark == "**"
    three = compared(night=[*clips("a"), *clips("b", 0.02, position=1), *clips("c", noise=0.1, position=2)])
    assert three[0].p == pytest.approx(2 * 2 / 2**8)
    assert (three[0].mark, three[1].mark) == ("*", "")


def test_a_failed_strategy_claims_no_difference(clips):
    new = clips(shift=0.1)
    new[3] = replace(new[3], masks=None, scores=None, timings=(), memory=None, failure=Failure("out of memory", 1, 2))
    (found,) = compared(old=clips(), new=new)
    assert math.isnan(found.mean)
    assert found.mark == ""
    assert len(changed_objects([found]).frame) == 0
    assert len(difference_table([found]).frame) == 2


@pytest.mark.parametrize(
    ("runs", "specs", "message"),
    [
        (lambda c: {"a": c()}, None, "nothing to compare: one strategy of one run"),
        (lambda c: {"a": c(), "b": c()}, ["lru"], "unknown strategy of the runs 'lru'"),
        (lambda c: {"a": c()}, ["lru"], "unknown strategy of the run 'lru'"),
        (lambda c: {"a": [*c("x"), *c("y")], "b": c("z")}, None, "strategy x of a is not in b"),
        (
            lambda c: {"a": [*c("x"), *c("y")], "b": [*c("x"), *c("y"), *c("z")]},
            ["x", "y", "z"],
            "z of b has no counterpart among those of a: x, y",
        ),
        (
            lambda c: {"a": c(), "b": c(count=7)},
            None,
            "not scored on the same objects: 2 are in one only, .*clip-7 object 1",
        ),
        (
            lambda c: {"a": c(), "b": [replace(r, scores=replace(r.scores, protocol="lvos")) for r in c()]},
            None,
            "protocols differ: davis2017 and lvos",
        ),
        (
            lambda c: {"a": [replace(r, scores=None) for r in c()]} | {"b": c()},
            None,
            "protocols differ: none and davis",
        ),
        (lambda c: {n: [replace(r, scores=None) for r in c()] for n in "ab"}, None, "lfu of a has no scores"),
    ],
)
def test_what_cannot_be_compared_is_refused(clips, runs, specs, message):
    with pytest.raises(VosbenchError, match=message):
        compared(specs, **runs(clips))


def test_table_like_the_papers(clips):
    old, new = clips(), clips(shift=0.02)
    new = [replace(r, model=replace(r.model, name="other", checkpoint_hash="feedfeed")) for r in new]
    table = difference_table(compared(old=old, new=new), paper=True)
    rows = table.frame.to_dict("records")
    assert [(r["strategy"], r["kind"]) for r in rows] == [
        ("lfu", "strategy"),
        ("lfu", "strategy"),
        *((name, "paper") for name in ("every-5", "first-and-latest", "LFU (2 frames)")),
    ]
    assert [r["run"] for r in rows[:2]] == ["old", "new"]
    assert rows[1]["difference"] == pytest.approx(0.01)
    assert (rows[1]["difference_low"], rows[1]["difference_high"]) == pytest.approx((0.01, 0.01))
    assert (rows[2]["jf"], rows[2]["model_fps"]) == (0.853, 6.3)
    for words in (
        "neither the seeds of training nor the choice of data set",
        "The runs differ in weights (stcn-tiny 1a2b3c4d, other feedfeed).",
        "Compared with lfu of old.",
        "no part of the tests",
    ):
        assert words in table.caption
    for format in FORMATS:
        assert "LFU (2 frames)" in render(table, format)
    assert "LFU (2 frames) (paper)" in render(table)
    assert " ** " in render(table)


def test_no_difference_is_printed_as_minus_nought(clips):
    table = difference_table(compared(old=clips(), new=clips(shift=-1e-5)))
    assert table.rows[-1]["difference"] < 0
    assert "-0.00" not in render(table)


def test_few_sequences_give_no_interval_and_say_so(clips):
    table = difference_table(compared(old=clips(count=3), new=clips(shift=0.02, count=3)))
    assert table.frame["difference_low"].isna().all()
    assert table.frame["p"].isna().all()
    assert table.frame["effect"].isna().all()
    assert "3 sequences are too few for an interval and a p; = no object differs." in table.caption
    assert "\\label{tab:compare-davis2017-val}" in render(table, "latex", name="compare")


def test_which_objects_changed_most(clips):
    new = clips()
    scores = new[2].scores
    worse = replace(scores.objects[1], j=replace(scores.objects[1].j, mean=scores.objects[1].j.mean - 0.2))
    new[2] = replace(new[2], scores=replace(scores, objects=(scores.objects[0], worse)))
    rows = changed_objects(compared(old=clips(), new=new)).frame.to_dict("records")
    assert len(rows) == 1
    assert (rows[0]["sequence"], rows[0]["object"]) == ("clip-2", 2)
    assert rows[0]["difference"] == pytest.approx(-0.1)
    assert rows[0]["jf"] - rows[0]["jf_baseline"] == pytest.approx(-0.1)
    assert len(changed_objects(compared(old=clips(), new=clips(shift=0.1)), 3).frame) == 3


def test_the_papers_figures_against_its_own_averages():
    for name in ("davis2016", "davis2017"):
        rows, sentence = paper_rows(name)
        assert "printed in Table I" in sentence
        assert all(abs((row["j_mean"] + row["f_mean"]) / 2 - row["jf"]) <= 0.00101 for row in rows)  # rounded in print
    rows, _ = paper_rows("youtube-vos-2019")
    for row in rows:
        four = [row[name] for name in ("j_seen", "j_unseen", "f_seen", "f_unseen")]
        assert abs(sum(four) / 4 - row["overall"]) <= 0.00101
        assert "model_fps" not in row
    with pytest.raises(VosbenchError, match="no figures for synthetic"):
        paper_rows("synthetic")
