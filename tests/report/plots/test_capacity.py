"""Curves against capacity."""

import pytest

from vosbench.errors import VosbenchError
from vosbench.report.drawing.capacity import sweeps
from vosbench.report.plots import accuracy_against_capacity


def lines(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


def test_sweeps():
    specs = ("lfu:capacity=4", "every-k:k=5", "lfu:capacity=2", "fifo:pin_first=false,capacity=2,every=3", "lfu")
    found = sweeps(specs)
    assert list(found) == ["lfu", "every-k:k=5", "fifo:pin_first=false,every=3"]
    assert list(found["lfu"]) == [2, 4, None]
    assert found["fifo:pin_first=false,every=3"] == {2.0: "fifo:pin_first=false,capacity=2,every=3"}
    nested = "gated:base=lfu(every=2,capacity=4),threshold=0.5"
    assert list(sweeps([nested])) == [nested]


def test_accuracy_against_capacity(build):
    run = [
        build("lfu:capacity=2", position=0, j=[0.5], latency_ms=[100, 100]),
        build("lfu:capacity=8", position=1, j=[0.7], latency_ms=[200, 200]),
        build("lfu:capacity=4", position=2, j=[0.6], latency_ms=[125, 125]),
        build("every-k:k=5", position=3, j=[0.8], latency_ms=[400, 400]),
        build("copy-first-mask", position=4, j=[0.1]),
    ]
    upper, lower = accuracy_against_capacity.figure(run).axes
    assert lines(upper) == {
        "lfu": ([2, 4, 8], pytest.approx([50, 60, 70])),
        "every-k:k=5": ([0, 1], pytest.approx([80, 80])),
    }
    assert lines(lower)["lfu"] == ([2, 4, 8], pytest.approx([10, 8, 5]))
    assert lines(lower)["every-k:k=5"][1] == pytest.approx([2.5, 2.5])
    assert {text.get_text() for text in upper.texts} == {"lfu", "every-k:k=5"}
    with pytest.raises(VosbenchError, match="no curve to draw"):
        accuracy_against_capacity.figure([run[0], run[3]])
