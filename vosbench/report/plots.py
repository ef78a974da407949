"""Figures from records: accuracy against speed, latency and memory against the frame index.

Each function returns a matplotlib figure that owes nothing to pyplot or to global state; `save` writes it. Colours
are those of Okabe and Ito ("Color Universal Design", 2008), which readers with any colour vision can tell apart, and
follow the order of the run, so that a strategy looks the same in every figure of it.
"""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from vosbench.errors import VosbenchError
from vosbench.report.context import Context, by_strategy, context
from vosbench.report.labels import extent, label_ends, label_points
from vosbench.report.records import RunRecord
from vosbench.report.tables import pooled_jf
from vosbench.report.timing import model_fps

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES: tuple[Any, ...] = ("-", (0, (4, 3)), (0, (1.5, 2.5)), (0, (6, 2, 1.5, 2)))
_INK, _GREY = "#222222", "#777777"
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.parse_math": False,  # a file name may hold a dollar sign
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "vosbench",  # the same figure gives the same file
    "pdf.fonttype": 42,
}
_WIDTH, _HEIGHT = 5.6, 3.5  # inches
_NO_DATE: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


@dataclass(frozen=True)
class _Look:
    """How a strategy looks. Colour and dash together repeat after 28 strategies, colour and marker after 49.

    Dashes are for stepped curves, which often coincide; a latency is too rough a curve to be dashed.
    """

    colour: str
    marker: str
    dash: Any

    @property
    def text(self) -> str:
        """The colour of its name: darker, to be legible on white."""
        red, green, blue = to_rgb(self.colour)
        return to_hex((0.7 * red, 0.7 * green, 0.7 * blue))


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
    looks = _looks(groups)
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes(common, right=0.15)
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
        label_points(axes, points, [_short(s) for s in shown], [looks[s].text for s in shown], taken)
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


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as the suffix of `path` says: .png (300 dpi), .svg or .pdf. Raises VosbenchError on another."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _NO_DATE:
        raise VosbenchError(f"cannot write a figure as {path}", "end the name in .png, .svg or .pdf")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(_STYLE):
            figure.savefig(path, format=kind, dpi=300, metadata=_NO_DATE[kind])
    except OSError as error:
        raise VosbenchError(f"cannot write figure {path}: {error.strerror}", "choose another folder") from None


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
    looks = _looks(groups)
    names = [_short(spec) for spec in quartiles]
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes(common, right=0.25 + 0.067 * max(map(len, names)))
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


def _axes(common: Context, right: float) -> tuple[Figure, Axes]:
    """A figure with axes under a note on the conditions, with `right` inches beside them."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT))
    lines = [line for part in (common.data, common.system) for line in textwrap.wrap(part, 105)]
    top = 0.16 + 0.125 * len(lines)
    axes = figure.add_axes((0.55 / _WIDTH, 0.45 / _HEIGHT, 1 - (0.55 + right) / _WIDTH, 1 - (0.45 + top) / _HEIGHT))
    note = "\n".join(lines)
    figure.text(0.08 / _WIDTH, 1 - 0.07 / _HEIGHT, note, fontsize=6.5, color=_GREY, va="top", linespacing=1.3)
    axes.tick_params(length=2.5)
    return figure, axes


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
            axes.axhline(value, color=_GREY, linestyle=(0, (4, 3)), linewidth=0.9, label=spec, zorder=1)
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
                    color=_GREY,
                    fontsize=7,
                )
            )
    if below := [f"{spec} {value:.1f}" for spec, value in controls.items() if value < low]:
        foot = f"controls below: {', '.join(below)}"
        texts.append(
            axes.text(0.995, 0.012, foot, transform=axes.transAxes, ha="right", va="bottom", color=_GREY, fontsize=7)
        )
    return [extent(text) for text in texts]


def _looks(groups: Iterable[str]) -> dict[str, _Look]:
    """The look of each strategy by its place in the run."""
    return {
        spec: _Look(
            _COLOURS[place % len(_COLOURS)],
            _MARKERS[(place + place // len(_COLOURS)) % len(_MARKERS)],
            _DASHES[place % len(_DASHES)],
        )
        for place, spec in enumerate(groups)
    }


def _short(spec: str) -> str:
    """`spec`, or its end if it is long (a path): what fits beside a figure."""
    return spec if len(spec) <= 34 else f"…{spec[-33:]}"
