import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.bench.record import (
    SCHEMA,
    DatasetInfo,
    Environment,
    Failure,
    Memory,
    ModelInfo,
    ObjectRecord,
    PolicyInfo,
    RunRecord,
    Scores,
    Settings,
    Statistics,
    Timing,
    read_record,
    read_run,
    write_record,
)
from vosbench.errors import VosbenchError
from vosbench.memory.strategy import Strategy

shares = st.floats(0, 1)
text = st.text(max_size=12)
seconds = st.floats(1e-6, 1e6)
statistics = st.builds(Statistics, shares, shares, st.floats(-1, 1))
scores = st.builds(
    Scores,
    text,
    st.lists(st.builds(ObjectRecord, st.integers(1, 255), st.just(0), statistics, statistics), min_size=1).map(
        lambda objects: tuple({score.object_id: score for score in objects}.values())
    ),
)


@st.composite
def costs(draw: st.DrawFn) -> tuple[Timing, Memory]:
    frames = draw(st.integers(1, 5))
    stages = draw(st.dictionaries(text, st.floats(0, 1e-9), max_size=4))
    latency = tuple(draw(st.lists(seconds, min_size=frames, max_size=frames)))
    timing = Timing(draw(seconds), draw(seconds), stages, latency, (1,) * frames, draw(st.integers(0, 9)))
    tokens = tuple(draw(st.lists(st.integers(0, 10**6), min_size=frames, max_size=frames)))
    peak = draw(st.none() | st.integers(0, 2**40))
    return timing, Memory(tokens, draw(st.integers(1, 10**4)), draw(st.integers(0, 2**40)), peak)


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    kind = draw(st.sampled_from(["strategy", "reference", "control"]))
    causes = st.sampled_from(["strategy", "sequence"])
    failure = draw(st.none() | st.builds(Failure, text, st.integers(0, 99), st.integers(0, 2**40), cause=causes))
    timing, memory = draw(costs()) if kind != "control" and not failure else (None, None)
    values = st.booleans() | st.integers() | st.floats(-1e9, 1e9) | text
    parameters = st.recursive(
        st.dictionaries(text, values, max_size=3),
        lambda inner: st.dictionaries(text, values | st.builds(Strategy, text, inner), max_size=3),
        max_leaves=4,
    )
    maybe = st.none() | st.integers(1, 999)
    return RunRecord(
        identity=draw(st.from_regex(r"[0-9a-f]{8,64}", fullmatch=True)),
        conditions=draw(st.from_regex(r"[0-9a-f]{8,64}", fullmatch=True)),
        run=draw(text),
        suite={"name": draw(text), "policies": draw(st.lists(text)), "shorter_side": draw(maybe)},
        dataset=draw(st.builds(DatasetInfo, text, text, text, text)),
        sequence=draw(text),
        policy=PolicyInfo(draw(text), draw(parameters), draw(text), draw(text), "ab", kind, 0),
        model=draw(st.builds(ModelInfo, text, text, text)),
        settings=draw(st.builds(Settings, maybe, maybe, text)),
        environment=draw(st.builds(Environment)),
        masks=None if failure else draw(text),
        scores=None if failure else draw(st.none() | scores),
        timings=(timing,) * draw(st.integers(1, 3)) if timing else (),
        memory=memory,
        failure=failure,
        unscored=None if failure else draw(st.none() | text),
        partial=draw(st.booleans()),
    )


@settings(max_examples=40, deadline=None)
@given(records())
def test_json_gives_the_record_back(record: RunRecord) -> None:
    assert RunRecord.from_json(json.loads(json.dumps(record.to_json(), allow_nan=False))) == record


def test_file_gives_the_record_back_and_leaves_nothing_else(build: Callable[..., RunRecord], tmp_path: Path) -> None:
    record = build(latency_ms=[1.5, 2.25], tokens=[10, 20])
    path = tmp_path / "records" / "lfu" / "dog.json"
    write_record(path, build("older"))
    write_record(path, record)
    assert read_record(path) == record
    assert [p.name for p in path.parent.iterdir()] == ["dog.json"]
    assert json.loads(path.read_text())["schema"] == SCHEMA == 9


def test_undefined_figure_is_null(build: Callable[..., RunRecord], tmp_path: Path) -> None:
    path = tmp_path / "dog.json"
    write_record(path, build(j=[math.nan], f=[0.25]))
    assert json.loads(path.read_text())["scores"]["objects"][0]["j"] == {"mean": None, "recall": None, "decay": None}
    read = read_record(path)
    assert read.scores
    assert math.isnan(read.scores.objects[0].j.mean)
    assert read.scores.objects[0].f.mean == 0.25


def test_numpy_scalars_are_recorded_as_numbers(build: Callable[..., RunRecord], tmp_path: Path) -> None:
    path = tmp_path / "dog.json"
    write_record(path, build(j=[np.float32(0.5)], latency_ms=[np.float64(2)], tokens=[np.int64(7)]))
    assert read_record(path) == build(j=[0.5], latency_ms=[2.0], tokens=[7])


def test_failed_write_keeps_the_old_file(
    build: Callable[..., RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dog.json"
    write_record(path, build("old"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VosbenchError, match=r"cannot write record .*dog\.json: No space left"):
        write_record(path, build("new"))
    assert read_record(path).policy.spec == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["dog.json"]


def test_folder_that_is_a_file(build: Callable[..., RunRecord], tmp_path: Path) -> None:
    (tmp_path / "records").write_text("")
    with pytest.raises(VosbenchError, match="cannot write record"):
        write_record(tmp_path / "records" / "dog.json", build())


def change(build: Callable[..., RunRecord], **changes: object) -> str:
    return json.dumps(build(latency_ms=[1.0], tokens=[10]).to_json() | changes)


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("", "truncated or not JSON", "delete the file and repeat the run"),
        ('{"schema": 2, "run": "ni', "truncated or not JSON", "delete"),
        (b"\x89PNG\xff", "truncated or not JSON", "delete"),
        ("[1, 2]", "no schema number", "delete"),
        ("{}", "no schema number", "delete"),
        ({"schema": True}, "no schema number", "delete"),
        ({"schema": 10}, "has schema 10, this vosbench reads schemas 1 to 9", "install a newer vosbench"),
        ({"schema": 0}, "has schema 0, this vosbench reads schemas 1 to 9", "delete"),
        ('{"schema": 7}', "lacks .*conditions", "delete"),
        ({"colour": "red"}, "unknown setting in record .*dog.json 'colour'", "delete"),
        ({"sequence": 3}, "sequence must be of type str, not 3", "delete"),
        ({"identity": "night"}, "identity must be a hexadecimal hash, not 'night'", "delete"),
        ({"model": 3}, "model must be of type table", "delete"),
        ({"model": {"name": "stcn", "checkpoint_hash": "ab"}}, r"\[model\] lacks precision", "delete"),
        (
            {"settings": {"top_k": 2.5, "shorter_side": None, "affinity": "l2"}},
            r"settings\.top_k must be of type int",
            "",
        ),
        ({"memory": {"tokens": [1, "2"], "tokens_per_frame": 1, "bytes_peak": 1}}, r"memory\.tokens\[1\] must be", ""),
        ({"memory": {"tokens": [1, 2], "tokens_per_frame": 1, "bytes_peak": 1}}, "a timing has 1 frames, memory 2", ""),
        ({"memory": {"tokens": [1], "tokens_per_frame": 0, "bytes_peak": 1}}, "tokens_per_frame must be positive", ""),
        ({"scores": {"protocol": "p", "objects": []}}, "scores.objects must be one or more", ""),
    ],
)
def test_bad_file_is_named_with_what_is_wrong(
    build: Callable[..., RunRecord], tmp_path: Path, content: str | bytes | dict, message: str, hint: str
) -> None:
    path = tmp_path / "dog.json"
    if isinstance(content, dict):
        content = change(build, **content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(VosbenchError, match=message) as caught:
        read_record(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in caught.value.hint


def test_wrong_value_deep_inside_is_named(build: Callable[..., RunRecord]) -> None:
    data = build(j=[0.5, 0.5]).to_json()
    data["scores"]["objects"][1]["j"]["mean"] = 50.0
    with pytest.raises(VosbenchError, match=r"scores\.objects\[1\]\.j\.mean must lie between 0 and 1, not 50\.0"):
        RunRecord.from_json(data)
    data["scores"]["objects"][1] = data["scores"]["objects"][0]
    with pytest.raises(VosbenchError, match=r"each id once, not \[1, 1\]"):
        RunRecord.from_json(data)
    data = build().to_json()
    data["policy"]["kind"] = "oracle"
    with pytest.raises(VosbenchError, match=r"unknown policy\.kind in record 'oracle'"):
        RunRecord.from_json(data)


def test_inconsistent_records_cannot_be_made(build: Callable[..., RunRecord]) -> None:
    timed = build(latency_ms=[1.0], tokens=[10])
    (timing,) = timed.timings
    with pytest.raises(ValueError, match="empty for a control"):
        replace(timed, policy=replace(timed.policy, kind="control"))
    with pytest.raises(ValueError, match=r"stages take 9\.0 s"):
        replace(timing, stages={"read": 9.0})
    with pytest.raises(ValueError, match="latency_ms holds 2 frames and objects 1"):
        replace(timing, latency_ms=(1.0, 2.0))
    with pytest.raises(ValueError, match="must be positive"):
        replace(timing, model_seconds=math.nan)
    with pytest.raises(ValueError, match="neither masks"):
        replace(timed, failure=Failure("out of memory", 0, 0))
    with pytest.raises(ValueError, match="2 values for 3 scored frames"):
        ObjectRecord(1, 3, Statistics(1, 1, 0), Statistics(1, 1, 0), (0.5, 0.5))
    with pytest.raises(ValueError, match="infinite"):
        replace(timed, policy=replace(timed.policy, parameters={"capacity": math.inf})).to_json()


def test_missing_record(tmp_path: Path) -> None:
    with pytest.raises(VosbenchError, match=r"cannot read .*absent\.json: No such file"):
        read_record(tmp_path / "absent.json")


def test_run_is_read_in_its_order(run: tuple[RunRecord, ...], tmp_path: Path) -> None:
    for number, record in enumerate(reversed(run)):
        write_record(tmp_path / "records" / record.policy.name / f"{number}.json", record)
    (tmp_path / "records" / ".half.json.7.tmp").write_text("{")
    assert read_run(tmp_path) == run


def test_run_without_records(tmp_path: Path) -> None:
    with pytest.raises(VosbenchError, match=r"run .*absent does not exist"):
        read_run(tmp_path / "absent")
    with pytest.raises(VosbenchError, match="holds no records") as caught:
        read_run(tmp_path)
    assert "vosbench run" in caught.value.hint


def test_a_parameter_is_found_in_what_is_wrapped() -> None:
    lfu = Strategy("lfu", {"capacity": 2.0, "every": 5})
    gated = Strategy("gated", {"base": lfu, "every": 1, "threshold": 0.7})
    assert (lfu.parameter("capacity"), lfu.parameter("base")) == (2.0, None)
    assert (gated.parameter("capacity"), gated.parameter("every"), gated.parameter("base")) == (2.0, 1, None)
    assert Strategy("oracle-masks", {"base": gated}).parameter("capacity") == 2.0
    assert Strategy("two", {"one": lfu, "other": lfu}).parameter("capacity") is None  # whose?
