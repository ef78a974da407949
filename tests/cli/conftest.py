"""The command line as a function: what it printed, and the proof that a fault is one line, a hint and status 2."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from vosbench.base import processes
from vosbench.cli import main
from vosbench.models.checkpoint import Checkpoint
from vosbench.models.stcn.network import STCN


@pytest.fixture(scope="session")
def small_networks(small_model: STCN) -> Callable[..., STCN]:
    """What stands for stcn-tiny where it does not matter what is predicted: small_networks(affinity)."""

    @cache
    def build(affinity: str | None) -> STCN:
        network = deepcopy(small_model)
        if affinity is not None:
            network.compare_by(affinity)
        return network

    return build


@pytest.fixture
def real_network() -> None:
    """For tests of what the bundled weights predict."""


@pytest.fixture(autouse=True)
def small_network(
    small_networks: Callable[..., STCN], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The command line has the same to do with a network that runs in no time, but in tests that use `real_network`."""
    build = Checkpoint.build

    def small(one: Checkpoint, device: object = "cpu", affinity: str | None = None, precision: str = "fp32") -> Any:
        if (one.name, str(device), precision) == ("stcn-tiny", "cpu", "fp32"):
            return small_networks(affinity)
        return build(one, device, affinity, precision)

    if "real_network" not in request.fixturenames:
        monkeypatch.setattr(Checkpoint, "build", small)


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
