"""A quantity of each frame against the frame index: per strategy the median over sequences, in a band of quartiles."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vosbench.bench.record import RunRecord
from vosbench.report.context import Records, context
from vosbench.report.drawing.labels import label_ends
from vosbench.report.drawing.style import STYLE, distinct, looks_of, note_axes, room, short
from vosbench.report.makers import NotApplicableError


def draw_against_frame(
    records: Records, series_of: Callable[[RunRecord], Sequence[float]], quantity: str, stepped: bool = False
) -> Figure:
    """Median and quartiles over sequences, frame by frame; `stepped` for a quantity that holds until the next frame."""
    common, groups = context(records), distinct(records)
    quartiles = {
        label: _quartiles(series)
        for label, group in groups.items()
        if (series := [values for record in group if len(values := series_of(record))])
    }
    if not quartiles:
        raise NotApplicableError(f"no record holds {quantity}", "controls and scored folders have none: run a strategy")
    looks = looks_of(groups)
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes((common.data, common.system), room(quartiles))
        for label, (low, median, high) in quartiles.items():
            look, frames = looks[label], np.arange(len(median))
            axes.fill_between(
                frames, low, high, color=look.colour, alpha=0.15, linewidth=0, step="post" if stepped else None
            )
            how: Any = {"linestyle": look.dash, "drawstyle": "steps-post"} if stepped else {}
            how["zorder"] = 2 if look.dash == "-" else 2.5  # dashes over lines, so that both show where they coincide
            axes.plot(frames, median, color=look.colour, linewidth=1.3, label=label, **how)
        axes.set_xlim(0, max(len(median) for _, median, _ in quartiles.values()) - 1 or 1)
        axes.set_ylim(0, 1.12 * max(median.max() for _, median, _ in quartiles.values()) or 1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=axis is axes.xaxis or stepped))
        ends = [median[-1] for _, median, _ in quartiles.values()]
        label_ends(axes, ends, list(map(short, quartiles)), [looks[label].text for label in quartiles])
        axes.set_xlabel("frame")
        axes.set_ylabel(quantity)
    return figure


def _quartiles(series: Sequence[Sequence[float]]) -> np.ndarray:
    """Lower quartile, median and upper quartile, [3,T], over the sequences that reach each frame."""
    padded = np.full((len(series), max(map(len, series))), np.nan)
    for row, values in zip(padded, series, strict=True):
        row[: len(values)] = values
    return np.nanpercentile(padded, [25, 50, 75], axis=0)
