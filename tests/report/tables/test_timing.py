import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.measures import end_to_end_fps, model_fps
from vosbench.report.tables import latency, stages

Run = tuple[RunRecord, ...]


def test_fps_is_total_frames_over_total_time(run: Run) -> None:
    assert model_fps(run[:2]) == pytest.approx(6 / 1.4)  # not the mean of 10 and 3.3
    assert end_to_end_fps(run[:2]) == pytest.approx(6 / 1.5)
    assert model_fps(run[:1]) == pytest.approx(10)
    assert math.isnan(model_fps(run[4:]))
    assert math.isnan(end_to_end_fps([]))


def test_latency_percentiles_are_over_all_frames(run: Run) -> None:
    frame = latency.table(run).frame.set_index("strategy")
    assert list(frame.index) == ["lfu", "fifo"]
    expected = {  # 100, 100, 200, 300, 300, 400
        "kind": "strategy",
        "frames": 6,
        "objects_per_frame": (2 * 1 + 4 * 2) / 6,
        "warmup_frames": 4,
        "model_fps": 6 / 1.4,
        "end_to_end_fps": 4,
        "p50_ms": 250,
        "p95_ms": 375,
        "p99_ms": 395,
    }
    assert frame.loc["lfu"].to_dict() == pytest.approx(expected)


def test_stages_add_up_to_the_time_in_the_model(run: Run) -> None:
    frame = stages.table(run).frame
    lfu = frame[frame["strategy"] == "lfu"].set_index("stage")
    assert lfu["ms_per_frame"].to_dict() == pytest.approx(
        {"encode_key": 700 / 6, "read": 350 / 6, "unaccounted": 350 / 6}
    )
    assert lfu["share"].to_dict() == pytest.approx({"encode_key": 0.5, "read": 0.25, "unaccounted": 0.25})
    assert frame.groupby("strategy")["ms_per_frame"].sum().to_dict() == pytest.approx(
        {"lfu": 1400 / 6, "fifo": 500 / 6}
    )


def test_controls_alone_have_no_timing(run: Run) -> None:
    for module in (latency, stages):
        with pytest.raises(VosbenchError, match="no record has a timing"):
            module.table(run[4:])


def test_repetitions_count_as_more_frames_and_more_time(build: Callable[..., RunRecord]) -> None:
    once = build(latency_ms=[100, 300], end_to_end_seconds=0.5, tokens=[10, 10])
    slower = build(latency_ms=[200, 400], end_to_end_seconds=1.5, tokens=[10, 10])
    both = replace(once, timings=once.timings + slower.timings)
    assert model_fps([both]) == pytest.approx(4 / 1.0)
    assert end_to_end_fps([both]) == pytest.approx(4 / 2.0)
    assert latency.table([both]).frame["frames"].tolist() == [4]
    assert latency.table([both]).frame["p50_ms"].tolist() == pytest.approx([250])
    shares = stages.table([both]).frame.set_index("stage")["ms_per_frame"]
    assert shares["encode_key"] == pytest.approx(125)
