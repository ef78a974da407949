"""The gate on runs whose noise, slow-downs and losses are known."""

import math
from dataclasses import replace
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
from scipy import stats

from vosbench.bench.record import Failure, read_record, write_record
from vosbench.errors import VosbenchError
from vosbench.report.compare.gate import Tolerance, gate
from vosbench.report.compare.pairing import Entrant, pair_up
from vosbench.report.compare.speed import speed
from vosbench.report.compare.verdict import checks_table, failures, junit, junit_error

FRAMES = 24


@pytest.fixture
def timed(build):
    """A strategy on some sequences, on a machine whose speed drifts and whose cores are shared.

    Each frame takes 25 ms of CPU time at the machine's full speed, times `factor`; every fifth takes twice that.
    """

    def make(rng, factor=1.0, spec="lfu", sequences=6, repeats=2, spread=0.1):
        records = []
        for number in range(sequences):
            record = build(spec, f"clip-{number}", j=[0.7, 0.6], latency_ms=[1.0] * FRAMES, tokens=[10] * FRAMES)
            timings = []
            for _ in range(repeats):
                machine = np.exp(rng.normal(0, spread))  # of the hour: other programs, clock rate
                jitter = np.exp(rng.normal(0, 0.08, (2, FRAMES)))
                cpu = 25 * factor * machine * jitter[0] * (1 + (np.arange(FRAMES) % 5 == 0))
                waiting = 1 + rng.exponential(1.5, FRAMES)  # for a core
                reference = 0.6 * machine * jitter[1]
                latency = tuple(cpu * waiting)
                timing = replace(record.timings[0], latency_ms=latency, cpu_ms=tuple(cpu))
                timings.append(replace(timing, reference_ms=tuple(reference)))
            records.append(replace(record, timings=tuple(timings)))
        return records

    return make


def check(old, new, **tolerance):
    return gate(pair_up({"old": old, "new": new}), Tolerance(**tolerance))


def by_quantity(checks):
    return {c.quantity: c for c in checks}


def test_an_unchanged_tree_passes_and_a_slow_one_does_not(timed):
    rng, trials = np.random.default_rng(1), 40
    alarms = [len(failures(check(timed(rng), timed(rng)))) for _ in range(trials)]
    caught = [by_quantity(check(timed(rng), timed(rng, 1.2)))["time"].passed for _ in range(trials)]
    assert sum(map(bool, alarms)) <= 2
    assert caught.count(False) >= 38


def test_the_clock_on_the_wall_would_have_told_nothing(timed):
    rng = np.random.default_rng(2)
    blind = [
        [replace(r, timings=tuple(replace(t, cpu_ms=(), reference_ms=()) for t in r.timings)) for r in timed(rng)]
        for _ in range(2)
    ]
    result = by_quantity(check(*blind))["time"]
    assert result.passed is None
    assert "no reference operation was timed" in result.detail
    assert "the counts decide" in result.detail


def test_ratio_and_p_against_plain_computation(timed):
    rng = np.random.default_rng(3)
    old, new = timed(rng, sequences=3), timed(rng, 1.5, sequences=3)
    logs = [
        math.log(sum(b.cpu_ms) / sum(b.reference_ms)) - math.log(sum(a.cpu_ms) / sum(a.reference_ms))
        for x, y in zip(old, new, strict=True)
        for a, b in zip(x.timings, y.timings, strict=True)
    ]
    walsh = sorted((a + b) / 2 for i, a in enumerate(logs) for b in logs[i:])
    found = speed(old, new)
    assert found.passes == 6
    assert found.ratio == pytest.approx(math.exp(np.median(walsh)))
    assert (found.low, found.high) == pytest.approx((math.exp(walsh[0]), math.exp(walsh[-1])))  # all of six
    assert found.p == pytest.approx(stats.wilcoxon(logs, alternative="greater").pvalue)
    same = speed(old, old)
    assert (same.ratio, same.p) == (1, 1)


def test_passes_are_paired_as_far_as_both_have_them(timed):
    rng = np.random.default_rng(4)
    assert speed(timed(rng, repeats=3), timed(rng, repeats=2)).passes == 12
    assert speed(timed(rng, sequences=2), timed(rng, sequences=5)).passes == 4
    nothing = speed([], [])
    assert nothing.passes == 0
    assert math.isnan(nothing.ratio)


def test_what_times_cannot_tell_is_left_to_the_counts(timed):
    rng = np.random.default_rng(5)
    few = by_quantity(check(timed(rng, sequences=2), timed(rng, 3, sequences=2)))["time"]
    assert (few.passed, few.result) == (None, "undecided")
    assert "4 passes are too few, 5" in few.detail
    old, wild = timed(rng), timed(rng)
    noisy = [
        replace(r, timings=tuple(replace(t, cpu_ms=tuple(np.array(t.cpu_ms) * k)) for t in r.timings))
        for r, k in zip(wild, [0.3, 3, 0.4, 2.5, 0.5, 2], strict=True)
    ]
    assert "too noisy" in by_quantity(check(old, noisy))["time"].detail


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0), (1.09, 0), (1.3, 1)])
def test_counts_stand_for_time(build, factor, expected):
    tokens = [1000] * 4
    old = [build(latency_ms=[1.0] * 4, tokens=tokens)]
    new = [build(latency_ms=[1.0] * 4, tokens=[int(factor * count) for count in tokens])]
    checks = check(old, new, timed=False)
    assert [c.quantity for c in failures(checks)] == ["tokens read"] * expected
    assert [c.quantity for c in checks] == ["J", "F", "tokens read", "bank bytes"]


def test_more_bytes_fail(build):
    old, new = ([build(latency_ms=[1.0] * 2, tokens=[9, 9], bytes_peak=size)] for size in (1000, 1200))
    assert [c.quantity for c in failures(check(old, new, timed=False))] == ["bank bytes"]
    assert failures(check(new, old, timed=False)) == ()
    assert [c.quantity for c in failures(check(new, old, timed=False, both_ways=True))] == ["bank bytes"]


def test_accuracy(build):
    old = [build(j=[0.5, 0.7], f=[0.5, 0.5], tokens=[1])]
    worse = [build(j=[0.5, 0.696], f=[0.5, 0.5], tokens=[1])]  # 0.2 points of J
    assert [c.quantity for c in failures(check(old, worse, timed=False))] == ["J"]
    assert failures(check(old, worse, timed=False, accuracy=0.2)) == ()
    assert failures(check(worse, old, timed=False)) == ()
    assert [c.quantity for c in failures(check(worse, old, timed=False, both_ways=True))] == ["J"]
    assert failures(check(old, old, timed=False, accuracy=0, both_ways=True)) == ()
    assert "70.00" not in by_quantity(check(old, worse, timed=False))["J"].detail
    assert "60.00 to 59.80 (-0.2 points, tolerance 0.1)" in by_quantity(check(old, worse, timed=False))["J"].detail


def test_a_new_failure_is_a_regression_and_an_old_one_is_none(build):
    old = [build("lfu", name, latency_ms=[1.0], tokens=[1]) for name in ("ant", "bee")]
    failed = [
        old[0],
        replace(old[1], masks=None, scores=None, timings=(), memory=None, failure=Failure("out of memory", 3, 9)),
    ]
    found = failures(check(old, failed, timed=False))
    assert [(c.quantity, c.detail) for c in found] == [("finished", "bee: out of memory")]
    assert failures(check(failed, failed, timed=False)) == failures(check(failed, old, timed=False)) == ()


@pytest.mark.parametrize(
    ("change", "timed_too", "message", "hint"),
    [
        (lambda r: replace(r, dataset=replace(r.dataset, split="train")), 0, "their data sets differ: .*train", "data"),
        (lambda r: replace(r, dataset=replace(r.dataset, fingerprint="00")), 0, "versions of the data differ", "runs"),
        (
            lambda r: replace(r, scores=replace(r.scores, protocol="lvos")),
            0,
            "protocols differ: davis2017 and lvos",
            "",
        ),
        (lambda r: replace(r, model=replace(r.model, checkpoint_hash="feed")), 0, "weights 1a2b3c4d and feed", "basel"),
        (lambda r: replace(r, model=replace(r.model, precision="fp16")), 0, "precision fp32 and fp16", "repeat"),
        (lambda r: replace(r, settings=replace(r.settings, top_k=3)), 0, "top-k 20 and 3", "repeat"),
        (lambda r: replace(r, sequence="cat"), 0, "only one has the sequence", "same sequences"),
        (lambda r: replace(r, scores=replace(r.scores, objects=r.scores.objects[:1])), 0, "dog object 2", "same"),
        (
            lambda r: replace(r, environment=replace(r.environment, machine="Other CPU")),
            1,
            "machine Some CPU and Other CPU",
            "--speed counts",
        ),
        (lambda r: replace(r, environment=replace(r.environment, threads=8)), 1, "threads 2 and 8", "--speed counts"),
    ],
)
def test_what_cannot_be_compared_is_refused(build, change, timed_too, message, hint):
    old = [build(j=[0.5, 0.5], latency_ms=[1.0], tokens=[1])]
    new = [change(old[0])]
    with pytest.raises(VosbenchError, match=message) as caught:
        check(old, new, timed=bool(timed_too))
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    if timed_too:
        assert failures(check(old, new, timed=False)) == ()


def test_tolerances_that_mean_nothing():
    for bad in ({"accuracy": -1}, {"accuracy": math.nan}, {"speed": 0.9}, {"speed": math.inf}, {"speed": math.nan}):
        with pytest.raises(VosbenchError, match="means nothing"):
            Tolerance(**bad)


def test_junit_and_table_say_the_same(timed):
    rng = np.random.default_rng(6)
    checks = check(timed(rng), timed(rng, 2)) + check(timed(rng, sequences=1), timed(rng, sequences=1))
    root = Xml.fromstring(junit(checks).encode())
    assert root.tag == "testsuite"
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(len(checks)),
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    for case, one in zip(root, checks, strict=True):
        assert (case.get("classname"), case.get("name")) == (one.strategy, one.quantity)
        assert case[0].tag == {True: "system-out", False: "failure", None: "skipped"}[one.passed]
        assert one.detail in (case[0].get("message"), case[0].text)
    table = checks_table(checks)
    assert table.caption == f"1 of {len(checks)} checks failed, 1 undecided."
    assert list(table.frame["result"]).count("FAILED") == 1
    refused = Xml.fromstring(junit_error('weights "a" < b & c').encode())
    assert refused.get("errors") == "1"
    assert refused[0][0].get("message") == 'weights "a" < b & c'


def test_an_entrant_is_named_in_words(build):
    assert Entrant("night", "lfu", (build(),)).name == "lfu of night"


def test_records_keep_the_samples(timed, tmp_path):
    (record,) = timed(np.random.default_rng(7), sequences=1)
    write_record(tmp_path / "clip.json", record)
    assert read_record(tmp_path / "clip.json") == record
    for series in ("cpu_ms", "reference_ms"):
        with pytest.raises(ValueError, match=f"{series} holds 1 values for {FRAMES} frames"):
            replace(record.timings[0], **{series: (1.0,)})
