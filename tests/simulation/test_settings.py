"""What a user may write: strategies, and ranges of capacities."""

import pytest

from vosbench.errors import VosbenchError
from vosbench.simulation.study import capacities, settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1..4", [1, 2, 3, 4]), ("2,4,8", [2, 4, 8]), ("8,1..3", [1, 2, 3, 8]), ("2.5, 10", [2.5, 10]), ("3..3", [3])],
)
def test_capacities(text, expected):
    assert list(capacities(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no capacity"),
        ("a..b", "'a..b' is no capacity"),
        ("1..", "'1..' is no capacity"),
        ("1..2.5", "'1..2.5' is no capacity"),
        ("4..1", "the range 4..1 holds 0 capacities"),
        ("1..100000", "the range 1..100000 holds 100000 capacities"),
        ("2,1..3", "names a capacity twice"),
    ],
)
def test_bad_capacities(text, message):
    with pytest.raises(VosbenchError, match=message.replace(".", r"\.")):
        capacities(text)


def texts(specs):
    return list(map(str, specs))


def test_settings():
    assert texts(settings(["lfu", "first-only"], None)) == ["lfu", "first-only"]
    assert texts(settings(["lfu", "fifo:pin_first=false"], "1,2.5")) == [
        *("lfu:capacity=1", "lfu:capacity=2.5"),
        *("fifo:pin_first=false,capacity=1", "fifo:pin_first=false,capacity=2.5"),
    ]
    assert texts(settings(["gated:timeout=9", "Mine=lru", "readmem"], "2,4")) == [
        *("gated:timeout=9,base=lfu(capacity=2)", "gated:timeout=9,base=lfu(capacity=4)"),
        *("Mine (capacity=2)=lru:capacity=2", "Mine (capacity=4)=lru:capacity=4"),
        *("readmem:capacity=2", "readmem:capacity=4"),
    ]


@pytest.mark.parametrize(
    ("policies", "capacity", "message"),
    [
        (["lfo"], None, "unknown strategy 'lfo'"),
        (["lfu:size=3"], None, "unknown parameter of lfu 'size'"),
        (["lfu", "first-only"], "2", "strategy first-only has no capacity"),
        (["lfu:capacity=2"], "2", "strategy lfu:capacity=2 names a capacity itself"),
        (["gated:base=lfu(capacity=2)"], "2", "names a capacity itself"),
        (["gated:base=every-k"], "2", "strategy gated:base=every-k has no capacity"),
        (["readmem"], "2.5", "capacity must be of type int"),
        (["lfu", "lfu:capacity=2"], None, "lfu and lfu:capacity=2 are the same strategy"),
        (["lfu"], "0..2", "capacity must be at least 1"),
        (["lfu"], "nan", "capacity must be of type float"),
        (["lfu", "lfu"], None, "each once"),
        ([], None, "at least one strategy"),
    ],
)
def test_bad_settings(policies, capacity, message):
    with pytest.raises(VosbenchError, match=message):
        settings(policies, capacity)
