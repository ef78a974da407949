"""The command line as a function: what it printed, and the proof that a fault is one line, a hint and status 2."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vosbench.base import processes
from vosbench.cli import main


@pytest.fixture
def scored_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs start no process to score in: that takes a second."""
    monkeypatch.setattr(processes, "start", lambda _, count: ThreadPoolExecutor(count))


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def vosbench(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """vosbench("run", "--limit", 1, ...): the outcome of one command, in this process."""

    def call(*arguments: object) -> Outcome:
        status = main([str(argument) for argument in arguments])
        return Outcome(status, *capsys.readouterr())

    return call


@pytest.fixture
def refused(vosbench: Callable[..., Outcome]) -> Callable[..., str]:
    """Run a command that must fail as a user's fault does, and return what it said: `<message>\\n<hint>`."""

    def call(*arguments: object) -> str:
        outcome = vosbench(*arguments)
        assert outcome.status == 2
        assert outcome.out == ""
        lines = [line for line in outcome.err.splitlines() if not line.startswith("[")]  # finished parts, before it
        assert len(lines) == 2, outcome.err
        assert lines[0].startswith("vosbench: error: ")
        assert lines[1].startswith("hint: ")
        return "\n".join(line.partition(": ")[2] for line in lines)

    return call


@pytest.fixture
def read_json() -> Callable[[Path], Any]:
    """The result in a JSON file that a verb wrote. NaN and Infinity, which Python would take, are no JSON."""

    def read(path: Path) -> Any:
        written = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert list(written) == ["schema", "verb", "conditions", "result"]
        return written["result"]

    return read
