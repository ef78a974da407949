"""Placing text in a figure so that it covers neither points nor other text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from scipy.optimize import isotonic_regression

from vosbench.report.drawing.style import LINE, Look, short

_GAP = 5.0  # typographic points between a mark and its label
_KEY = 9.0  # typographic points from a label to the middle of its marker


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
    """Write `names` beside `points` (data coordinates), each in the nearest free place within `axes`.

    `taken` are boxes, in display units, to stay clear of. A label that has to stand off gets a thin line to its point.
    The limits and the position of `axes` must be final.
    """
    pixels = _pixels_per_point(axes)
    centres = axes.transData.transform(np.asarray(points, dtype=float).reshape(-1, 2))
    inside = axes.bbox.padded(-2 * pixels)  # clear of the lines of the axes
    obstacles = list(taken) + [Bbox.from_bounds(x, y, 0, 0).padded(_GAP * pixels) for x, y in centres]
    for place, (point, (x, y), name, colour) in enumerate(zip(points, centres, names, colours, strict=True)):
        leader = {"arrowstyle": "-", "linewidth": 0.6, "color": colour, "shrinkA": 0, "shrinkB": 3}
        label = axes.annotate(
            name, point, (0, 0), textcoords="offset points", ha="left", va="bottom", color=colour, arrowprops=leader
        )
        size = extent(label)
        best, near = float("inf"), True
        for distance, dx, dy in _offsets(size.width / pixels, size.height / pixels):
            if distance >= best:
                break  # places farther off cost more
            left = np.clip(x + dx * pixels, inside.x0, max(inside.x0, inside.x1 - size.width))
            foot = np.clip(y + dy * pixels, inside.y0, max(inside.y0, inside.y1 - size.height))
            box = Bbox.from_bounds(left, foot, size.width, size.height)
            others = [other for index, other in enumerate(centres) if index != place]
            own = _distance(box, x, y) + pixels
            mistaken = sum(_distance(box, *other) < own for other in others)  # it seems to belong to another point
            cost = distance + 30 * mistaken + 1000 * _conflict(box, obstacles, axes.bbox)
            if cost < best:
                best, chosen, near = cost, box, distance == _GAP
                label.xyann = ((left - x) / pixels, (foot - y) / pixels)
        obstacles.append(chosen)
        if near and label.arrow_patch:
            label.arrow_patch.set_visible(False)


def label_ends(axes: Axes, heights: Mapping[str, float], looks: Mapping[str, Look]) -> None:
    """Write the name of each curve, but quiet ones, to the right of `axes` at its height (data coordinates), moved
    apart as little as need be, behind its marker and a thin line to it. Limits and position of `axes` must be final.
    """
    heights = {name: height for name, height in heights.items() if not looks[name].quiet}
    pixels, figure = _pixels_per_point(axes), axes.get_figure(root=True)
    assert figure is not None
    wanted = axes.transData.transform([(0, height) for height in heights.values()])[:, 1] / pixels
    order = np.argsort(-wanted, kind="stable")
    rank = np.arange(len(order)) * LINE
    placed = isotonic_regression(wanted[order] + rank, increasing=False).x - rank
    placed = np.minimum(placed, axes.bbox.y1 / pixels - rank)  # none above the top of the axes, none below their foot
    placed = np.maximum(placed, axes.bbox.y0 / pixels + rank[::-1])
    how: Any = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
    right = axes.bbox.x1 / pixels
    names = list(heights)
    for index, height in zip(order, placed, strict=True):
        name, look = names[index], looks[names[index]]
        at, offset = (1, heights[name]), (_GAP + 2 * _KEY, height - wanted[index])
        axes.annotate(short(name), at, offset, ha="left", va="center", color=look.text, **how)
        key: Any = {"color": look.colour, "linewidth": 0.6, "transform": figure.dpi_scale_trans}  # inches
        xs = np.array((right, right + _GAP, right + _GAP + _KEY)) / 72
        ys = np.array((wanted[index], height, height)) / 72
        figure.add_artist(Line2D(xs, ys, **key, marker=look.marker, markersize=3.6, markevery=[2]))


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
