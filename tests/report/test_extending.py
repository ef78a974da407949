"""Tables and figures from outside the package: by the path of a file, by an entry point, and in `publish`."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from vosbench.base import registry
from vosbench.bench.record import write_record
from vosbench.errors import VosbenchError
from vosbench.report.makers import applicable
from vosbench.report.plots import FIGURES
from vosbench.report.publishing import documents, figures, publish
from vosbench.report.tables import TABLES

TABLE = """
from vosbench.report.table import Column, Table

def table(records):
    return Table((Column("records"),), [{"records": len(records)}], "How many records.")
"""
OTHER = """
from vosbench.report.makers import NotApplicableError

def table(records):
    raise NotApplicableError("too few records", "run more")
"""
FIGURE = """
from matplotlib.figure import Figure

def figure(records):
    drawn = Figure()
    drawn.add_subplot().plot([len(records)], label="records")
    return drawn
"""


@pytest.fixture
def installed(monkeypatch):
    """An installed package that brings a table, a figure, and a table that some records do not allow."""
    modules = {
        "their_table": TABLE + "\nPUBLISHED = ('count.csv',)\n",
        "their_figure": FIGURE,
        "their_other": OTHER,
    }
    for name, source in modules.items():
        made = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, made)
        exec(source, vars(made))
    points = [
        EntryPoint("count", "their_table", "vosbench.tables"),
        EntryPoint("count-function", "their_table:table", "vosbench.tables"),
        EntryPoint("other", "their_other", "vosbench.tables"),
        EntryPoint("dots", "their_figure", "vosbench.figures"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [point for point in points if point.group == group])


def test_files_of_ones_own(run, tmp_path):
    (tmp_path / "count.py").write_text(TABLE)
    (tmp_path / "dots.py").write_text(FIGURE)
    assert TABLES.find(str(tmp_path / "count.py"))(run).rows == [{"records": len(run)}]
    made, left_out = applicable(FIGURES, [run], [str(tmp_path / "dots.py"), "memory-against-frame"])
    assert (list(made), left_out) == (["dots", "memory-against-frame"], {})
    assert made["dots"].axes[0].lines[0].get_label() == "records"


@pytest.mark.usefixtures("installed")
def test_an_installed_package_brings_its_own(run, tmp_path):
    assert TABLES.find("count")(run) == TABLES.find("count-function")(run)
    assert {"count", "other", "strategy"} <= set(TABLES.names())
    assert {"dots", "accuracy-against-speed"} <= set(FIGURES.names())
    assert documents(run)["count.csv"] == f"records\n{len(run)}\n"
    assert "dots.svg" in figures(run)
    for record in run:
        write_record(tmp_path / "run/records" / record.policy.name / f"{record.sequence}.json", record)
    written = {path.name for path in publish(tmp_path / "run", folder=tmp_path / "published")}
    assert {"count.csv", "dots.svg", "strategies.md"} <= written
    assert not any(name.startswith(("other", "count.md")) for name in written)
    assert applicable(TABLES, [run])[1]["other"] == "too few records"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1", "defines no table"),
        ("def table(records):\n    return records[0].nothing", r"fails at .*own\.py:2: AttributeError: .*nothing"),
        ("def table(records):\n    pass", r"the function table at .*own\.py:1 returns nothing"),
        ("def table(records):\n    return 5", "returns int, not a Table"),
        ("import nothing_such", "fails to load: ModuleNotFoundError"),
        ("def table(*runs):\n    return None", "made of several runs, not of 1"),
    ],
)
def test_what_is_no_table_is_refused(run, tmp_path, source, message):
    (tmp_path / "own.py").write_text(source)
    with pytest.raises(VosbenchError, match=message) as caught:
        TABLES.find(str(tmp_path / "own.py"))(run)
    assert caught.value.hint


def test_names_and_numbers_of_runs(run):
    with pytest.raises(VosbenchError, match="unknown table 'strategies'") as caught:
        TABLES.find("strategies")
    assert "strategy" in caught.value.hint
    with pytest.raises(VosbenchError, match="made of one run, not of 2"):
        TABLES.find("strategy")(run, run)


def test_a_table_is_published_in_formats_of_tables(run, monkeypatch):
    module = ModuleType("their_table")
    monkeypatch.setitem(sys.modules, "their_table", module)
    exec(TABLE + "\nPUBLISHED = ('count.pdf',)\n", vars(module))
    points = [EntryPoint("count", "their_table", "vosbench.tables")]
    monkeypatch.setattr(registry, "entry_points", lambda group: [point for point in points if point.group == group])
    with pytest.raises(VosbenchError, match=r"count cannot be published as count\.pdf"):
        documents(run)
