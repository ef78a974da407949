"""A row for each attribute and strategy; records that know of no attribute have no such table."""

from dataclasses import replace

import pytest

from vosbench.bench.record import RunRecord
from vosbench.report.makers import NotApplicableError
from vosbench.report.tables.attributes import table

Run = tuple[RunRecord, ...]


def told(run: Run, **attributes: tuple[str, ...]) -> Run:
    return tuple(replace(record, attributes=attributes.get(record.sequence, ())) for record in run)


def test_a_sequence_counts_for_each_of_its_attributes(run: Run) -> None:
    frame = table(told(run, cat=("fast",), dog=("occlusion", "fast"))).frame
    assert list(zip(frame["attribute"], frame["strategy"], strict=True)) == [
        (attribute, spec) for attribute in ("fast", "occlusion") for spec in ("lfu", "fifo", "copy-first-mask")
    ]
    rows = frame.set_index(["attribute", "strategy"])
    everywhere, dog = rows.loc[("fast", "lfu")], rows.loc[("occlusion", "lfu")]
    assert (everywhere["sequences"], everywhere["objects"], dog["sequences"], dog["objects"]) == (2, 3, 1, 2)
    assert everywhere["jf"] == pytest.approx(0.6)  # objects 0.9 0.3 0.6 and 0.7 0.5 0.6
    assert (dog["j_mean"], dog["f_mean"]) == pytest.approx((0.45, 0.55))
    assert dog["jf_elsewhere"] == pytest.approx(0.8)  # cat
    assert dog["model_fps"] == pytest.approx(4 / 1.2)
    assert frame["jf_elsewhere"].isna().tolist() == [True] * 3 + [False] * 3


def test_records_without_attributes(run: Run) -> None:
    with pytest.raises(NotApplicableError, match="no record has an attribute"):
        table(run)


def test_a_strategy_without_a_record_of_such_a_sequence_has_no_row(run: Run) -> None:
    one, *others = told(run, cat=("fast",))
    frame = table((replace(one, attributes=()), *others)).frame
    assert list(frame["strategy"]) == ["fifo", "copy-first-mask"]


def test_records_keep_them(run: Run) -> None:
    (record,) = told(run[:1], cat=("fast", "OCC"))
    assert RunRecord.from_json(record.to_json()) == record
    older = {key: value for key, value in record.to_json().items() if key != "attributes"}
    assert RunRecord.from_json(older) == run[0]
