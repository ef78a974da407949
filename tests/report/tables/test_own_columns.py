"""What a protocol tells beside J and F is in the tables of a run, object by object and in all."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vosbench.bench.record import RunRecord, read_record, write_record
from vosbench.metrics.statistics import Statistics
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import pair_up
from vosbench.report.compare.tables import difference_table
from vosbench.report.measures import pooled_jf
from vosbench.report.rendering import render
from vosbench.report.table import Table
from vosbench.report.tables import object, sequence, strategy

Build = Callable[..., RunRecord]


@pytest.fixture
def scored_by(build: Build, tmp_path: Path) -> Callable[..., list[RunRecord]]:
    """scored_by("vost/1", [{...}, {...}]): two strategies on sequences of two objects, with what the protocol tells."""

    def make(title: str, *sequences: list[dict[str, float]], f: bool = True, **suite: str) -> list[RunRecord]:
        records = []
        for position, spec in enumerate(("lfu", "fifo")):
            for number, own in enumerate(sequences):
                record = build(spec, f"seq{number}", position=position, j=(0.2, 0.6 + 0.05 * number), latency_ms=[9.0])
                assert record.scores is not None
                objects = tuple(
                    replace(o, own=told, f=o.f if f else None)
                    for o, told in zip(record.scores.objects, own, strict=True)
                )
                record = replace(record, scores=replace(record.scores, protocol=title, objects=objects), suite=suite)
                write_record(tmp_path / f"{spec}-{number}.json", record)
                records.append(read_record(tmp_path / f"{spec}-{number}.json"))
                assert records[-1] == record
        return records

    return make


def columns(table: Table) -> list[str]:
    return [column.key for column in table.columns]


def test_mosev2(scored_by: Callable[..., list[RunRecord]]) -> None:
    back = {"f_dot": 0.4, "jf_dot": 0.3, "j_d": 0.5, "f_dot_d": 0.7, "jf_dot_d": 0.6}
    run = scored_by("mosev2/1", [back, {"f_dot": 0.8, "jf_dot": 0.7}])
    first = strategy.table(run).rows[0]
    assert (first["f_dot"], first["jf_dot"], first["jf_dot_d"]) == pytest.approx((0.6, 0.5, 0.6))
    assert math.isnan(first["jf_dot_r"])
    each = object.table(run).rows
    assert [row.get("j_d") for row in each if row["strategy"] == "lfu"] == [0.5, None]
    assert sequence.table(run).rows[0]["jf_dot"] == pytest.approx(0.5)
    assert "J&F dot" in " ".join(render(strategy.table(run)).split())
    assert "f_dot_d" in columns(strategy.table(run))  # in CSV and JSON, and not in text


def test_vost_has_no_f(scored_by: Callable[..., list[RunRecord]]) -> None:
    told = [{"j_last_mean": 0.1, "j_last_decay": 0.0}, {"j_last_mean": 0.3, "j_last_decay": 0.2}]
    run = scored_by("vost/1", told, told, f=False)
    for table in (strategy.table(run), object.table(run), sequence.table(run)):
        assert not {"f_mean", "jf", "jf_low"} & set(columns(table))
        assert {"j_mean", "j_last_mean"} <= set(columns(table))
    assert strategy.table(run).rows[0]["j_last_mean"] == pytest.approx(0.2)
    assert pooled_jf(run[:2]) == pytest.approx(0.4125)
    compared = difference_table(differences(pair_up({"run": run})))
    assert "j_mean" in columns(compared)
    assert "The difference is that of J, in points" in compared.caption
    assert "jf" not in columns(compared)
    assert [row["difference"] for row in compared.rows[1:]] == [0]


def test_lvos_weighs_seen_and_unseen_alike(scored_by: Callable[..., list[RunRecord]]) -> None:
    seen, unseen = {"v_mean": 0.1, "unseen": 0.0}, {"v_mean": 0.3, "unseen": 1.0}
    run = scored_by("lvos/2", *([[seen, seen]] * 5), [unseen, unseen])
    row = strategy.table(run).rows[0]
    assert (row["v_seen"], row["v_unseen"], row["v_mean"]) == pytest.approx((0.1, 0.3, 0.2))
    assert row["j_mean"] == pytest.approx((row["j_seen"] + row["j_unseen"]) / 2)
    assert row["j_mean"] != pytest.approx(np.mean([o.j.mean for r in run[:6] for o in r.scores.objects]))
    assert pooled_jf(run[:6]) == pytest.approx(row["jf"])
    assert math.isnan(row["jf_low"])  # the interval is of a mean over objects


def test_a_protocol_that_is_gone_leaves_its_figures(scored_by: Callable[..., list[RunRecord]]) -> None:
    run = scored_by("mine/1", [{"grip": 0.2}, {"grip": 0.6}], protocol="./gone.py")
    assert strategy.table(run).rows[0]["grip"] == pytest.approx(0.4)
    assert [row["grip"] for row in object.table(run).rows][:2] == [0.2, 0.2]


def test_statistics_without_a_value_stay_apart_from_none(scored_by: Callable[..., list[RunRecord]]) -> None:
    run = scored_by("davis2017/1", [{}, {}])
    assert isinstance(run[0].scores.objects[0].f, Statistics)
    assert columns(strategy.table(run))[:9] == [
        *("strategy", "kind", "j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay", "jf"),
    ]
