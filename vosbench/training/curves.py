"""The curves of trainings: loss, IoU and validation J&F over the steps, as one figure."""

import csv
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from vosbench.base.text import read_text
from vosbench.errors import VosbenchError
from vosbench.report.drawing.style import STYLE, looks_of, note_axes, require_kind, room, save, short

WINDOW = 0.05  # of all rows, over which loss and IoU are averaged: those of single batches scatter
NOTE = "Lines: IoU on training clips and, below, the loss, moving means; points: J&F of validation."
FILLS = ("full", "none", "left", "bottom", "right", "top")  # of the points: one validation and another
TEXTS = {"validation", "stage"}


def read_curve(folder: Path) -> dict[str, np.ndarray]:
    """curve.csv of a training's folder: step, loss, iou, seconds_per_step, j_and_f (NaN where none), float [N] each,
    and the texts validation and stage. Steps are counted over all stages; `start` is where a row's own stage begins.

    Raises VosbenchError if it is absent, empty or not such a table.
    """
    path = folder / "curve.csv"
    lines = read_text(path, "name the folder of a training").splitlines()
    try:
        rows = list(csv.DictReader(lines))
        texts = {name: np.array([row.get(name) or "" for row in rows]) for name in TEXTS}
        columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0].keys() - TEXTS}
    except (IndexError, ValueError, TypeError):
        raise VosbenchError(f"{path} is not the log of a training", "let the training log a step first") from None
    if not {"step", "loss", "iou", "j_and_f"} <= set(columns):
        raise VosbenchError(f"{path} is not the log of a training", "its columns are step, loss, iou, …, j_and_f")
    starts, before = np.zeros(len(rows)), 0.0
    for stage in dict.fromkeys(texts["stage"]):
        own = texts["stage"] == stage
        starts[own] = before
        before += columns["step"][own][-1]
    return columns | texts | {"step": columns["step"] + starts, "start": starts}


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of each value, float [N], and those up to `window` // 2 before and after it."""
    reach = window // 2
    return np.array([values[max(0, i - reach) : i + reach + 1].mean() for i in range(len(values))])


def plot_curves(trainings: Mapping[str, Path], target: Path) -> None:
    """Draw trainings, a folder by the name of each, into `target`. VosbenchError as `read_curve` and `require_kind`."""
    require_kind(target)
    save(draw_curves({name: read_curve(folder) for name, folder in trainings.items()}), target)


def draw_curves(curves: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Above, moving means of IoU as lines and J&F of validation as points, in percent; below, on an axis that fits its
    values, those of the loss. Trainings differ in colour and, for print without colour, in dash and marker; validations
    of one training in how its points are filled. Stages begin at upright lines.
    """
    looks = looks_of(curves)
    points = {name: dict.fromkeys(curve["validation"][np.isfinite(curve["j_and_f"])]) for name, curve in curves.items()}
    several = [str(told) for found in points.values() if len(found) > 1 for told in found]
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes([NOTE], room([*curves, *several]))
        left, bottom, width, height = axes.get_position().bounds
        axes.set_position((left, bottom + 0.42 * height, width, 0.58 * height))
        losses = figure.add_axes((left, bottom, width, 0.34 * height), sharex=axes)
        for name, curve in curves.items():
            look, measured = looks[name], np.isfinite(curve["j_and_f"])
            line: dict[str, Any] = {"color": look.colour, "linestyle": look.dash}
            for start in np.unique(curve["start"]):
                own = curve["start"] == start
                steps, window = curve["step"][own], max(1, round(WINDOW * own.sum()))
                axes.plot(steps, 100 * smooth(curve["iou"][own], window), **line, label="" if start else short(name))
                losses.plot(steps, smooth(curve["loss"][own], window), **line)
                if stage := str(curve["stage"][own][0]):
                    for one in (axes, losses):
                        one.axvline(start, color="0.8", linewidth=0.6, zorder=0)
                    how: dict[str, Any] = {"textcoords": "offset points", "fontsize": 5, "rotation": 90, "va": "top"}
                    axes.annotate(short(stage), (start, 99), (1, 0), **how)
            for fill, told in zip(cycle(FILLS), points[name], strict=False):
                own, label = measured & (curve["validation"] == told), short(told or "J&F") if told in several else ""
                steps, scores = curve["step"][own], curve["j_and_f"][own]
                kind: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markersize": 4, "fillstyle": fill}
                axes.plot(steps, scores, linestyle="", label=label, **kind)
        axes.tick_params(labelbottom=False)
        axes.set_ylabel("percent")
        axes.set_ylim(0, 100)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
        losses.tick_params(length=2.5)
        losses.set_xlabel("step")
        losses.set_ylabel("loss")
        losses.set_ylim(bottom=0)
    return figure
