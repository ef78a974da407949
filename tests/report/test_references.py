"""A reference is marked wherever it stands, and takes no part in the competition; and what makes one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from my_idea import IDEA

from vosbench.bench.plan import policy_info
from vosbench.bench.record import RunRecord
from vosbench.memory.spec import PolicySpec
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import pair_up
from vosbench.report.compare.tables import changed_objects, difference_table
from vosbench.report.drawing.style import short
from vosbench.report.pictures.footage import open_footage
from vosbench.report.pictures.strip import strip
from vosbench.report.plots import (
    accuracy_against_attribute,
    accuracy_against_capacity,
    accuracy_against_memory,
    latency_against_frame,
    memory_against_frame,
)
from vosbench.report.rendering import render
from vosbench.report.table import Table
from vosbench.report.tables import TABLES

BOUND = IDEA + "\n    is_reference = True\n"
ORACLE = "oracle-masks:base=every-k"
MARKED = f"{ORACLE} (reference)"


@pytest.fixture
def records(run: tuple[RunRecord, ...], build: Callable[..., RunRecord]) -> list[RunRecord]:
    """The run, and a reference that is best and cheapest."""
    best = [
        build(ORACLE, name, position=3, j=[0.99] * n, latency_ms=[1.0] * 2, tokens=[1] * 2)
        for name, n in (("cat", 1), ("dog", 2))
    ]
    return [replace(record, attributes=("OC",)) for record in (*run, *best)]


def tables(records: list[RunRecord]) -> dict[str, Table]:
    one_run = {name: TABLES.find(name) for name in TABLES.names() if not TABLES.find(name).of_several}
    made = {name: one_run[name](records) for name in one_run if name not in ("environment", "worst-frames")}
    data = [replace(records[0].dataset, name="synthetic", split=f"occlusion={n}", fingerprint=str(n)) for n in (5, 20)]
    runs = [[replace(record, dataset=dataset) for record in records] for dataset in data]
    found = differences(pair_up({"run": records}))
    return made | {
        "attribute": TABLES.find("attribute")(*runs),
        "compare": difference_table(found),
        "changed": changed_objects(found),
    }


def test_every_table_marks_it_in_every_format(records: list[RunRecord]) -> None:
    for name, table in tables(records).items():
        for form in ("text", "markdown", "latex"):
            text = " ".join(render(table, form, name=name).split())
            assert MARKED in text, (name, form)
            assert "lfu (" not in text
        if name != "side-by-side":
            assert {row["kind"] for row in table.rows if row["strategy"] == ORACLE} == {"reference"}, name
            assert "kind" in render(table, "csv").splitlines()[0].split(","), name


def test_it_is_neither_best_nor_second_in_latex(records: list[RunRecord]) -> None:
    for name, table in tables(records).items():
        lines = render(table, "latex", name=name).splitlines()
        assert not [line for line in lines if MARKED in line and ("textbf" in line or "underline" in line)]
    assert r"\textbf{60.0}" in render(TABLES.find("strategy")(records), "latex")  # as if the others were alone


def test_it_is_no_part_of_the_pareto_line(records: list[RunRecord]) -> None:
    def lines(shown: list[RunRecord]) -> dict[str, list[list[float]]]:
        axes = accuracy_against_memory.figure(shown).axes[0]
        assert (MARKED in [text.get_text() for text in axes.texts]) == (shown[-1] is records[-1])
        return {str(line.get_label()): line.get_xydata().tolist() for line in axes.lines}

    found = lines(records)
    assert found[ORACLE] == [[pytest.approx(0.1), pytest.approx(99)]]
    assert found["_front"] == lines(records[:-2])["_front"]
    assert lines(records[-2:])["_front"] == []  # alone


def test_every_curve_and_picture_names_it(records: list[RunRecord], finished_run: Path) -> None:
    capacity = [record for n in (2, 4) for record in swept(records[0], f"offline:capacity={n}", n)]
    sweeps = [
        [replace(r, dataset=replace(r.dataset, name="synthetic", split=f"occlusion={n}")) for r in records]
        for n in (5, 9)
    ]
    for figure, name in (
        (latency_against_frame.figure(records), MARKED),
        (memory_against_frame.figure(records, highlight=[ORACLE]), MARKED),
        (accuracy_against_attribute.figure(*sweeps), MARKED),
        (accuracy_against_capacity.figure(capacity), "offline (reference)"),
    ):
        texts = [text.get_text() for axes in figure.axes for text in axes.texts]
        assert short(name) in texts
        assert not [text for text in texts if text.startswith("lfu (")]
    many = [replace(records[0], policy=replace(records[0].policy, label=f"lfu {n}")) for n in range(8)] + records[-2:-1]
    titles = [axes.get_title(loc="left").replace("\n", " ") for axes in memory_against_frame.figure(many).axes]
    assert titles[-2:] == ["lfu 7", "oracle-masks:base= every-k (reference)"]

    footage = open_footage(finished_run / "run", "ant", strategies=["first-only", "copy-first-mask"])
    marked = {label: replace(r, policy=replace(r.policy, kind="reference")) for label, r in footage.records.items()}
    drawn = strip(replace(footage, records={**footage.records, "first-only": marked["first-only"]}), [0])
    texts = [text.get_text().replace("\n", " ") for text in drawn.texts]
    assert {"first-only (reference)", "copy-first-mask (control)"} <= {*texts}


def swept(like: RunRecord, spec: str, position: int) -> list[RunRecord]:
    policy = replace(policy_info(PolicySpec.parse(spec), position), source_hash="cafe")
    return [replace(like, policy=policy)]


def test_what_is_a_reference(tmp_path: Path) -> None:
    (tmp_path / "bound.py").write_text(BOUND)
    (tmp_path / "idea.py").write_text(IDEA)
    (tmp_path / "broken.py").write_text(IDEA + "\n    def __post_init__(self):\n        raise ValueError\n")
    kinds = {
        "lfu": "strategy",
        "offline": "reference",
        "oracle-masks": "reference",
        "gated:base=oracle-masks": "reference",
        "gated:base=lfu": "strategy",
        f"{tmp_path}/bound.py": "reference",
        f"gated:base={tmp_path}/bound.py": "reference",
        f"{tmp_path}/idea.py": "strategy",
        f"{tmp_path}/broken.py": "strategy",
    }
    assert {spec: policy_info(PolicySpec.parse(spec), 0).kind for spec in kinds} == kinds
