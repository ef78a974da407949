"""J&F against frames per second: a point for each strategy."""

from collections.abc import Collection, Iterable, Sequence
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
from vosbench.report.measures import accuracy_of, model_fps, pooled_jf

_POINT: Any = {"markersize": 6.5, "markeredgecolor": "white", "markeredgewidth": 0.6, "alpha": 0.85}
_CONTROL: Any = {"ha": "right", "va": "bottom", "color": GREY, "fontsize": 7}


def figure(records: Records, *, highlight: Collection[str] = ()) -> Figure:
    """J&F (percent, over all objects) against model FPS (all frames / all time): one labelled point per strategy.

    Controls, which have no speed, are dashed lines. One that lies so far below the strategies that it would press
    them together is named with its value at the foot of the figure instead. Raises VosbenchError as `context` does,
    and NotApplicableError if no strategy has both scores and a timing.
    """
    common = context(records)
    groups = distinct(records)
    accuracy = {label: 100 * pooled_jf(group) for label, group in groups.items()}
    speed = {label: model_fps(group) for label, group in groups.items()}
    shown = [label for label in groups if np.isfinite(accuracy[label]) and np.isfinite(speed[label])]
    if not shown:
        raise NotApplicableError("no strategy has both scores and a timing", "run a strategy on a data set with masks")
    controls = [label for label, group in groups.items() if group[0].policy.kind == "control" if label not in shown]
    looks = looks_of(groups, highlight)
    with matplotlib.rc_context(STYLE):
        drawn, axes = note_axes((common.data, common.system), right=0.15, labels=round(1.5 * len(shown)))
        _limits(axes, [speed[s] for s in shown], [accuracy[s] for s in shown], [accuracy[s] for s in controls])
        taken = _draw_controls(axes, {label: accuracy[label] for label in controls if np.isfinite(accuracy[label])})
        for label in shown:
            look = looks[label]
            axes.plot(speed[label], accuracy[label], look.marker or "o", color=look.colour, label=label, **_POINT)
        shown = [label for label in shown if not looks[label].quiet]
        points = [(speed[label], accuracy[label]) for label in shown]
        label_points(axes, points, [short(s) for s in shown], [looks[s].text for s in shown], taken)
        axes.set_xlabel("speed: model frames per second")
        axes.set_ylabel(f"accuracy: {accuracy_of(records)} (%)")
    return drawn


def _limits(axes: Axes, speeds: Sequence[float], accuracies: Sequence[float], controls: Iterable[float]) -> None:
    """Frame the strategies; take in a control where that costs them no more than half of the height."""
    if max(speeds) > 8 * min(speeds):
        axes.set_xscale("log")
        axes.set_xlim(min(speeds) / 1.5, max(speeds) * 1.5)
    else:
        margin = 0.15 * (max(speeds) - min(speeds)) or 0.2 * max(speeds)
        axes.set_xlim(max(min(speeds) - margin, 0), max(speeds) + margin)
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
            texts.append(axes.annotate(f"{label} (control)", (1, value), (0, 2), **at, **_CONTROL))
    if below := [f"{label} {value:.1f}" for label, value in controls.items() if value < low]:
        foot = f"controls below: {', '.join(below)}"
        texts.append(axes.text(0.995, 0.012, foot, transform=axes.transAxes, **_CONTROL))
    return [extent(text) for text in texts]
