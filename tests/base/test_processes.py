"""Tasks on several processes: all of them done once, here and there, and faults come home."""

import gc
import multiprocessing
import os
import signal
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from halving import half
from loky import ProcessPoolExecutor

from vosbench.base.processes import WORTHWHILE, Crew, end, start, telling, told, useful
from vosbench.base.signals import ENDING
from vosbench.errors import VosbenchError


@pytest.fixture
def before() -> set[multiprocessing.Process]:
    """Processes that other tests left idle."""
    return set(multiprocessing.active_children())


@pytest.mark.parametrize(
    ("asked", "units", "on_gpu", "expected"),
    [
        (20, 1, False, 1),
        (100_000, 100_000, False, 4),
        (3, 100, False, 3),
        (None, 100, False, 4),
        (None, 2, True, 2),
        (8, 100, True, 8),
        (100_000, 6, True, 6),
        (2, 0, False, 1),
    ],
)
def test_no_more_processes_start_than_have_something_to_do(monkeypatch, asked, units, on_gpu, expected):
    monkeypatch.setattr("vosbench.base.processes.cpu_count", lambda: 4)
    assert useful(asked, units, on_gpu) == expected


def test_this_process_and_others_do_every_task_once(before, monkeypatch):
    monkeypatch.setattr("vosbench.base.processes.cpu_count", lambda: 3)
    with Crew(half, 100, jobs=3) as crew:
        found = list(crew.share([(n,) for n in range(100)]))
    assert sorted((index, value) for index, (value, _) in found) == [(n, n / 2) for n in range(100)]
    places = {place for _, (_, place) in found}
    assert os.getpid() in places
    assert 2 <= len(places) <= 3
    assert set(multiprocessing.active_children()) <= before


def test_a_warning_of_another_process_is_one_of_this(before, capfd):  # noqa: ARG001
    workers = start(half, 1)
    with pytest.warns(UserWarning, match="the id 3 counts as nothing"):
        assert told(workers.submit(telling, warnings.warn, "the id 3 counts as nothing")) is None
    end(workers)
    assert capfd.readouterr().err == ""  # which would stand in the middle of a line of progress


@pytest.mark.parametrize(("tasks", "jobs"), [(0, 4), (2 * WORTHWHILE - 1, 4), (40, 1)])
def test_little_work_stays_here(tasks, jobs):
    with Crew(half, tasks, jobs) as crew:
        found = list(crew.share([(n,) for n in range(tasks)]))
    assert [index for index, _ in found] == list(range(tasks))
    assert {place for _, (_, place) in found} <= {os.getpid()}


@pytest.mark.parametrize("bad", [0, 1, 2, 99])
def test_a_fault_anywhere_is_raised_and_ends_the_workers(bad, before):
    with pytest.raises(VosbenchError, match="negative") as caught, Crew(half, 100, jobs=2) as crew:
        list(crew.share([(-1,) if n == bad else (n,) for n in range(100)]))
    assert caught.value.hint == "give a positive number"
    assert set(multiprocessing.active_children()) <= before


def test_all_end_together(monkeypatch):
    """Another process that does a task whenever this one does has at most one left when this one is through."""
    at_hand = deque()

    def both_work(number):
        if at_hand:
            at_hand.popleft().set_result((number, ()))

    def submit(*_):
        at_hand.append(Future())
        return at_hand[-1]

    def wait_for_the_other(ahead, **_):
        left.append(len(ahead))
        at_hand.popleft().set_result((None, ()))

    left = []
    other = SimpleNamespace(submit=submit, shutdown=lambda **_: None)
    monkeypatch.setattr("vosbench.base.processes.start", lambda *_: other)
    monkeypatch.setattr("vosbench.base.processes.wait", wait_for_the_other)
    with Crew(both_work, 100, jobs=2) as crew:
        done = sorted(index for index, _ in crew.share([(n,) for n in range(100)]))
    assert done == list(range(100))
    assert left in ([], [1])


def test_no_process_looks_for_garbage_in_what_it_has_imported():
    workers = start(half, 1)
    assert workers.submit(gc.get_freeze_count).result(60) > 0
    assert workers.submit(gc.isenabled).result(60)
    workers.shutdown()


@pytest.mark.parametrize("number", ENDING)
def test_what_asks_to_end_is_for_this_process_alone(before, number):
    """A terminal sends it to all; a process that heeds it prints a traceback, or dies of it while it imports."""
    workers = start(half, 1)
    (worker,) = set(multiprocessing.active_children()) - before
    os.kill(worker.pid, number)
    assert workers.submit(half, 3).result(60) == (1.5, worker.pid)
    workers.shutdown()
    assert not set(ENDING) & signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Python's own answer to Ctrl-C, where these tests themselves ignore it (`nohup pytest &`), too."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


def test_ctrl_c_is_heeded_when_the_others_have_started(before, interruptible, monkeypatch):  # noqa: ARG001
    real = ProcessPoolExecutor.submit

    def submit(self, *arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return real(self, *arguments)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    with pytest.raises(KeyboardInterrupt):
        start(half, 1)
    assert set(multiprocessing.active_children()) <= before


def test_ctrl_c_waits_until_the_others_have_ended(before, interruptible, monkeypatch):  # noqa: ARG001
    real = ProcessPoolExecutor.shutdown

    def shutdown(self, **how):
        os.kill(os.getpid(), signal.SIGINT)
        real(self, **how)

    monkeypatch.setattr(ProcessPoolExecutor, "shutdown", shutdown)
    workers = start(half, 1)
    with pytest.raises(KeyboardInterrupt):
        end(workers)
    assert set(multiprocessing.active_children()) <= before
