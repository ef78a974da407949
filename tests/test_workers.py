"""Tasks on several processes: all of them done once, here and there, and faults come home."""

import multiprocessing
import os

import pytest
from halving import half

from vosbench.errors import VosbenchError
from vosbench.workers import WORTHWHILE, Crew


@pytest.fixture
def before() -> set[multiprocessing.Process]:
    """Processes that other tests left idle."""
    return set(multiprocessing.active_children())


def test_this_process_and_others_do_every_task_once(before):
    with Crew(100, jobs=3) as crew:
        found = list(crew.share(half, [(n,) for n in range(100)]))
    assert sorted((index, value) for index, (value, _) in found) == [(n, n / 2) for n in range(100)]
    places = {place for _, (_, place) in found}
    assert os.getpid() in places
    assert 2 <= len(places) <= 3
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.parametrize(("tasks", "jobs"), [(0, 4), (2 * WORTHWHILE - 1, 4), (40, 1)])
def test_little_work_stays_here(tasks, jobs):
    with Crew(tasks, jobs) as crew:
        found = list(crew.share(half, [(n,) for n in range(tasks)]))
    assert [index for index, _ in found] == list(range(tasks))
    assert {place for _, (_, place) in found} <= {os.getpid()}


@pytest.mark.parametrize("bad", [0, 1, 2, 99])
def test_a_fault_anywhere_is_raised_and_ends_the_workers(bad, before):
    with pytest.raises(VosbenchError, match="negative") as caught, Crew(100, jobs=2) as crew:
        list(crew.share(half, [(-1,) if n == bad else (n,) for n in range(100)]))
    assert caught.value.hint == "give a positive number"
    assert set(multiprocessing.active_children()) <= before
