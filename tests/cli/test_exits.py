"""What is plugged in may not end the program as if all were well."""

import signal
from contextlib import contextmanager

import pytest

from vosbench.cli.verbs import VERBS

EXITING = """import sys
from dataclasses import dataclass
from vosbench.memory.policy import BoundedPolicy, parameter
@dataclass
class Leaves(BoundedPolicy):
    capacity: float = parameter(3.0, "frames", "size of the bank", at_least=1)
    def score(self, frame):
        sys.exit(0)
"""


def test_a_strategy_that_exits_breaks_its_contract(vosbench, tmp_path):
    (tmp_path / "idea.py").write_text(EXITING)
    outcome = vosbench("check", "policy", tmp_path / "idea.py")
    assert outcome.status == 2
    assert "idea.py:8: frame" in outcome.out
    assert "SystemExit: 0" in outcome.out


def test_a_strategy_that_raises_what_ctrl_c_does_fails_alone(vosbench, tmp_path, small_davis):
    (tmp_path / "idea.py").write_text(EXITING.replace("sys.exit(0)", "raise KeyboardInterrupt"))
    checked = vosbench("check", "policy", tmp_path / "idea.py")
    assert checked.status == 2
    assert "idea.py:8: frame" in checked.out
    data = ("--dataset", "davis2017", "--root", small_davis, "--no-controls", "--no-score", "--shorter-side", 32)
    ran = vosbench(
        "run", *data, "-p", f"{tmp_path}/idea.py:capacity=1,every=1", "-p", "first-only", "--out", tmp_path / "run"
    )
    assert ran.status == 2
    told = [line for line in ran.err.splitlines() if "broke its contract" in line]
    assert len(told) == 2
    assert all("KeyboardInterrupt" in line for line in told)


@pytest.mark.parametrize("where", ["", "    def encode(self, frame):\n        "])
def test_a_network_that_raises_what_ctrl_c_does_is_told_with_its_place(vosbench, tmp_path, where):
    (tmp_path / "net.py").write_text(
        f"from toy_network import Toy\nclass Net(Toy):\n    x = 1\n{where}raise KeyboardInterrupt\n"
    )
    outcome = vosbench("check", "model", tmp_path / "net.py")
    assert outcome.status == 2
    assert "KeyboardInterrupt" in outcome.out + outcome.err
    assert "net.py" in outcome.out + outcome.err


@pytest.mark.parametrize("how", ["sys.exit()", "raise SystemExit(3)", "raise KeyboardInterrupt"])
def test_a_verb_that_exits_is_a_fault_with_its_place(vosbench, tmp_path, how):
    (tmp_path / "verb.py").write_text(
        "import sys\nfrom vosbench.cli.verbs import Answer, Verb\n"
        f"def leave() -> Answer:\n    {how}\nVERB = Verb(leave, 'vosbench ./verb.py')\n"
    )
    outcome = vosbench(tmp_path / "verb.py")
    assert outcome.status == 2
    assert f"verb.py:4: {'KeyboardInterrupt' if 'Key' in how else 'SystemExit'}" in outcome.err


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("verb", ["report", "plot", "table"])
def test_what_an_ended_verb_says_of_a_second_try_is_true(vosbench, monkeypatch, verb):
    monkeypatch.setattr("vosbench.cli.records.latest", interrupt)
    monkeypatch.setattr(f"vosbench.cli.verbs.{verb}.latest", interrupt, raising=False)
    ended = vosbench(verb)
    assert ended.status == 130
    assert ended.err.splitlines()[-1] == "hint: start the same command again: it begins anew"


def test_a_signal_at_the_very_end_is_one_line_as_well(vosbench, monkeypatch):
    @contextmanager
    def interrupted_when_left(**_):
        came = []
        yield came
        came.append(signal.SIGTERM)
        raise KeyboardInterrupt

    monkeypatch.setattr("vosbench.cli.as_interrupts", interrupted_when_left)
    ended = vosbench("list", "protocols")
    assert ended.status == 128 + signal.SIGTERM
    assert ended.err.splitlines() == [
        "vosbench: error: ended by SIGTERM",
        "hint: start the same command again: it begins anew",
    ]


def test_the_verbs_that_keep_what_is_finished():
    keep = {name for name in VERBS.names() if "anew" not in VERBS.find(name).again}
    assert keep == {"run", "reproduce", "score", "simulate", "train"}
