"""How a run is cut into units that are shared out."""

from types import SimpleNamespace
from typing import cast

import pytest

from vosbench.bench.dispatch import cut
from vosbench.bench.plan import Task


def tasks(*frames: int, objects: tuple[int, ...] = (), strategies: int = 3, timed: int = 0) -> list[Task]:
    """Tasks of a sequence of so many frames each, of one object or as many as are given, strategy by strategy; the
    first `timed` sequences are timed.
    """
    videos = [
        SimpleNamespace(frames=range(length), object_ids=range(count))
        for length, count in zip(frames, objects or [1] * len(frames), strict=True)
    ]
    return [
        cast("Task", SimpleNamespace(name=str(at), strategy=s, timed=at < timed, video=video))
        for at, video in enumerate(videos)
        for s in range(strategies)
    ]


def sizes(units) -> list[tuple[str, int]]:
    return [(unit.tasks[0].name, len(unit.tasks)) for unit in units]


def test_a_sequence_is_a_unit_and_the_longest_comes_first():
    assert sizes(cut(tasks(5, 9, 7), 2)) == [("1", 3), ("2", 3), ("0", 3)]


def test_of_sequences_of_one_length_that_with_most_objects_comes_first():
    assert sizes(cut(tasks(8, 8, 8, objects=(2, 1, 3)), 2)) == [("2", 3), ("0", 3), ("1", 3)]


def test_timed_units_come_first_as_others_wait_for_them():
    assert sizes(cut(tasks(5, 9, 7, timed=1), 2)) == [("0", 3), ("1", 3), ("2", 3)]


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (3, [("1", 3), ("0", 2), ("0", 1)]),
        (4, [("0", 2), ("1", 2), ("0", 1), ("1", 1)]),
        (5, [("1", 2), ("0", 1), ("0", 1), ("0", 1), ("1", 1)]),
        (90, [("0", 1)] * 3 + [("1", 1)] * 3),
    ],
)
def test_the_largest_are_halved_for_workers_that_would_have_none(workers, expected):
    given = tasks(10, 9)
    units = cut(given, workers)
    assert sizes(units) == expected
    assert all(len({task.name for task in unit.tasks}) == 1 for unit in units)
    assert sorted(id(task) for unit in units for task in unit.tasks) == sorted(map(id, given))


def test_what_is_timed_is_not_halved():
    assert sizes(cut(tasks(10, 9, timed=2), 90)) == [("0", 3), ("1", 3)]


def test_nothing_to_do_is_no_unit():
    assert cut([], 4) == []
