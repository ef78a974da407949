"""Figures against the capacity of the memory: J&F and FPS of a run, and attention kept in a simulation.

Strategies that differ in their parameter `capacity` alone are one curve; one without it is a line of reference, as
every-k and first-and-latest are in Figure 6 of Pourganjalikhan and Poullis.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.context import by_strategy, context
from vosbench.report.measures import model_fps, pooled_jf
from vosbench.report.plots.labels import label_ends
from vosbench.report.plots.style import HEIGHT, STYLE, Look, looks_of, note_axes, short

_CAPACITY = re.compile(r"(?<=[:,])capacity=([^,()]+)(?![^(]*\)),?")


def sweeps(specs: Iterable[str]) -> dict[str, dict[float | None, str]]:
    """The curves among `specs`: strategy without its capacity -> {capacity in frames: spec}, ascending.

    A spec that names no capacity is under None, as the last.
    """
    found: dict[str, dict[float | None, str]] = {}
    for spec in specs:
        named = _CAPACITY.search(spec)
        rest = _CAPACITY.sub("", spec).rstrip(",:") if named else spec
        found.setdefault(rest, {})[float(named[1]) if named else None] = spec
    return {name: dict(sorted(curve.items(), key=_place)) for name, curve in found.items()}


def _place(item: tuple[float | None, str]) -> float:
    return np.inf if item[0] is None else item[0]


def require_sweep(specs: Iterable[str]) -> None:
    """Raise VosbenchError if no strategy is there at two capacities at least: then there is no curve to draw."""
    if not has_sweep(specs):
        raise VosbenchError(
            "no strategy is there at two capacities, so there is no curve to draw",
            "name one at two or more, e.g. lfu:capacity=2 and lfu:capacity=4",
        )


def has_sweep(specs: Iterable[str]) -> bool:
    """Whether a strategy is there at two capacities at least."""
    return any(len(curve.keys() - {None}) > 1 for curve in sweeps(specs).values())


def accuracy_against_capacity(records: Sequence[RunRecord]) -> Figure:
    """J&F (percent, over all objects) over model FPS, both against capacity in frames.

    Controls are left out. Raises VosbenchError as `context` does, and if no strategy has scores at two capacities.
    """
    common = context(records)
    groups = {spec: group for spec, group in by_strategy(records).items() if group[0].policy.kind == "strategy"}
    accuracy = {spec: 100 * jf for spec, group in groups.items() if np.isfinite(jf := pooled_jf(group))}
    speed = {spec: fps for spec, group in groups.items() if np.isfinite(fps := model_fps(group))}
    require_sweep(accuracy)
    with matplotlib.rc_context(STYLE):
        figure, upper = note_axes((common.data, common.system), _room(groups))
        place = upper.get_position()
        figure.set_size_inches(figure.get_figwidth(), 1.6 * HEIGHT)
        upper.set_position((place.x0, 0.47, place.width, place.y1 - 0.44))
        lower = figure.add_axes((place.x0, 0.08, place.width, 0.33))
        looks = looks_of(sweeps(groups))
        _curves(upper, accuracy, looks, "accuracy: J&F (%)")
        _curves(lower, speed, looks, "model frames per second")
        lower.set_xlabel("capacity (frames)")
        lower.tick_params(length=2.5)
    return figure


def retained_against_capacity(retained: Mapping[str, float], conditions: Sequence[str]) -> Figure:
    """Attention kept, 0 to 1 by spec, drawn in percent against capacity in frames, under a note on the conditions.

    Raises VosbenchError if no strategy is there at two capacities.
    """
    require_sweep(retained)
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes(conditions, _room(retained))
        percent = {spec: 100 * share for spec, share in retained.items()}
        _curves(axes, percent, looks_of(sweeps(retained)), "attention kept (%)")
        axes.set_xlabel("capacity (frames)")
    return figure


def _room(specs: Iterable[str]) -> float:
    """Inches for the names beside the axes."""
    return 0.25 + 0.067 * max(len(short(name)) for name in sweeps(specs))


def _curves(axes: Axes, values: Mapping[str, float], looks: Mapping[str, Look], quantity: str) -> None:
    """A curve for each strategy that has capacities, and a dashed line for each that has none."""
    found = sweeps(values)
    ends = []
    for name, curve in found.items():
        look = looks[name]
        at = [capacity for capacity in curve if capacity is not None]
        heights = [values[spec] for spec in curve.values()]
        if at:
            drawn = heights[: len(at)]
            axes.plot(at, drawn, color=look.colour, marker=look.marker, markersize=4, linewidth=1.3, label=name)
        if None in curve:
            axes.axhline(heights[-1], color=look.colour, linestyle=(0, (4, 3)), linewidth=0.9, label=name)
        ends.append(heights[-1])
    capacities = [capacity for curve in found.values() for capacity in curve if capacity is not None]
    margin = 0.04 * (max(capacities) - min(capacities))
    axes.set_xlim(min(capacities) - margin, max(capacities) + margin)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.autoscale_view(scalex=False)
    label_ends(axes, ends, [short(name) for name in found], [looks[name].text for name in found])
    axes.set_ylabel(quantity)
