"""Times are taken alone on a machine where that is asked for; else those taken beside others say so."""

import fcntl
import os
import re
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from vosbench.bench.machine import WaitingWarning, at_work
from vosbench.bench.merge import merge
from vosbench.bench.runner import run
from vosbench.report.context import context

BESIDE = "taken while other runs were at work on the machine"


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """One on which nobody else is at work."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.filterwarnings("ignore::vosbench.bench.machine.WaitingWarning")
def test_who_is_alone_waits_for_others_and_is_not_overtaken():
    events: list[str] = []
    seen: dict[str, bool] = {}
    may_end = {name: threading.Event() for name in ("a", "b", "alone", "c")}

    def work(name: str) -> None:
        with at_work(alone=name == "alone") as others:
            events.append(f"{name} begins")
            may_end[name].wait(10)
            seen[name] = others()
            events.append(f"{name} ends")

    workers = {name: threading.Thread(target=work, args=(name,)) for name in may_end}
    for name, count in (("a", 1), ("b", 2), ("alone", 2), ("c", 2)):  # one waits for both of them, one for that
        workers[name].start()
        until = time.monotonic() + 10
        while len(events) < count and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)  # who does not wait would begin
        assert len(events) == count, events
    for name in may_end:
        may_end[name].set()
        workers[name].join(10)
    assert events == ["a begins", "b begins", "a ends", "b ends", "alone begins", "alone ends", "c begins", "c ends"]
    assert seen == {"a": True, "b": True, "alone": False, "c": False}


def test_others_are_seen_though_they_have_ended():
    with at_work() as others:
        assert not others()
        with at_work() as theirs:
            assert theirs()
        assert others()
    with at_work() as others:
        assert not others()


@contextmanager
def gate_held():
    """As by one who waits."""
    with Path(tempfile.gettempdir(), f"vosbench-{os.getuid()}.gate").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize(
    ("other", "alone", "told"),
    [
        (at_work, True, "waiting to be alone; without --timing it would go on"),
        (lambda: at_work(alone=True), False, "another process is timed alone on this machine, or .*: waiting"),
        (gate_held, False, "another process is timed alone on this machine, or is about to be: waiting"),
    ],
)
def test_whoever_waits_says_so_meanwhile(other, alone, told, monkeypatch):
    monkeypatch.setattr("vosbench.bench.machine.PASSING", 0.1)
    entered, leave = threading.Event(), threading.Event()
    lines = []

    def work():
        with other():
            entered.set()
            assert leave.wait(10)

    def show(message, category, *_):
        lines.append((str(message), category))
        leave.set()

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(10)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        with at_work(alone):
            thread.join(10)
    ((line, category),) = lines
    assert category is WaitingWarning
    assert re.search(told, line)


@pytest.mark.usefixtures("lent_pool")
def test_times_beside_others_are_marked_and_taken_again_where_they_are_to_be_alone(small_davis, small_suite, tmp_path):
    suite = small_suite(small_davis, policies=("first-only",), controls=False)
    with at_work():
        shared = run(suite, tmp_path / "shared")
    assert [[timing.shared for timing in record.timings] for record in shared] == [[True], []]
    assert context(shared).times == f"times are of ant, where each strategy ran alone, {BESIDE}"
    assert context(shared[:1]).times == f"times were {BESIDE}"
    assert run(suite, tmp_path / "shared") == shared
    alone = run(suite, tmp_path / "alone")
    assert context(alone).times == "times are of ant, where each strategy ran alone"
    assert merge([tmp_path / "shared", tmp_path / "alone"], tmp_path / "both")[0].timings == alone[0].timings
    again = run(replace(suite, timing="first"), tmp_path / "shared")
    assert [[timing.shared for timing in record.timings] for record in again] == [[False], []]
    assert run(replace(suite, timing="first"), tmp_path / "shared") == again


def test_an_error_lets_others_go_on(small_davis, small_suite, tmp_path):
    def stop(*_):
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped") as caught:
        run(small_suite(small_davis, timing="first"), tmp_path / "run", stop)
    with at_work() as others:
        assert not others(), caught  # which knows all frames that the run was in
