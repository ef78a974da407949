"""Curves against the capacity of the memory.

Strategies that differ in their parameter `capacity` alone are one curve; one without it is a line of reference, as
every-k and first-and-latest are in Figure 6 of Pourganjalikhan and Poullis.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vosbench.report.drawing.labels import label_ends
from vosbench.report.drawing.style import Look, short
from vosbench.report.makers import NotApplicableError

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
    """Raise NotApplicableError if no strategy is there at two capacities at least: then there is no curve to draw."""
    if not any(len(curve.keys() - {None}) > 1 for curve in sweeps(specs).values()):
        raise NotApplicableError(
            "no strategy has two capacities, so there is no curve to draw",
            "name one at two or more, e.g. lfu:capacity=2 and lfu:capacity=4",
        )


def room(specs: Iterable[str]) -> float:
    """Inches for the names beside the axes."""
    return 0.25 + 0.067 * max(len(short(name)) for name in sweeps(specs))


def draw_curves(axes: Axes, values: Mapping[str, float], looks: Mapping[str, Look], quantity: str) -> None:
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
