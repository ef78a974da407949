"""The command lines of the benchmarks: help, and one line for what does not fit. What they measure is not tested."""

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py") if path.stem not in {"usage", "contestant"})


@pytest.fixture
def start(monkeypatch):
    """start(name, *arguments): the exit status of a benchmark."""
    monkeypatch.syspath_prepend(FOLDER)

    def act(name: str, *arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(str(FOLDER / name), run_name="__main__")
        return caught.value.code

    return act


@pytest.mark.parametrize("name", SCRIPTS)
def test_help(start, name, capsys):
    pytest.importorskip("distributed")
    assert start(name, "-h") == 0
    assert f"usage: {name} [-h]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("bench_lockstep.py --strategies 0", "'0' is not 1 or a larger whole number"),
        ("bench_lockstep.py --strategies 99", "invalid choice: 99"),
        ("bench_table3.py --turns 0", "argument --turns: '0' is not 1"),
        ("bench_table3.py --model none.pth", "error: no checkpoint none.pth"),
        ("bench_memory.py --objects some", "'some' is not 1"),
        ("bench_memory.py lfu --limit 4", "error: '4' has no unit"),
        ("bench_memory.py --objects 300", "a label map holds 254 objects at most, not 300"),
        ("bench_report.py -1", "not 1 or a larger"),
        ("bench_score.py nowhere --only decoding", "nowhere is no folder"),
        ("bench_score_turns.py nowhere", "nowhere is no folder: name one"),
        ("bench_segment.py --frames 3 --policy nosuch", "unknown strategy 'nosuch'"),
        ("bench_loader.py stcn-tiny --folder nowhere", "nowhere is no folder"),
        ("bench_table3.py --frames 2 --size 48 --objects 300", "no clip has 300 objects"),
        ("bench_engine.py --before . --model nomodel", "invalid choice: 'nomodel'"),
        ("bench_engine.py --before . --device gpu", "invalid choice: 'gpu'"),
        ("bench_score.py . --only verb", "has no folders of label PNGs"),
        ("bench_read.py more", "unrecognized arguments: more"),
    ],
)
def test_what_does_not_fit(start, command, told, capsys):
    assert start(*command.split()) == 2
    assert told in capsys.readouterr().err
