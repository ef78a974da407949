"""A quantity of each frame against the frame index: per strategy the median over sequences, in a band of quartiles."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vosbench.bench.record import RunRecord
from vosbench.report.context import Records, context
from vosbench.report.drawing.labels import label_ends
from vosbench.report.drawing.multiples import small_multiples
from vosbench.report.drawing.style import BANDS, GREY, MANY, STYLE, Look, distinct, looks_of, note_axes, room
from vosbench.report.makers import NotApplicableError
from vosbench.report.measures import name_and_kind, who


def draw_against_frame(
    records: Records,
    series_of: Callable[[RunRecord], Sequence[float]],
    quantity: str,
    stepped: bool = False,
    highlight: Collection[str] = (),
) -> Figure:
    """The median over sequences, frame by frame, in a band of quartiles where there are few curves; `stepped` for a
    quantity that holds until the next frame.

    Strategies to `highlight` stand before the others, which are pale. Where there are none, but many strategies, each
    stands so in a small picture of its own.
    """
    common, by_label = context(records), distinct(records, highlight)
    names = {label: name_and_kind(who(group)) for label, group in by_label.items()}
    groups, highlight = {names[label]: by_label[label] for label in names}, [names[label] for label in highlight]
    quartiles = {
        label: _quartiles(series)
        for label, group in groups.items()
        if (series := [values for record in group if len(values := series_of(record))])
    }
    if not quartiles:
        raise NotApplicableError(f"no record holds {quantity}", "controls and scored folders have none: run a strategy")
    looks = {label: look for label, look in looks_of(groups, highlight).items() if label in quartiles}
    with matplotlib.rc_context(STYLE):
        conditions = (common.data, common.system)
        if len(quartiles) > MANY and not any(look.quiet for look in looks.values()):
            figure, panels = small_multiples(conditions, list(quartiles), "frame", quantity)
            for label, axes in panels.items():
                _draw(axes, quartiles, looks_of(looks, [label]), stepped, alone=True)
        else:
            named = [label for label, look in looks.items() if not look.quiet]
            figure, axes = note_axes(conditions, room(named), len(named))
            _draw(axes, quartiles, looks, stepped)
            label_ends(axes, {label: median[-1] for label, (_, median, _) in quartiles.items()}, looks)
            axes.set_xlabel("frame")
            axes.set_ylabel(quantity)
    return figure


def _draw(
    axes: Axes, quartiles: Mapping[str, np.ndarray], looks: Mapping[str, Look], stepped: bool, alone: bool = False
) -> None:
    """The curves, in the limits of all (`_top`); one `alone` before quiet ones needs neither marker nor dash."""
    medians = [median for _, median, _ in quartiles.values()]
    top = max(map(np.max, medians)) if stepped else _top(medians)
    banded = len(looks) - sum(look.quiet for look in looks.values()) <= BANDS
    for place, (label, (low, median, high)) in enumerate(quartiles.items()):
        look, frames = looks[label], np.arange(len(median))
        how = look.line(place, len(median))
        if banded and not look.quiet:
            band: Any = {"step": "post" if stepped else None, "alpha": 0.15, "linewidth": 0}
            axes.fill_between(frames, low, high, color=look.colour, **band)
        if stepped:
            how |= {"linestyle": "-" if alone else look.dash, "drawstyle": "steps-post"}
            how["zorder"] += 0 if look.dash == "-" else 0.5  # dashes over lines, so that both show where they coincide
        if median.max() > top:
            how["clip_on"] = True
        axes.plot(frames, median, label=label, **how | ({"marker": ""} if alone else {}))
    axes.set_xlim(0, max(len(median) for _, median, _ in quartiles.values()) - 1 or 1)
    axes.set_ylim(0, 1.12 * top or 1)
    highest = max(quartiles[label][1].max() for label, look in looks.items() if not look.quiet)
    if highest > top:
        beyond = f"↑ up to {highest:.0f}, beyond the axis"
        axes.text(0.02, 0.98, beyond, transform=axes.transAxes, va="top", fontsize=6.5, color=GREY)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=axis is axes.xaxis or stepped))


def _top(medians: Sequence[np.ndarray]) -> float:
    """Where an axis of times ends: the highest, or, if few are far slower, the 99th percentile after frame 0."""
    usual = np.percentile(np.concatenate([median[1:] if len(median) > 1 else median for median in medians]), 99)
    highest = max(map(np.max, medians))
    return float(usual if highest > 1.5 * usual else highest)


def _quartiles(series: Sequence[Sequence[float]]) -> np.ndarray:
    """Lower quartile, median and upper quartile, [3,T], over the sequences that reach each frame."""
    frames = np.array(list(zip_longest(*series, fillvalue=np.nan)), float)
    return np.nanpercentile(frames, [25, 50, 75], axis=1)
