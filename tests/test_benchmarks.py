"""The command lines of the benchmarks and of the checks of a GPU: help, and one line for what does not fit, with what
`pip install` brings. What they measure is not tested.
"""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

TESTS = Path(__file__).parent
FILES = [path for folder in ("benchmarks", "gpu") for path in sorted((TESTS / folder).rglob("*.py"))]
SCRIPTS = {path.name: path for path in FILES if "__main__" in path.read_text()}


@pytest.fixture
def start(monkeypatch):
    """start(name, *arguments): the exit status of a script where what only tests need is not installed."""

    def act(name: str, *arguments: str) -> int:
        with monkeypatch.context() as patch:
            patch.setattr(torch, "inference_mode", torch.inference_mode)  # the GPU that is not there changes it
            for known in [known for known, module in sys.modules.items() if _is_of_tests(module)]:
                patch.delitem(sys.modules, known)
            for absent in ("pytest", "hypothesis", "distributed"):
                patch.setitem(sys.modules, absent, None)
            patch.syspath_prepend(SCRIPTS[name].parent)
            patch.setattr(sys, "argv", [name, *arguments])
            with pytest.raises(SystemExit) as caught:
                runpy.run_path(str(SCRIPTS[name]), run_name="__main__")
        return caught.value.code

    return act


def _is_of_tests(module: object) -> bool:
    """Whether it is one that tests and scripts import."""
    file = getattr(module, "__file__", None)
    return file is not None and TESTS in Path(file).parents and "test" not in Path(file).stem


@pytest.mark.parametrize("name", SCRIPTS)
def test_help(start, name, capsys):
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
        ("contestant.py", "the following arguments are required: kind, folder, settings"),
        ("contestant.py published . {}", "'{}' is not a table that has clip, device, weights too"),
        ("contestant.py published . 3", "'3' is not a table of JSON"),
        ('contestant.py vosbench nowhere {"clip":1,"device":"cpu","weights":""}', "nowhere has no folder vosbench"),
        ("ablation.py", "the following arguments are required"),
        ("emulate.py nosuch", "unknown strategy 'nosuch'"),
        ("graphs.py more", "unrecognized arguments: more"),
        ("faults.py more", "unrecognized arguments: more"),
        ("lent_training.py --out .", "the following arguments are required: --data"),
        ("gpu_check.py --only nothing", "--only: no step nothing"),
        ("gpu_check.py --root nowhere", "nowhere has no folder vosbench"),
    ],
)
def test_what_does_not_fit(start, command, told, capsys):
    assert start(*command.split()) == 2
    assert told in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_check_of_a_gpu_ends_at_once_without_one(start, tmp_path, capsys):
    assert start("gpu_check.py", "--out", str(tmp_path / "new")) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("error: torch finds no GPU on this machine: --device cpu tries the same")
    assert not (tmp_path / "new").exists()


def test_a_check_tells_what_it_cannot_do_and_where_it_writes(start, tmp_path, monkeypatch, capsys):
    """The tests that it runs need pytest."""
    monkeypatch.chdir(tmp_path)
    assert start("gpu_check.py", "--device", "cpu", "--only", "environment,tests") == 1
    told = capsys.readouterr().out
    assert f"writes {tmp_path / 'gpu_check.json'}\n" in told
    assert "\nnot run: this needs pytest (pip install pytest)\n" in told
    assert "1 failures" in told
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    assert found["environment"]["found"]["torch"] == torch.__version__
    assert "needs pytest" in found["tests"]["found"]["left out"]
