import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from vosbench.bench.record import Failure, RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.context import restrict
from vosbench.report.measures import pooled_jf
from vosbench.report.rendering import render
from vosbench.report.tables import latency, object, sequence, stages, strategy

Run = tuple[RunRecord, ...]


def test_leaderboard_pools_objects_frames_and_time(run: Run) -> None:
    frame = strategy.table(run).frame.set_index("strategy")
    assert list(frame.index) == ["lfu", "fifo", "copy-first-mask"]
    assert list(frame["kind"]) == ["strategy", "strategy", "control"]
    expected = {  # lfu: objects 0.9, 0.3, 0.6; six frames in 0.2 + 1.2 s; frames in memory 1, 2 and 1, 2, 2, 2
        "j_mean": 0.6,
        "j_recall": 0.3,
        "j_decay": 0.15,
        "f_mean": 0.6,
        "f_recall": 0.3,
        "f_decay": 0.15,
        "jf": 0.6,
        "model_fps": 6 / 1.4,
        "end_to_end_fps": 6 / 1.5,
        "frames_in_memory": 10 / 6,
        "frames_in_memory_peak": 2,
        "bank_bytes_peak": 1_500_000,
    }
    assert frame.loc["lfu", list(expected)].to_dict() == pytest.approx(expected, abs=1e-12)
    fifo = {"jf": 0.5, "model_fps": 12, "end_to_end_fps": 3, "frames_in_memory": 1, "bank_bytes_peak": 2_000_000}
    assert frame.loc["fifo", list(fifo)].to_dict() == pytest.approx(fifo, abs=1e-12)
    assert frame.loc["copy-first-mask", "jf"] == pytest.approx(0.2)
    assert frame.loc["copy-first-mask", "model_fps":].isna().all()


def test_strategies_keep_the_order_of_the_records(run: Run) -> None:
    assert list(strategy.table(run[::-1]).frame["strategy"]) == ["copy-first-mask", "fifo", "lfu"]


def test_by_sequence(run: Run) -> None:
    frame = sequence.table(run).frame
    assert list(zip(frame["sequence"], frame["strategy"], strict=True)) == [
        *(("cat", spec) for spec in ("lfu", "fifo", "copy-first-mask")),
        *(("dog", spec) for spec in ("lfu", "fifo", "copy-first-mask")),
    ]
    dog = frame.iloc[3]
    assert (dog["j_mean"], dog["f_mean"], dog["jf"]) == pytest.approx((0.45, 0.55, 0.5))
    assert dog["model_fps"] == pytest.approx(4 / 1.2)
    assert dog["frames_in_memory"] == pytest.approx(7 / 4)


def test_by_object(run: Run) -> None:
    frame = object.table(run).frame
    assert list(frame["object"]) == [1, 1, 1, 1, 1, 1, 2, 2, 2]
    assert list(frame["sequence"]) == ["cat"] * 3 + ["dog"] * 6
    assert list(frame["strategy"]) == ["lfu", "fifo", "copy-first-mask"] * 3
    assert list(frame["jf"]) == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.1, 0.6, 0.5, 0.1])
    assert set(frame["scored_frames"]) == {3}


def test_undefined_for_one_object_is_undefined_for_all(build: Callable[..., RunRecord]) -> None:
    records = [build(j=[math.nan, 0.5], f=[0.5, 0.7])]
    row = strategy.table(records).frame.iloc[0]
    assert math.isnan(row["j_mean"])
    assert math.isnan(row["jf"])
    assert row["f_mean"] == pytest.approx(0.6)
    assert math.isnan(pooled_jf(records))


def test_run_without_ground_truth_has_costs_only(build: Callable[..., RunRecord]) -> None:
    records = [build(j=[], latency_ms=[500.0], tokens=[10])]
    row = strategy.table(records).frame.iloc[0]
    assert row["j_mean":"jf"].isna().all()
    assert row["model_fps"] == pytest.approx(2)
    with pytest.raises(VosbenchError, match="no record has scores"):
        object.table(records)


def test_what_failed_on_a_sequence_has_no_figures_over_several(run: Run) -> None:
    reason = Failure("out of memory", 3, 2_500_000)
    failed = (replace(run[0], masks=None, scores=None, timings=(), memory=None, failure=reason), *run[1:])
    found = strategy.table(failed).frame.set_index("strategy")
    whole = strategy.table(run).frame.set_index("strategy")
    assert found["kind"].to_dict() == {"lfu": "failed", "fifo": "strategy", "copy-first-mask": "control"}
    assert found["failed_sequences"].fillna(0).tolist() == [1, 0, 0]
    assert found.loc["lfu", ["jf", "j_mean", "model_fps", "frames_in_memory"]].isna().all()
    assert found.loc["lfu", "bank_bytes_peak"] == 2_500_000
    assert found.loc["fifo", "jf"] == whole.loc["fifo", "jf"]
    assert "failed_sequences" not in whole
    text = render(strategy.table(failed))
    assert "\nlfu (failed) " in text
    per_sequence = sequence.table(failed).frame.set_index(["sequence", "strategy"])
    assert per_sequence.loc[("cat", "lfu"), "kind"] == "failed"
    dogs = sequence.table(run).frame.set_index(["sequence", "strategy"]).loc["dog"]
    assert per_sequence.loc["dog"].equals(dogs)
    assert set(latency.table(failed).frame["strategy"]) == {"fifo"}


def test_strategies_are_called_by_their_labels(run: Run) -> None:
    mine = tuple(replace(r, policy=replace(r.policy, label="Mine")) if r.policy.name == "lfu" else r for r in run)
    for module in (strategy, sequence, object, latency, stages):
        assert {row["strategy"] for row in module.table(mine).rows} - {"copy-first-mask"} == {"Mine", "fifo"}
    for name in ("Mine", "lfu"):
        assert {r.policy.label for r in restrict(mine, [name])} == {"Mine"}
    with pytest.raises(VosbenchError, match="unknown strategy of the run 'Mien'"):
        restrict(mine, ["Mien"])
