"""Curves against capacity."""

from dataclasses import replace

import pytest
from made_records import policy_of

from vosbench.bench.plan import policy_info
from vosbench.errors import VosbenchError
from vosbench.memory.spec import PolicySpec
from vosbench.report.drawing.capacity import sweeps
from vosbench.report.plots import accuracy_against_capacity


def lines(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


def curves(*specs):
    return sweeps(map(policy_of, specs))


def test_a_strategy_at_its_default_capacity_is_a_point_of_its_curve():
    found = curves("lfu:capacity=4", "every-k:k=5", "lfu", "fifo:pin_first=false,capacity=2,every=3")
    assert found == {
        "lfu": {2.0: "lfu", 4.0: "lfu:capacity=4"},
        "every-k:k=5": {None: "every-k:k=5"},
        "fifo:pin_first=false,every=3": {2.0: "fifo:pin_first=false,capacity=2,every=3"},
    }
    assert list(found["lfu"]) == [2.0, 4.0]
    assert curves("lfu:every=5,capacity=4", "lfu:capacity=8,every=2", "lfu") == {
        "lfu": {2.0: "lfu", 4.0: "lfu:every=5,capacity=4"},
        "lfu:every=2": {8.0: "lfu:capacity=8,every=2"},
    }


def test_a_capacity_of_what_is_wrapped_makes_a_curve():
    two, four = ("gated:base=lfu(every=2,capacity=2),threshold=0.5", "gated:threshold=0.5,base=lfu(capacity=4,every=2)")
    other, deep = "gated:base=lru(capacity=4),threshold=0.5", "oracle-masks:base=gated(base=lfu(capacity=4))"
    assert curves(four, two, other, deep, "oracle-masks:base=gated", "gated:base=every-k") == {
        "gated:base=lfu(every=2),threshold=0.5": {2.0: two, 4.0: four},
        "gated:base=lru,threshold=0.5": {4.0: other},
        "oracle-masks:base=gated (reference)": {2.0: "oracle-masks:base=gated", 4.0: deep},
        "gated:base=every-k": {None: "gated:base=every-k"},
    }


def test_labels_name_a_curve():
    def labelled(spec, label):
        return replace(policy_of(spec), label=label)

    mine = [labelled(f"lfu:capacity={c}", f"Mine (capacity={c})") for c in (2, 4)]
    assert sweeps(mine) == {"Mine": {2.0: "Mine (capacity=2)", 4.0: "Mine (capacity=4)"}}
    assert sweeps(mine[:1]) == {"Mine (capacity=2)": {2.0: "Mine (capacity=2)"}}
    assert sweeps([labelled("lfu:capacity=2", "A"), labelled("lfu:capacity=4", "B")]) == {"lfu": {2.0: "A", 4.0: "B"}}
    assert sweeps([labelled("lru", "lfu"), policy_of("lfu:capacity=4")]) == {
        "lfu": {2.0: "lfu"},
        "lfu:capacity=4": {4.0: "lfu:capacity=4"},
    }


def test_seeds_and_other_parameters_in_labels_name_curves():
    def swept(text, *axes):
        specs = [PolicySpec.parse(text)]
        for axis in axes:
            specs = [varied for spec in specs for varied in spec.sweep(axis)]
        return [policy_info(spec, 0) for spec in specs]

    rnd = swept("Rnd=random:every=2", {"capacity": [1, 2]}, {"seed": [0, 1]})
    assert sweeps(rnd) == {
        f"Rnd (seed={seed})": {float(c): f"Rnd (capacity={c}) (seed={seed})" for c in (1, 2)} for seed in (0, 1)
    }
    both = swept("Mine=lfu", {"every": [2, 5], "capacity": [2, 4]})
    assert list(sweeps(both)) == ["Mine (every=2)", "Mine (every=5)"]
    assert list(sweeps(swept("Mine=lfu", {"capacity": [2, 4], "every": [2, 5]}))) == [
        "Mine (every=2)",
        "Mine (every=5)",
    ]
    assert list(sweeps(swept("Mine (new)=lfu", {"capacity": [2, 4]}))) == ["Mine (new)"]


def test_an_untimed_run_has_the_curve_of_accuracy_alone(build):
    run = [build(f"lfu:capacity={c}", position=c, j=[c / 10], tokens=[10, 20]) for c in (2, 4)]
    (axes,) = accuracy_against_capacity.figure(run).axes
    assert lines(axes) == {"lfu": ([2, 4], pytest.approx([20, 40]))}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("capacity (frames)", "accuracy: J&F (%)")


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
