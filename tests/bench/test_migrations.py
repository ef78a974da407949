"""Records of older schemas: what they held is there, and what they did not know is filled in or empty."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vosbench.bench.record import SCHEMA, Failure, RunRecord, read_record, read_run, write_record
from vosbench.errors import VosbenchError
from vosbench.memory.strategy import Strategy

RESULTS = Path(__file__).resolve().parents[2] / "results"
LFU = {"capacity": 2.0, "every": 5, "pin_first": False, "min_age": 0}


def schema_5(record: RunRecord) -> dict[str, Any]:
    """A record as schema 5 had it."""
    old = record.to_json()
    partial = old.pop("partial")
    del old["unscored"]
    if old["scores"]:
        old["scores"]["partial"] = partial
    if old["failure"]:
        del old["failure"]["cause"]
    return old | {"schema": 5}


def schema_3(record: RunRecord, **parameters: Any) -> dict[str, Any]:
    """A record as schema 3 had it, with the parameters that were given."""
    old = schema_5(record)
    del old["policy"]["label"]
    old["policy"]["parameters"] = parameters
    old["settings"]["size"] = old["settings"].pop("shorter_side")
    return old | {"schema": 3}


def schema_1(record: RunRecord) -> dict[str, Any]:
    """A record as schema 1 had it."""
    old = schema_3(record)
    (old["timing"],) = old.pop("timings") or (None,)
    for name in ("conditions", "suite", "masks", "failure"):
        del old[name]
    for name in ("cpu_ms", "reference_ms") if old["timing"] else ():
        del old["timing"][name]
    del old["dataset"]["sequences"]
    old["settings"]["seed"] = 0
    return old | {"schema": 1}


def test_a_record_of_schema_1_is_upgraded(build: Callable[..., RunRecord], tmp_path: Path) -> None:
    record = build(latency_ms=[1.0, 2.0], tokens=[10, 20])
    path = tmp_path / "dog.json"
    path.write_text(json.dumps(schema_1(record)))
    expected = replace(record, conditions=record.identity, suite={}, masks=None)
    assert read_record(path) == expected
    write_record(path, read_record(path))
    assert json.loads(path.read_text())["schema"] == SCHEMA
    assert read_record(path) == expected
    assert RunRecord.from_json(schema_1(build())).timings == ()
    with pytest.raises(VosbenchError, match="dog: lacks identity, run, dataset, "):
        RunRecord.from_json({"schema": 1}, "dog")


def test_a_record_of_schema_2_has_no_reference(build: Callable[..., RunRecord]) -> None:
    record = build(latency_ms=[1.0, 2.0], tokens=[10, 20])
    timed = replace(record, timings=(replace(record.timings[0], cpu_ms=(3.0, 4.0), reference_ms=(5.0, 6.0)),))
    assert RunRecord.from_json(timed.to_json()) == timed
    expected = replace(record, timings=(replace(record.timings[0], cpu_ms=(3.0, 4.0)),))
    assert RunRecord.from_json(schema_3(timed) | {"schema": 2}) == expected
    for broken in (None, 3, [3]):
        with pytest.raises(VosbenchError, match="dog: timings"):
            RunRecord.from_json(schema_3(timed) | {"schema": 2, "timings": broken}, "dog")


@pytest.mark.parametrize(
    ("spec", "given", "name", "expected"),
    [
        ("lfu", {}, "lfu", LFU),
        ("lfu:capacity=4", {"capacity": 4.0}, "lfu", LFU | {"capacity": 4.0}),
        ("readmem:capacity=4", {"capacity": 4}, "readmem", {"capacity": 4, "every": 10, "least": 0.5}),
        ("gated:timeout=9", {"timeout": 9}, "gated",
         {"base": Strategy("lfu", LFU), "threshold": 0.7, "timeout": 9}),
        ("gated:base=lfu(capacity=4,pin_first=TRUE)", {"base": "lfu(capacity=4,pin_first=TRUE)"}, "gated",
         {"base": Strategy("lfu", LFU | {"capacity": 4.0, "pin_first": True}), "threshold": 0.7, "timeout": 25}),
        ("oracle-masks:base=gated(base=first-only)", {"base": "gated(base=first-only)"}, "oracle-masks",
         {"base": Strategy("gated", {"base": Strategy("first-only", {}), "threshold": 0.7, "timeout": 25})}),
        ("oracle-masks:base=./my_idea.py(k=3)", {"base": "./my_idea.py(k=3)"}, "oracle-masks",
         {"base": Strategy("my-idea", {"k": "3"})}),
        ("./lfu.py:k=3", {"k": 3}, "lfu", {"k": 3}),  # somebody's own, of which nothing else is known
        ("theirs:base=lfu(capacity=4)", {"base": "lfu(capacity=4)"}, "theirs", {"base": "lfu(capacity=4)"}),
        ("./idea (1.py", {}, "idea (1", {}),
    ],
)  # fmt: skip
def test_a_record_of_schema_3_gets_all_parameters(
    build: Callable[..., RunRecord], spec: str, given: dict[str, Any], name: str, expected: dict[str, Any]
) -> None:
    kind: Any = "reference" if name == "oracle-masks" else "strategy"
    record, what = build(latency_ms=[1.0], tokens=[10]), {"spec": spec, "label": spec, "name": name, "kind": kind}
    record = replace(record, policy=replace(record.policy, **what, parameters=expected))
    assert RunRecord.from_json(schema_3(record, **given)) == record


def test_a_record_of_schema_5_says_whether_sequences_were_left_out(build: Callable[..., RunRecord]) -> None:
    for partial in (False, True):
        record = replace(build(latency_ms=[1.0], tokens=[10]), partial=partial)
        assert RunRecord.from_json(schema_5(record)) == record
    failed = replace(build(j=[]), masks=None, failure=Failure("out of memory", 3, 9))
    for suite, partial in (({}, False), ({"sequences": None, "limit": 2}, True), ({"sequences": ["dog"]}, True)):
        record = replace(failed, suite=suite, partial=partial)
        assert RunRecord.from_json(schema_5(record)) == record
    with pytest.raises(VosbenchError, match="dog: partial must be of type bool, not None"):
        RunRecord.from_json(build().to_json() | {"schema": 5, "failure": None}, "dog")


def test_a_broken_record_of_schema_3_is_refused(build: Callable[..., RunRecord]) -> None:
    for broken, message in ((None, "policy must be of type table"), ({"spec": "lfu"}, r"\[policy\] lacks .*kind")):
        with pytest.raises(VosbenchError, match=f"dog: {message}"):
            RunRecord.from_json(schema_3(build()) | {"policy": broken}, "dog")


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in RESULTS.glob("*/records")), ids=lambda path: path.name
)
def test_every_committed_record_knows_its_capacity(folder: Path) -> None:
    records = read_run(folder)
    assert all(record.policy.label == record.policy.spec for record in records)
    for record in records:
        named = record.policy.spec.partition("capacity=")[2].partition(",")[0].rstrip(")")
        assert record.policy.parameter("capacity") == (float(named) if named else None)


def test_a_record_of_schema_4_has_nothing_of_its_protocol(build: Callable[..., RunRecord]) -> None:
    record = build()
    old = schema_5(record) | {"schema": 4}
    for score in old["scores"]["objects"]:
        assert score.pop("own") == {}
    assert RunRecord.from_json(old) == record


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        (Strategy("lfu", LFU), "strategy"),
        (Strategy("offline", {}), "reference"),
        (Strategy("gated", {"base": Strategy("oracle-masks", {"base": Strategy("lfu", LFU)})}), "reference"),
        (Strategy("gated", {"base": Strategy("lfu", LFU), "threshold": 0.7}), "strategy"),
    ],
)
def test_a_record_of_schema_7_knows_the_references_that_shipped(
    build: Callable[..., RunRecord], strategy: Strategy, kind: Any
) -> None:
    record = build(latency_ms=[1.0], tokens=[10])
    policy = replace(record.policy, name=strategy.name, parameters=strategy.parameters, kind=kind)
    old = replace(record, policy=policy).to_json() | {"schema": 7}
    old["policy"]["kind"] = "strategy"
    assert RunRecord.from_json(old) == replace(record, policy=policy)
