"""What a person sees: tables no wider than the terminal, all of them elsewhere, and how long it will take."""

import io
import os
import sys
from types import SimpleNamespace

import pytest

from vosbench.base.words import count, duration
from vosbench.cli import progress
from vosbench.cli.progress import CountProgress, RunProgress


@pytest.fixture
def terminal(monkeypatch):
    """Call with a width: standard output is a terminal that wide."""

    def of(columns):
        monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((columns, 24)))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    return of


def heads(table):
    lines = table.split("\n\n")[1].splitlines()
    return lines[lines.index(lines[0], 1) - 1].split()  # above the second rule


def test_a_table_fits_the_terminal_and_a_pipe_gets_all(finished, vosbench, terminal):
    whole = vosbench("table", finished / "run").out
    assert "Left out" not in whole
    assert "decay" in whole
    widest = max(map(len, whole.splitlines()))
    last, left_out = widest, []
    for width in (widest, 90, 80, 60, 40):
        terminal(width)
        shown = vosbench("table", finished / "run").out
        assert max(map(len, shown.splitlines())) <= width
        note = " ".join(shown.split("Left out for want of width: ")[1].split()) if "Left out" in shown else "."
        names = note.partition(". --columns")[0].split(", ")
        assert names[: len(left_out)] == left_out or width == widest  # always in the same order
        left_out, last = names if width < widest else [], width
    assert last == 40
    assert left_out[:4] == ["J decay", "F decay", "J recall", "F recall"]
    chosen = vosbench("table", finished / "run", "--columns", "strategy,j_decay,fps").out
    assert heads(chosen) == ["strategy", "decay", "FPS"]


def test_the_figure_that_a_table_is_made_for_leaves_last(finished, vosbench, terminal):
    terminal(40)
    assert heads(vosbench("table", finished / "run").out)[-1] == "J&F"
    terminal(52)
    assert heads(vosbench("table", finished / "run", "--by", "object").out)[-1] == "J&F"
    terminal(28)
    shown = vosbench("compare", finished / "run").out
    assert heads(shown) == ["strategy", "J&F", "diff."]
    note = " ".join(shown.partition("The objects whose")[0].split())
    assert note.endswith("model FPS, F mean, J mean. --columns chooses. A file or a pipe has all.")
    terminal(38)
    shown = vosbench("compare", finished / "run").out.partition("changed most.")[2]
    assert heads(shown) == ["strategy", "sequence", "object", "diff."]
    assert " ".join(shown.split()).endswith("Left out for want of width: baseline J&F, J&F. A file or a pipe has all.")
    terminal(20)
    assert "J mean, diff. --columns" in " ".join(vosbench("compare", finished / "run").out.split())


def test_a_list_is_wrapped_under_its_names(vosbench, terminal):
    whole = vosbench("list", "policies").out
    terminal(60)
    shown = vosbench("list", "policies").out
    assert max(map(len, shown.splitlines())) <= 60 < max(map(len, whole.splitlines()))
    assert shown.split() == whole.split()
    assert next(line for line in shown.splitlines() if line.startswith("lfu ")).startswith("lfu               ")


def test_chosen_columns_in_every_format(finished, vosbench, refused):
    chosen = ("table", finished / "run", "--columns", "jf, strategy,memory", "--caption", "Mine")
    assert heads(vosbench(*chosen).out) == ["J&F", "strategy", "memory"]
    assert vosbench(*chosen).out.startswith("Mine\n")
    assert vosbench(*chosen, "--format", "csv").out.splitlines()[0] == "jf,strategy,frames_in_memory"
    assert vosbench(*chosen, "--format", "markdown").out.splitlines()[0].split("|")[2].strip() == "strategy"
    assert r"\caption{Mine}" in vosbench(*chosen, "--format", "latex").out
    assert "unknown column 'jff'" in refused("table", finished / "run", "--columns", "strategy,jff")


def test_a_strategy_with_its_parameters(vosbench, read_json, tmp_path, refused, terminal):
    outcome = vosbench("list", "policies", "lfu", "--json", tmp_path / "lfu.json")
    line = next(line for line in outcome.out.splitlines() if line.startswith("capacity "))
    assert line.split() == ["capacity", "2.0", "frames", "1", "size", "of", "the", "bank"]
    (told,) = read_json(tmp_path / "lfu.json")["policies"]
    assert told["parameters"]["every"] == {
        "default": 5, "unit": "frames", "about": "distance between writes", "at_least": 1
    }  # fmt: skip
    assert vosbench("list", "suites", "catalogue").out.count("\n") == 1
    terminal(62)
    shown = vosbench("list", "policies", "lfu").out
    assert max(map(len, shown.splitlines())) <= 62 < max(map(len, outcome.out.splitlines()))
    assert "Left out" not in shown  # the meaning is wrapped
    assert line.split() in map(str.split, shown.splitlines())
    terminal(40)
    note = vosbench("list", "policies", "lfu").out.partition("Left out for want of width: ")[2]
    assert " ".join(note.split()) == "about. A file or a pipe has all."  # and no option that it has not
    assert "unknown strategy 'lfuu'" in refused("list", "policies", "lfuu")
    assert "unknown suite 'catalog'" in refused("list", "suites", "catalog")


def test_a_log_says_how_long_it_will_take(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    with RunProgress(4) as run:
        now[0] += 50
        run("lfu", "dog", 1, 1)
        now[0] += 450
        run("fifo", "dog", 70, 70)
    with RunProgress(16) as run:
        run.begin(12)
        now[0] += 20  # until processes have started
        for who, frame in (("fifo", 1), ("lfu", 1), ("fifo", 10), ("lfu", 10)):
            now[0] += 2
            run(who, "dog", frame, 10)
        run("random", "cat", 10, 10)
    with CountProgress("frame") as counted:
        for done in range(1, 101):
            now[0] += 1
            counted(done, 100)
    assert log.getvalue().splitlines() == [
        "[1/4] lfu on dog, 1 frame, 50 s since the start, about 2 min left",
        "[2/4] fifo on dog, 70 frames, 8 min since the start, about 8 min left",
        "[5/16] fifo on dog, 10 frames, 26 s since the start",
        "[6/16] lfu on dog, 10 frames, 28 s since the start, about 30 s left",
        "[7/16] random on cat, 10 frames, 28 s since the start, about 18 s left",
        "31 of 100 frames, 31 s since the start, about 69 s left",
        "62 of 100 frames, 62 s since the start, about 38 s left",
        "93 of 100 frames, 93 s since the start, about 7 s left",
    ]


def test_a_training_says_how_long_it_will_take(monkeypatch, vosbench, tmp_path):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def carry_out(stages, folder, export, average, tell):
        del stages, export, average
        for step in (40, 60, 100):  # it goes on from step 20, say
            now[0] += 600
            tell(step, 0.5, 0.25, 1.5, 80.0 if step == 100 else None)
        return SimpleNamespace(checkpoint=folder / "last.pt", weights=None)

    monkeypatch.setattr("vosbench.training.training.train", carry_out)
    (tmp_path / "tiny.toml").write_text("size = 48\nbatch = 1\nsteps = 100\nworkers = 0\n")
    said = vosbench("train", tmp_path / "tiny.toml", "--out", tmp_path / "out").out.splitlines()
    assert said == [
        "step 40/100  loss 0.5000  IoU 0.250  1.50 clips/s",
        "step 60/100  loss 0.5000  IoU 0.250  1.50 clips/s, about 20 min left",
        "step 100/100  loss 0.5000  IoU 0.250  1.50 clips/s  J&F 80.0",
    ]


def test_a_training_in_stages_says_where_it_is_and_what_is_left_of_all(monkeypatch, vosbench, tmp_path):
    """The second stage has four times the pixels a step, so that its 50 steps take as long as 200 of the first."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def carry_out(stages, folder, export, average, tell):
        del export, average
        for stage, step in ((0, 50), (0, 100), (1, 25)):
            now[0] += 600
            tell(step, 0.5, 0.25, 1.5, None, stages[stage].name)
        return SimpleNamespace(checkpoint=folder / "last.pt", weights=None)

    monkeypatch.setattr("vosbench.training.training.train", carry_out)
    (tmp_path / "two.toml").write_text(
        "steps = 100\nsize = 64\n[[stages]]\nname = 'still'\n[[stages]]\nname = 'moving'\nsize = 128\nsteps = 50\n"
    )
    said = vosbench("train", tmp_path / "two.toml", "--out", tmp_path / "out").out.splitlines()
    assert said == [
        "still (1 of 2), step 50/100  loss 0.5000  IoU 0.250  1.50 clips/s",
        "still (1 of 2), step 100/100  loss 0.5000  IoU 0.250  1.50 clips/s, about 40 min left",
        "moving (2 of 2), step 25/50  loss 0.5000  IoU 0.250  1.50 clips/s, about 13 min left",
    ]


def test_numbers_and_words():
    assert [count(n, "pass") for n in (0, 1, 2)] == ["0 passes", "1 pass", "2 passes"]
    assert [count(2, noun) for noun in ("strategy", "key", "frame")] == ["2 strategies", "2 keys", "2 frames"]
    assert [duration(s) for s in (3.4, 99, 100, 5999, 7800)] == ["3 s", "99 s", "2 min", "1 h 40 min", "2 h 10 min"]
