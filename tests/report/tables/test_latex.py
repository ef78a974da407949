"""Tables for a paper: what is best is marked, every text means itself, and LaTeX takes it where there is one."""

import re
import shutil
import subprocess

import pytest

from vosbench.report.latex import escaped
from vosbench.report.rendering import render
from vosbench.report.table import Column, Table, percent
from vosbench.report.tables import TABLES

JF = percent("jf", "J&F", "higher")
FPS = Column("model_fps", "FPS", 1, better="higher")
MS = Column("ms", better="lower")
HOSTILE = r"50% of {a_b} & #1 $x^2$ ~ \end{table} <b|c> \"quoted\" Größe 中 ę λ – …"


def rows_of(text):
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    return [[cell.strip() for cell in line.removesuffix(" \\\\").split("&")] for line in body.splitlines()]


def test_best_is_bold_and_second_underlined():
    rows = [
        {"strategy": "a", "jf": 0.80049, "ms": 3},
        {"strategy": "b", "jf": 0.80041, "ms": 1},  # prints the same as a
        {"strategy": "c", "jf": 0.7, "ms": 2},
        {"strategy": "d", "jf": 0.6, "ms": float("nan")},
        {"strategy": "perfect", "kind": "control", "jf": 1.0},
    ]
    table = Table((Column("strategy"), Column("kind", printed=False), JF, MS), rows, "")
    assert rows_of(render(table, "latex")) == [
        ["a", r"\textbf{80.0}", "3"],
        ["b", r"\textbf{80.0}", r"\textbf{1}"],
        ["c", r"\underline{70.0}", r"\underline{2}"],
        ["d", "60.0", ""],
        ["perfect", "100.0", ""],
    ]


def test_what_tex_does_not_know_stands_in_escapes():
    assert escaped("Größe, Łódź – 中_λ") == r"Größe, Łódź – \textbackslash{}u4e2d\_\textbackslash{}u03bb"


def test_rows_of_one_sequence_are_held_against_each_other():
    rows = [{"sequence": s, "strategy": n, "jf": v} for s, n, v in [("x", "a", 1), ("x", "b", 0), ("y", "a", 0.5)]]
    text = render(Table((Column("sequence"), Column("strategy"), JF), rows, "", within=("sequence",)), "latex")
    assert [row[-1] for row in rows_of(text)] == [r"\textbf{100.0}", r"\underline{0.0}", "50.0"]


def test_label_caption_and_columns(run):
    table = TABLES.find("strategy")(run)
    text = render(table, "latex", name="strategy", columns=("strategy", "jf", "fps"), caption="Ours &\n\ntheirs")
    assert "\\caption{Ours \\& theirs}\n\\label{tab:strategy-davis2017-val}\n\\begin{tabular}{lrr}\n" in text
    assert text.startswith("% davis2017 val, frames all; protocol davis2017")  # the conditions stay beside it
    assert rows_of(text)[0] == ["lfu", r"\textbf{60.0}", r"\underline{4.29}"]


@pytest.mark.parametrize("name", [*TABLES.names()])
def test_tex_takes_every_table(run, name, tmp_path):
    if TABLES.find(name).of_several:
        pytest.skip("it is made of several runs")
    try:
        table = TABLES.find(name)(run)
    except Exception as error:
        pytest.skip(f"these records have no such table: {error}")
    rows = [*table.rows, {table.columns[0].key: HOSTILE}]
    text = render(Table(table.columns, rows, HOSTILE, table.conditions, table.within), "latex", name=name)
    bare = re.sub(r"\\[{}&%$#_\\]", "", text)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\(begin|end)\{(\w+)\}", bare) == [
        ("begin", "table"), ("begin", "tabular"), ("end", "tabular"), ("end", "table")
    ]  # fmt: skip
    columns = len(text.split("\\begin{tabular}{")[1].split("}")[0])
    assert {len(re.split(r"(?<!\\)&", line)) for line in text.splitlines() if line.endswith(" \\\\")} == {columns}
    if shutil.which("pdflatex"):
        frame = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}%s\\ref{%s}\\end{document}"
        label = re.search(r"\\label\{(.*)\}", text)[1]
        (tmp_path / "paper.tex").write_text(frame % (text, label))
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-1000:]
