"""`table`, `timing` and `plot`: what the records of a run show."""

import csv
import json
import shutil

import cv2
import pytest

from vosbench.report.drawing import style


@pytest.fixture
def finished(finished_run, tmp_path):
    return shutil.copytree(finished_run / "run", tmp_path / "run")


@pytest.mark.parametrize("by", ["strategy", "sequence", "object"])
def test_table(finished, tmp_path, vosbench, by, read_json):
    outcome = vosbench("table", finished, "--by", by, "--json", tmp_path / "table.json")
    assert outcome.status == 0
    rows = read_json(tmp_path / "table.json")["rows"]
    assert len(rows) == {"strategy": 4, "sequence": 8, "object": 12}[by]
    assert outcome.out.count("\n") > len(rows)
    assert {row["strategy"] for row in rows} == {"every-k:k=2", "first-only", "copy-first-mask", "predict-nothing"}


def test_conditions_are_data(finished, vosbench):
    answer = json.loads(vosbench("table", finished, "--json", "-").out)
    assert answer["conditions"]["dataset"]["name"] == "davis2017"
    assert answer["conditions"]["model"]["precision"] == "fp32"
    compared = json.loads(vosbench("compare", finished, "--json", "-").out)["conditions"]
    assert compared["baseline"]["protocol"] == "davis2017/1"
    assert compared["differing"] == []


def test_table_formats(finished, tmp_path, vosbench):
    assert vosbench("table", finished, "--format", "markdown").out.startswith("| strategy")
    latex = vosbench("table", finished, "--format", "latex")
    assert r"\begin{table}" in latex.out
    assert latex.err.startswith("hint: ")  # it is too wide for a page
    assert "--columns strategy,jf,fps" in latex.err
    assert vosbench("table", finished, "--format", "csv", "--out", tmp_path / "new/table.csv").out == ""
    lines = (tmp_path / "new/table.csv").read_text().splitlines()
    assert len(lines) == 5
    assert len(list(csv.DictReader(lines))) == 4


@pytest.mark.parametrize("verb", ["table", "timing", "compare"])
def test_json_is_not_a_format_of_tables(finished, vosbench, refused, verb):
    assert "unknown table format 'json'" in refused(verb, finished, "--format", "json")
    assert "JSON is what --json writes" in " ".join(vosbench(verb, "--help").out.split())


def test_columns_by_key_by_last_words_and_by_heading(finished, vosbench, refused):
    command = ("table", finished, "--format", "csv", "--columns")
    assert vosbench(*command, "strategy, J&F,fps,j mean").out.startswith("strategy,jf,model_fps,j_mean\n")
    assert refused(*command, "strategy,jff") == "error: unknown column 'jff'\ndid you mean jf?"
    assert "--columns ' ,' names no column" in refused(*command, " ,")
    latex = ("table", finished, "--format", "latex", "--columns", "strategy,jf", "-p", "first-only")
    assert "textbf" not in vosbench(*latex).out  # one alone is not best


def test_table_of_a_broken_record(finished, vosbench, refused):
    path = finished / "records/first-only/ant.json"
    path.write_text(path.read_text()[:100])
    assert "first-only/ant.json is truncated or not JSON" in refused("table", finished)
    path.unlink()
    assert "PARTIAL (1 of 2 sequences are done); 1 sequence, 1 object" in " ".join(
        vosbench("table", finished).out.split()
    )


def test_timing(finished, tmp_path, vosbench, refused, read_json):
    outcome = vosbench("timing", finished, "--json", tmp_path / "timing.json")
    assert outcome.status == 0
    written = read_json(tmp_path / "timing.json")
    assert set(written) == {"stages", "latency"}
    assert [row["strategy"] for row in written["latency"]["rows"]] == ["every-k:k=2", "first-only"]
    text = vosbench("timing", finished, "--only", "stages", "--format", "csv").out
    rows = list(csv.DictReader(text.splitlines()))
    assert [float(row["share"]) for row in rows] == [row["share"] for row in written["stages"]["rows"]]
    assert sum(float(row["share"]) for row in rows if row["strategy"] == "first-only") == pytest.approx(1)
    assert "--only stages" in refused("timing", finished, "--format", "csv")
    assert "stages" in refused("timing", finished, "--only", "stage")


def test_a_table_and_a_figure_of_ones_own(finished, tmp_path, vosbench, refused):
    (tmp_path / "count.py").write_text(
        "from vosbench.report.table import Column, Table\n"
        "def table(records):\n"
        "    return Table((Column('records'),), [{'records': len(records)}], 'All.')\n"
    )
    (tmp_path / "dots.py").write_text(
        "from matplotlib.figure import Figure\n"
        "def figure(records):\n"
        "    drawn = Figure()\n"
        "    drawn.add_subplot().plot([len(records)])\n"
        "    return drawn\n"
    )
    assert vosbench("table", finished, "--by", tmp_path / "count.py", "--format", "csv").out == "records\n8\n"
    chosen = ("--only", tmp_path / "dots.py", "--only", "latency-against-frame")
    chosen += ("--highlight", "first-only")  # which this figure does not take
    assert vosbench("plot", finished, *chosen, "--format", "svg", "--out", tmp_path / "figures").status == 0
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"dots.svg", "latency-against-frame.svg"}
    assert "did you mean object?" in refused("table", finished, "--by", "objects")
    assert "no table file" in refused("table", finished, "--by", tmp_path / "none.py")
    assert "unknown figure 'speed'" in refused("plot", finished, "--only", "speed")
    assert "unknown strategy of the run 'lfu'" in refused("plot", finished, "--highlight", "lfu")
    assert "no strategy has two capacities" in refused("plot", finished, "--only", "accuracy-against-capacity")


@pytest.mark.parametrize(("kind", "name"), [("tables", "object"), ("figures", "memory-against-frame")])
def test_tables_and_figures_are_listed(vosbench, kind, name):
    lines = vosbench("list", kind).out.splitlines()
    assert any(line.startswith(f"{name} ") for line in lines)
    assert all(len(line.split()) > 5 for line in lines)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_plot(finished, tmp_path, vosbench, kind, read_json):
    outcome = vosbench("plot", finished, "--out", tmp_path / "new", "--format", kind, "--json", tmp_path / "plot.json")
    assert outcome.status == 0
    assert "accuracy-against-capacity is left out: no strategy has two capacities" in outcome.err
    names = ["accuracy-against-memory", "accuracy-against-speed", "latency-against-frame", "memory-against-frame"]
    figures = [tmp_path / "new" / f"{name}.{kind}" for name in names]
    assert outcome.out.splitlines() == read_json(tmp_path / "plot.json")["figures"] == [str(path) for path in figures]
    for path in figures:
        if kind == "png":
            assert min(cv2.imread(str(path)).shape[:2]) > 500
        else:
            assert "first-only" in path.read_text()


def test_plot_replaces_nothing_that_it_was_not_told_to(finished, tmp_path, vosbench, refused):
    (tmp_path / "memory-against-frame.png").write_text("mine")
    command = ("plot", finished, "--out", tmp_path)
    said = refused(*command)
    assert said.startswith(f"error: {tmp_path}/memory-against-frame.png exists already\n")
    assert said.endswith("give --overwrite to replace it")
    assert [path.name for path in tmp_path.glob("*.png")] == ["memory-against-frame.png"]  # nor are others drawn
    assert (tmp_path / "memory-against-frame.png").read_text() == "mine"
    assert vosbench(*command, "--overwrite").status == 0
    assert (tmp_path / "memory-against-frame.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("scored_in_a_thread")
def test_plot_of_a_sweep(small_davis, tmp_path, vosbench):
    sweep = ("-p", "lfu:capacity=1,every=1", "-p", "lfu:capacity=2,every=1", "-p", "first-only", "--no-controls")
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "--limit", 1, "--out", tmp_path / "run")
    assert vosbench(*arguments, *sweep).status == 0
    assert vosbench("plot", tmp_path / "run", "--out", tmp_path, "--format", "svg").status == 0
    figure = (tmp_path / "accuracy-against-capacity.svg").read_text()
    assert "lfu:every=1" in figure
    assert "first-only" in figure


def test_plot_faults(finished, tmp_path, refused):
    assert "unknown figure format 'gif'" in refused("plot", finished, "--format", "gif")
    (tmp_path / "file").write_text("")
    assert "cannot write " in refused("table", finished, "--out", tmp_path / "file" / "table.txt")


def test_some_strategies_of_a_run(finished, tmp_path, vosbench, refused):
    outcome = vosbench("table", finished, "--policies", "every-k:k=2,copy-first-mask", "--format", "csv")
    assert [row["strategy"] for row in csv.DictReader(outcome.out.splitlines())] == ["every-k:k=2", "copy-first-mask"]
    assert vosbench("plot", finished, "--policies", "first-only", "--format", "svg", "--out", tmp_path).status == 0
    figure = (tmp_path / "accuracy-against-speed.svg").read_text()
    assert "first-only" in figure
    assert "every-k" not in figure
    for verb in ("table", "plot"):
        assert "did you mean first-only" in refused(verb, finished, "--policies", "first-onli")


def test_a_crowd_is_not_drawn(finished, tmp_path, vosbench, refused, monkeypatch):
    monkeypatch.setattr(style, "MAX_STRATEGIES", 1)
    assert "2 strategies cannot be told apart" in refused("plot", finished, "--out", tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
    assert vosbench("plot", finished, "--policies", "first-only", "--out", tmp_path / "figures").status == 0
    assert vosbench("publish", finished, "--out", tmp_path / "published", "--allow-dirty").status == 0
    assert (tmp_path / "published" / "strategies.md").exists()
    assert not list((tmp_path / "published").glob("*.svg"))


def test_results_of_a_private_split(small_davis, tmp_path, vosbench, read_json):
    run = tmp_path / "private"
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "--split", "test-dev", "-p", "first-only")
    outcome = vosbench(*arguments, "--out", run, "--json", tmp_path / "run.json")
    assert outcome.status == 0
    assert "not scored" in outcome.out
    assert [record["scores"] for record in read_json(tmp_path / "run.json")["runs"][0]["records"]] == [None]
    assert vosbench("table", run, "--json", tmp_path / "table.json").status == vosbench("timing", run).status == 0
    assert [row["jf"] for row in read_json(tmp_path / "table.json")["rows"]] == [None]
    plot = vosbench("plot", run, "--out", tmp_path / "figures")
    assert plot.status == 0
    assert "accuracy-against-speed is left out" in plot.err
    assert "accuracy-against-capacity is left out: no strategy has scores" in plot.err
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "latency-against-frame",
        "memory-against-frame",
    }


@pytest.mark.parametrize("option", ["--json", "--out"])
def test_a_result_that_cannot_be_written(finished, tmp_path, vosbench, option):
    (tmp_path / "file").write_text("")
    outcome = vosbench("table", finished, option, tmp_path / "file/table")
    assert outcome.status == 2
    assert "cannot write" in outcome.err
    assert "hint: " in outcome.err
