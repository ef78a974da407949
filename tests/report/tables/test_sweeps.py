"""Runs side by side that differ in the strength of one attribute: what is refused, and what the rows hold."""

from dataclasses import replace

import pytest

from vosbench.errors import VosbenchError
from vosbench.report.plots import accuracy_against_attribute
from vosbench.report.rendering import render
from vosbench.report.sweep import attribute_of
from vosbench.report.tables import attribute


@pytest.fixture
def at(run):
    """A run of a split, its J and F scaled by a factor."""

    def build(split, factor=1.0):
        def scaled(record):
            objects = tuple(
                replace(o, j=replace(o.j, mean=factor * o.j.mean), f=replace(o.f, mean=factor * o.f.mean))
                for o in record.scores.objects
            )
            dataset = replace(record.dataset, name="synthetic", split=split, fingerprint=split)
            return replace(record, dataset=dataset, scores=replace(record.scores, objects=objects))

        return tuple(map(scaled, run))

    return build


def test_the_attribute_that_differs(at):
    assert attribute_of([at("occlusion=20"), at("occlusion=5")]) == ("occlusion", [20, 5])
    assert attribute_of([at("val,speed=0.01,clips=3"), at("val,speed=0.1,clips=3")]) == ("speed", [0.01, 0.1])


@pytest.mark.parametrize(
    "splits",
    [
        ("occlusion=5", "occlusion=5"),
        ("occlusion=5", "deformation=0.1"),
        ("occlusion=5,speed=0.01", "occlusion=10,speed=0.02"),
        ("val,occlusion=5", "occlusion=10"),
        ("val", "long"),
        ("val,seed=1", "val,seed=2"),
        ("occlusion=5", "occlusion=10", "occlusion=10"),
    ],
)
def test_runs_that_are_no_sweep(at, splits):
    with pytest.raises(VosbenchError) as caught:
        attribute.table(*map(at, splits))
    assert "occlusion=5, occlusion=20" in caught.value.hint


def test_a_row_for_each_strength_and_strategy(at):
    table = attribute.table(at("occlusion=80", 0.5), at("occlusion=5"), at("occlusion=20", 0.8))
    frame = table.frame
    assert list(zip(frame["occlusion"], frame["strategy"], strict=True)) == [
        (strength, strategy) for strength in (5, 20, 80) for strategy in ("lfu", "fifo", "copy-first-mask")
    ]
    lfu = frame[frame["strategy"] == "lfu"]["jf"].tolist()
    plain = ((0.9 + 0.3 + 0.6) / 3 + (0.7 + 0.5 + 0.6) / 3) / 2
    assert lfu == pytest.approx([plain, 0.8 * plain, 0.5 * plain])
    assert table.caption.startswith("J&F against occlusion. synthetic occlusion=5 to occlusion=80")
    assert "3 runs, 9 objects" in table.caption
    assert "occlusion" in render(table, "markdown")


def test_runs_of_other_conditions(at):
    weak, strong = at("occlusion=5"), at("occlusion=20")
    for other, said in (
        (tuple(replace(r, model=replace(r.model, name="stcn")) for r in strong), "model stcn-tiny and stcn"),
        (tuple(r for r in strong if r.policy.spec != "fifo"), "other strategies: fifo"),
        (tuple(replace(r, scores=None) for r in strong), "without scores"),
    ):
        with pytest.raises(VosbenchError, match=said):
            attribute.table(weak, other)


def test_the_figure(at):
    runs = [at("occlusion=5"), at("occlusion=20", 0.8), at("occlusion=80", 0.5)]
    figure = accuracy_against_attribute.figure(*runs)
    curves = {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].get_lines()}
    plain = ((0.9 + 0.3 + 0.6) / 3 + (0.7 + 0.5 + 0.6) / 3) / 2
    assert curves["lfu"] == [
        [5, pytest.approx(100 * plain)],
        [20, pytest.approx(80 * plain)],
        [80, pytest.approx(50 * plain)],
    ]
    assert "copy-first-mask" not in curves
    assert figure.axes[0].get_xlabel() == "occlusion (frames)"
    assert figure.get_label() == "accuracy-against-occlusion"


def test_a_strategy_may_have_another_label_in_each_run(at):
    strong = [replace(r, policy=replace(r.policy, label=f"my {r.policy.name}")) for r in at("occlusion=20", 0.5)]
    figure = accuracy_against_attribute.figure(at("occlusion=5"), strong)
    curves = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[0].get_lines()}
    assert set(curves) == {"lfu", "fifo"}
    assert curves["lfu"][1] == pytest.approx(curves["lfu"][0] / 2)
