"""Figures from records: accuracy against speed, latency and memory against the frame index.

Each function returns a matplotlib figure; `style.save` writes it.
"""

from collections.abc import Callable, Iterable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.context import by_strategy, context
from vosbench.report.measures import model_fps, pooled_jf
from vosbench.report.plots.labels import extent, label_ends, label_points
from vosbench.report.plots.style import GREY, STYLE, looks_of, note_axes, short


def accuracy_against_speed(records: Sequence[RunRecord]) -> Figure:
    """J&F (percent, over all objects) against model FPS (all frames / all time): one labelled point per strategy.

    Controls, which have no speed, are dashed lines. One that lies so far below the strategies that it would press
    them together is named with its value at the foot of the figure instead. Raises VosbenchError as `context` does,
    and if no strategy has both scores and a timing.
    """
    common = context(records)
    groups = by_strategy(records)
    accuracy = {spec: 100 * pooled_jf(group) for spec, group in groups.items()}
    speed = {spec: model_fps(group) for spec, group in groups.items()}
    shown = [spec for spec in groups if np.isfinite(accuracy[spec]) and np.isfinite(speed[spec])]
    if not shown:
        raise VosbenchError("no strategy has both scores and a timing", "run a strategy on a data set with masks")
    controls = [spec for spec, group in groups.items() if group[0].policy.kind == "control" if spec not in shown]
    looks = looks_of(groups)
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes((common.data, common.system), right=0.15)
        _limits(axes, [speed[s] for s in shown], [accuracy[s] for s in shown], [accuracy[s] for s in controls])
        taken = _draw_controls(axes, {spec: accuracy[spec] for spec in controls if np.isfinite(accuracy[spec])})
        for spec in shown:
            look = looks[spec]
            axes.plot(
                speed[spec],
                accuracy[spec],
                look.marker,
                color=look.colour,
                markersize=6.5,
                markeredgecolor="white",
                markeredgewidth=0.6,
                alpha=0.85,
                label=spec,
            )
        points = [(speed[spec], accuracy[spec]) for spec in shown]
        label_points(axes, points, [short(s) for s in shown], [looks[s].text for s in shown], taken)
        axes.set_xlabel("speed: model frames per second")
        axes.set_ylabel("accuracy: J&F (%)")
    return figure


def latency_against_frame(records: Sequence[RunRecord]) -> Figure:
    """Milliseconds in the model against frame index: per strategy the median over sequences, in a band of quartiles.

    The last frames belong to the longest sequences alone. Raises VosbenchError as `context` does, and if no record
    has a timing.
    """
    return _against_frame(records, _latency, "latency (ms)")


def memory_against_frame(records: Sequence[RunRecord]) -> Figure:
    """Frames in memory against frame index: per strategy the median over sequences, in a band of quartiles.

    Raises VosbenchError as `context` does, and if no record has memory.
    """
    return _against_frame(
        records, lambda record: record.memory.frames if record.memory else (), "frames in memory", stepped=True
    )


def _latency(record: RunRecord) -> Sequence[float]:
    """Milliseconds of each frame, the median of the repetitions."""
    series = [timing.latency_ms for timing in record.timings]
    return [float(median) for median in np.median(series, axis=0)] if series else ()


def _against_frame(
    records: Sequence[RunRecord],
    series_of: Callable[[RunRecord], Sequence[float]],
    quantity: str,
    stepped: bool = False,
) -> Figure:
    """Median and quartiles over sequences, frame by frame; `stepped` for a quantity that holds until the next frame."""
    common = context(records)
    groups = by_strategy(records)
    quartiles = {
        spec: _quartiles(series)
        for spec, group in groups.items()
        if (series := [values for record in group if len(values := series_of(record))])
    }
    if not quartiles:
        raise VosbenchError(f"no record holds {quantity}", "controls and scored folders have none: run a strategy")
    looks = looks_of(groups)
    names = [short(spec) for spec in quartiles]
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes((common.data, common.system), right=0.25 + 0.067 * max(map(len, names)))
        for spec, (low, median, high) in quartiles.items():
            look, frames = looks[spec], np.arange(len(median))
            axes.fill_between(
                frames, low, high, color=look.colour, alpha=0.15, linewidth=0, step="post" if stepped else None
            )
            axes.plot(
                frames,
                median,
                color=look.colour,
                linestyle=look.dash if stepped else "-",
                linewidth=1.3,
                drawstyle="steps-post" if stepped else "default",
                zorder=2 if look.dash == "-" else 2.5,  # dashes over lines, so that both show where they coincide
                label=spec,
            )
        axes.set_xlim(0, max(len(median) for _, median, _ in quartiles.values()) - 1 or 1)
        axes.set_ylim(0, 1.12 * max(median.max() for _, median, _ in quartiles.values()) or 1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=axis is axes.xaxis or stepped))
        ends = [median[-1] for _, median, _ in quartiles.values()]
        label_ends(axes, ends, names, [looks[spec].text for spec in quartiles])
        axes.set_xlabel("frame")
        axes.set_ylabel(quantity)
    return figure


def _quartiles(series: Sequence[Sequence[float]]) -> np.ndarray:
    """Lower quartile, median and upper quartile, [3,T], over the sequences that reach each frame."""
    padded = np.full((len(series), max(map(len, series))), np.nan)
    for row, values in zip(padded, series, strict=True):
        row[: len(values)] = values
    return np.nanpercentile(padded, [25, 50, 75], axis=0)


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
    for spec, value in controls.items():
        if value >= low:
            axes.axhline(value, color=GREY, linestyle=(0, (4, 3)), linewidth=0.9, label=spec, zorder=1)
            place = (1, value)
            texts.append(
                axes.annotate(
                    f"{spec} (control)",
                    place,
                    (0, 2),
                    xycoords=axes.get_yaxis_transform(),
                    textcoords="offset points",
                    ha="right",
                    va="bottom",
                    color=GREY,
                    fontsize=7,
                )
            )
    if below := [f"{spec} {value:.1f}" for spec, value in controls.items() if value < low]:
        foot = f"controls below: {', '.join(below)}"
        texts.append(
            axes.text(0.995, 0.012, foot, transform=axes.transAxes, ha="right", va="bottom", color=GREY, fontsize=7)
        )
    return [extent(text) for text in texts]
