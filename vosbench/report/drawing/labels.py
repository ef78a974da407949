"""Placing text in a figure so that it covers neither points nor other text."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from scipy.optimize import isotonic_regression

_GAP = 5.0  # typographic points between a mark and its label
_LINE = 10.5  # typographic points between stacked labels


def extent(text: Text) -> Bbox:
    """The box that the letters of `text` take, in display units, without the line of an annotation."""
    renderer = FigureCanvasAgg(text.get_figure(root=True)).get_renderer()
    if isinstance(text, Annotation):
        text.update_positions(renderer)
    return Text.get_window_extent(text, renderer)


def label_points(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    colours: Sequence[str],
    taken: Sequence[Bbox] = (),
) -> None:
    """Write `names` beside `points` (data coordinates), each in the nearest free place.

    `taken` are boxes, in display units, to stay clear of. A label that has to stand off gets a thin line to its point.
    The limits and the position of `axes` must be final.
    """
    pixels = _pixels_per_point(axes)
    centres = axes.transData.transform(np.asarray(points, dtype=float).reshape(-1, 2))
    obstacles = list(taken) + [Bbox.from_bounds(x, y, 0, 0).padded(_GAP * pixels) for x, y in centres]
    for place, (point, (x, y), name, colour) in enumerate(zip(points, centres, names, colours, strict=True)):
        leader = {"arrowstyle": "-", "linewidth": 0.6, "color": colour, "shrinkA": 0, "shrinkB": 3}
        label = axes.annotate(
            name, point, (0, 0), textcoords="offset points", ha="left", va="bottom", color=colour, arrowprops=leader
        )
        size = extent(label)
        best, near = float("inf"), True
        for distance, dx, dy in _offsets(size.width / pixels, size.height / pixels):
            box = Bbox.from_bounds(x + dx * pixels, y + dy * pixels, size.width, size.height)
            others = [other for index, other in enumerate(centres) if index != place]
            own = _distance(box, x, y) + pixels
            mistaken = sum(_distance(box, *other) < own for other in others)  # it seems to belong to another point
            cost = distance + 30 * mistaken + 1000 * _conflict(box, obstacles, axes.bbox)
            if cost < best:
                best, chosen, near = cost, box, distance == _GAP
                label.xyann = (dx, dy)
        obstacles.append(chosen)
        if near and label.arrow_patch:
            label.arrow_patch.set_visible(False)


def label_ends(axes: Axes, heights: Sequence[float], names: Sequence[str], colours: Sequence[str]) -> None:
    """Write `names` to the right of `axes` at `heights` (data coordinates), moved apart as little as need be.

    The limits and the position of `axes` must be final.
    """
    pixels = _pixels_per_point(axes)
    wanted = axes.transData.transform([(0, height) for height in heights])[:, 1] / pixels
    order = np.argsort(-wanted, kind="stable")
    rank = np.arange(len(order)) * _LINE
    placed = isotonic_regression(wanted[order] + rank, increasing=False).x - rank
    placed = np.maximum(placed, axes.bbox.y0 / pixels + rank[::-1])  # none below the foot of the axes
    how: Any = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
    for index, height in zip(order, placed, strict=True):
        place, offset = (1, heights[index]), (_GAP, height - wanted[index])
        axes.annotate(names[index], place, offset, ha="left", va="center", color=colours[index], **how)


def _pixels_per_point(axes: Axes) -> float:
    figure = axes.get_figure(root=True)
    assert figure is not None  # every axes that is drawn has one
    return figure.dpi / 72


def _offsets(width: float, height: float) -> Iterator[tuple[float, float, float]]:
    """Distance, and offset of the lower left corner, of places around a point; typographic points, near ones first."""
    for distance in (_GAP, 3 * _GAP, 5 * _GAP, 8 * _GAP, 12 * _GAP):
        for horizontal, vertical in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            dx = (distance, -width / 2, -distance - width)[(1, 0, -1).index(horizontal)]
            dy = (distance, -height / 2, -distance - height)[(1, 0, -1).index(vertical)]
            yield distance, dx, dy


def _distance(box: Bbox, x: float, y: float) -> float:
    """From the point (x, y) to the nearest point of `box`."""
    return float(np.hypot(x - np.clip(x, box.x0, box.x1), y - np.clip(y, box.y0, box.y1)))


def _conflict(box: Bbox, obstacles: Sequence[Bbox], inside: Bbox) -> float:
    """How much of `box` lies on `obstacles` or outside `inside`, as a share of its area (above 1 for several)."""
    kept = Bbox.intersection(box, inside)
    outside = 1 - (kept.width * kept.height if kept else 0) / (box.width * box.height)
    overlaps = (Bbox.intersection(box, other) for other in obstacles)
    return outside + sum(o.width * o.height for o in overlaps if o) / (box.width * box.height)
