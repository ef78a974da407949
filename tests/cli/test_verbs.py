"""What all verbs share: their help, faults, interruptions and readers that go away."""

import signal
import subprocess
import sys
from importlib.metadata import version

import pytest

from vosbench import cli
from vosbench.cli.verbs import VERBS, check

EXAMPLES = {name: VERBS.find(name).example for name in VERBS.names()}


def test_all_verbs_are_there(vosbench):
    outcome = vosbench("--help")
    assert outcome.status == 0
    measuring = {"run", "reproduce", "merge", "segment", "simulate", "pack", "train", "score", "check"}
    reporting = {"export", "table", "timing", "plot", "figure", "video", "list", "compare", "publish", "report"}
    assert set(EXAMPLES) == measuring | reporting
    for verb in EXAMPLES:
        assert f"\n  {verb} " in outcome.out
    assert vosbench() == outcome


@pytest.mark.parametrize("verb", EXAMPLES)
def test_help_ends_with_an_example_that_parses(vosbench, verb):
    outcome = vosbench(verb, "--help")
    assert outcome.status == 0
    text = " ".join(outcome.out.split())
    assert text.endswith(f"Example: {EXAMPLES[verb]}")
    flags = [word for word in EXAMPLES[verb].split() if word.startswith("-")]
    assert EXAMPLES[verb].startswith(f"vosbench {verb}")
    assert all(f" {flag}" in outcome.out for flag in flags)


def test_version(vosbench):
    outcome = vosbench("--version")
    assert (outcome.status, outcome.out, outcome.err) == (0, f"vosbench {version('vosbench')}\n", "")


@pytest.mark.parametrize("words", [(), *((verb,) for verb in EXAMPLES)])
def test_help_has_a_short_name(vosbench, words):
    assert vosbench(*words, "-h") == vosbench(*words, "--help")


def test_ctrl_c_is_one_line(monkeypatch, vosbench):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "open_dataset", interrupt)
    outcome = vosbench("check", "--dataset", "davis2017")
    assert outcome.status == 128 + signal.SIGINT
    assert outcome.err.splitlines() == [
        "vosbench: error: interrupted",
        "hint: start the same command again: it begins anew",
    ]


def test_ctrl_c_while_python_imports_is_one_line():
    code = """
import sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "numpy":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from vosbench.cli import main
sys.exit(main(["list", "datasets"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr.splitlines()[0] == "vosbench: error: interrupted"
    assert len(done.stderr.splitlines()) == 2


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "vosbench", "list", "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("vosbench: error: ")
    assert len(done.stderr.splitlines()) == 2


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(check, "open_dataset", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("vosbench.base.own_files.own_modules", dict)  # other tests load some
    with pytest.raises(ZeroDivisionError):
        cli.main(["check", "--dataset", "davis2017"])


OWN_VERBS = {
    "Answer({}, {'frames': {1, 2}})": "own.py gives leads to ValueError: a set cannot be recorded",
    "Answer(status='x')": "own.py gives the status 'x'",
    "Answer(status=300)": "own.py gives the status 300",
    "5": "returns int, not an Answer",
}


@pytest.mark.parametrize("answer", OWN_VERBS)
def test_what_an_own_file_gives_wrongly_is_one_line(answer, tmp_path, refused):
    source = f"from vosbench.cli.verbs import Answer, Verb\ndef own():\n    return {answer}\nVERB = Verb(own, 'own')\n"
    (tmp_path / "own.py").write_text(source)
    said = refused(tmp_path / "own.py", "--json", tmp_path / "out.json")
    assert OWN_VERBS[answer] in said


def test_a_reader_that_goes_away_is_no_error():
    code = "import sys; from vosbench.cli import main; sys.stdin.read(); sys.exit(main(['list', 'datasets']))"
    command = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    command.stdout.close()
    command.stdin.close()
    assert command.wait(60) == 0
    assert command.stderr.read() == b""
    command.stderr.close()
