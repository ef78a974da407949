"""Figures of many strategies: each can be told from the others, in print without colour too."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from vosbench.bench.record import RunRecord
from vosbench.report.drawing.labels import extent
from vosbench.report.drawing.style import MANY, MAX_STRATEGIES, PALE, looks_of
from vosbench.report.makers import NotApplicableError
from vosbench.report.plots import (
    accuracy_against_capacity,
    accuracy_against_speed,
    latency_against_frame,
    memory_against_frame,
)


def records(build: Callable[..., RunRecord], number: int, capacities: tuple[int, ...] = (2,)) -> list[RunRecord]:
    return [
        build(
            f"lfu:every={n + 1},capacity={c}",
            position=n,
            j=[0.5 + n / 90],
            latency_ms=[n + 1.0] * 20,
            tokens=[10 * c] * 20,
        )
        for n in range(number)
        for c in capacities
    ]


def keys(figure: Figure) -> list[str]:
    """The markers beside names, from the top."""
    lines = sorted(figure.artists, key=lambda line: -line.get_ydata()[-1])
    return [line.get_marker() for line in lines if line.get_marker() not in ("", "None")]


def test_no_two_looks_are_alike_without_colour_nor_without_dashes() -> None:
    looks = looks_of(map(str, range(MAX_STRATEGIES)))
    assert len({(look.marker, str(look.dash)) for look in looks.values()}) == MAX_STRATEGIES
    assert len({(look.colour, str(look.dash)) for look in looks.values()}) == MAX_STRATEGIES
    assert len({(look.colour, look.marker) for look in looks.values()}) == MAX_STRATEGIES


def test_what_is_highlighted_looks_as_if_it_were_alone() -> None:
    looks = looks_of("abcd", ["c", "d"])
    assert [looks[name].quiet for name in "abcd"] == [True, True, False, False]
    assert [looks["c"], looks["d"]] == [*looks_of("cd").values()]
    assert looks["a"].colour == PALE
    assert not any(look.quiet for look in looks_of("abcd").values())


@pytest.mark.parametrize("plot", [latency_against_frame, memory_against_frame])
def test_many_curves_get_a_picture_each(build: Callable[..., RunRecord], plot: object) -> None:
    run = records(build, 21)
    figure = plot.figure(run)  # type: ignore[attr-defined]
    assert [axes.get_title(loc="left").replace("\n", "") for axes in figure.axes] == [r.policy.label for r in run]
    for record, axes in zip(run, figure.axes, strict=True):
        strong = [line.get_label() for line in axes.lines if line.get_color() != PALE]
        assert (strong, len(axes.lines)) == ([record.policy.label], 21)
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(0 < box.x0 < box.x1 <= 1 and 0 < box.y0 < box.y1 < 1 for box in boxes)
    assert len(plot.figure(run[:MANY]).axes) == 1  # type: ignore[attr-defined]


def test_of_many_some_can_be_highlighted(build: Callable[..., RunRecord]) -> None:
    run = records(build, 21)
    figure = latency_against_frame.figure(run, highlight=["lfu:every=4,capacity=2", "lfu:every=21,capacity=2"])
    (axes,) = figure.axes
    assert {line.get_label() for line in axes.lines if line.get_color() != PALE} == {
        "lfu:every=4,capacity=2",
        "lfu:every=21,capacity=2",
    }
    assert {text.get_text() for text in axes.texts} == {"lfu:every=4,capacity=2", "lfu:every=21,capacity=2"}
    speed = accuracy_against_speed.figure(run, highlight=["lfu:every=4,capacity=2"]).axes[0]
    assert [text.get_text() for text in speed.texts] == ["lfu:every=4,capacity=2"]
    curves = accuracy_against_capacity.figure(records(build, 9, (2, 4)), highlight=["lfu:every=4,capacity=4"])
    assert [[text.get_text() for text in axes.texts] for axes in curves.axes] == [["lfu:every=4"], ["lfu:every=4"]]


def test_names_of_many_curves_stand_apart_behind_their_markers(build: Callable[..., RunRecord]) -> None:
    figure = accuracy_against_capacity.figure(records(build, 14, (2, 4)))
    for axes in figure.axes:
        boxes = sorted((extent(text) for text in axes.texts), key=lambda box: -box.y0)
        assert len(boxes) == 14
        assert all(below.y1 <= above.y0 + 1 for above, below in pairwise(boxes))
        assert boxes[0].y1 <= figure.bbox.y1
        assert boxes[-1].y0 >= 0
        assert max(box.x1 for box in boxes) <= figure.bbox.x1
    assert len(keys(figure)) == 28
    looks = [*looks_of(map(str, range(14))).values()]
    assert keys(figure)[:14] == [look.marker for look in reversed(looks)]  # the best one is above


def test_more_than_can_be_told_apart_are_refused(build: Callable[..., RunRecord]) -> None:
    with pytest.raises(NotApplicableError, match="29 strategies cannot be told apart, choose up to 28"):
        latency_against_frame.figure(records(build, 29))
    shown = ["lfu:every=4,capacity=2", "lfu:every=29,capacity=2"]
    for plot in (latency_against_frame, accuracy_against_speed):
        (axes,) = plot.figure(records(build, 29), highlight=shown).axes
        assert {text.get_text() for text in axes.texts} == {*shown}
    curves = accuracy_against_capacity.figure(records(build, 29, (2, 4)), highlight=[shown[0]])
    assert [text.get_text() for text in curves.axes[0].texts] == ["lfu:every=4"]
