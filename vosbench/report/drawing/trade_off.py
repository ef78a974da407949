"""J&F against what it costs: a point for each strategy, and the line of those that no other one beats in both."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from vosbench.report.context import Records, context
from vosbench.report.drawing.labels import extent, label_points
from vosbench.report.drawing.style import GREY, STYLE, distinct, looks_of, note_axes, short
from vosbench.report.makers import NotApplicableError
from vosbench.report.measures import accuracy_of, name_and_kind, pooled_jf, who

_POINT: Any = {"markersize": 6.5, "markeredgecolor": "white", "markeredgewidth": 0.6, "alpha": 0.85}
_REFERENCE: Any = {"markersize": 6, "markerfacecolor": "none", "markeredgewidth": 1.2}
_CONTROL: Any = {"ha": "right", "va": "bottom", "color": GREY, "fontsize": 7}


def draw_trade_off(
    records: Records,
    measure: Callable[[Records], float],
    quantity: str,
    lacking: str,
    highlight: Collection[str] = (),
    *,
    more_is_better: bool,
) -> Figure:
    """J&F (percent, over all objects) against a `measure` of each strategy's records, which the axis calls `quantity`.

    Controls, which cost nothing, are dashed lines. One that lies so far below the strategies that it would press them
    together is named with its value at the foot of the figure instead. A thin line, the Pareto front, joins the
    strategies of which no other one is better in both; references, which are hollow, are no part of it. Raises
    VosbenchError as `context` does, and NotApplicableError, which says what is `lacking`, if no strategy has both.
    """
    common = context(records)
    groups = distinct(records, highlight)
    accuracy = {label: 100 * pooled_jf(group) for label, group in groups.items()}
    costs = {label: measure(group) for label, group in groups.items()}
    shown = [label for label in groups if np.isfinite(accuracy[label]) and np.isfinite(costs[label])]
    if not shown:
        hint = "run a strategy on a data set with masks"
        raise NotApplicableError(f"no strategy has both scores and {lacking}", hint)
    controls = [label for label, group in groups.items() if group[0].policy.kind == "control" if label not in shown]
    competing = [label for label in shown if groups[label][0].policy.kind == "strategy"]
    looks = looks_of(groups, highlight)
    with matplotlib.rc_context(STYLE):
        drawn, axes = note_axes((common.data, common.system), right=0.15, labels=round(1.5 * len(shown)))
        _limits(axes, [costs[s] for s in shown], [accuracy[s] for s in shown], [accuracy[s] for s in controls])
        taken = _draw_controls(axes, {label: accuracy[label] for label in controls if np.isfinite(accuracy[label])})
        front = pareto_front([(costs[label], accuracy[label]) for label in competing], more_is_better)
        axes.plot(*np.reshape(front, (-1, 2)).T, color=GREY, alpha=0.6, linewidth=0.6, zorder=1, label="_front")
        for label in shown:
            look = looks[label]
            how = _POINT if label in competing else _REFERENCE | {"markeredgecolor": look.colour}
            axes.plot(costs[label], accuracy[label], look.marker or "o", color=look.colour, label=label, **how)
        shown = [label for label in shown if not looks[label].quiet]
        points = [(costs[label], accuracy[label]) for label in shown]
        names = [name_and_kind(who(groups[label]) | {"strategy": short(label)}) for label in shown]
        label_points(axes, points, names, [looks[s].text for s in shown], taken)
        axes.set_xlabel(quantity)
        axes.set_ylabel(f"accuracy: {accuracy_of(records)} (%)")
    return drawn


def pareto_front(points: Iterable[tuple[float, float]], more_is_better: bool) -> list[tuple[float, float]]:
    """The points (cost, accuracy) of which no other is better in both, the best of cost first.

    >>> pareto_front([(2, 50), (3, 80), (2, 60), (9, 70)], more_is_better=False)
    [(2, 60), (3, 80)]
    """
    sign = -1 if more_is_better else 1
    front: list[tuple[float, float]] = []
    for cost, accuracy in sorted(points, key=lambda point: (sign * point[0], -point[1])):
        if not front or accuracy > front[-1][1]:
            front.append((cost, accuracy))
    return front


def _limits(axes: Axes, costs: Sequence[float], accuracies: Sequence[float], controls: Iterable[float]) -> None:
    """Frame the strategies; take in a control where that costs them no more than half of the height."""
    if max(costs) > 8 * min(costs):
        axes.set_xscale("log")
        axes.set_xlim(min(costs) / 1.5, max(costs) * 1.5)
    else:
        margin = 0.15 * (max(costs) - min(costs)) or 0.2 * max(costs)
        axes.set_xlim(max(min(costs) - margin, 0), max(costs) + margin)
    span = max(max(accuracies) - min(accuracies), 4.0)
    within = [value for value in controls if value >= min(accuracies) - span]
    low, high = min([*accuracies, *within]), max([*accuracies, *within])
    half = 0.65 * max(high - low, 4.0)
    axes.set_ylim((low + high) / 2 - half, (low + high) / 2 + half)


def _draw_controls(axes: Axes, controls: dict[str, float]) -> list[Bbox]:
    """Dashed lines, or a line of text at the foot for those below the axes; the boxes of the text."""
    low = axes.get_ylim()[0]
    texts: list[Text] = []
    for label, value in controls.items():
        if value >= low:
            axes.axhline(value, color=GREY, linestyle=(0, (4, 3)), linewidth=0.9, label=label, zorder=1)
            at: Any = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
            texts.append(axes.annotate(f"{short(label)} (control)", (1, value), (0, 2), **at, **_CONTROL))
    if below := [f"{short(label)} {value:.1f}" for label, value in controls.items() if value < low]:
        foot = f"controls below: {', '.join(below)}"
        texts.append(axes.text(0.995, 0.012, foot, transform=axes.transAxes, **_CONTROL))
    return [extent(text) for text in texts]
