"""Small multiples (Tufte, "Envisioning Information", 1990): a picture for each of many curves, all of one scale."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vosbench.report.drawing.style import INK, WIDTH, note_figure, short
from vosbench.report.pictures.lettering import broken

_COLUMNS, _EACH, _BETWEEN = 4, 0.72, 0.36  # of pictures; inches of height of one, and between two rows
_LEFT, _FOOT = 0.5, 0.4  # inches beside and below them
_CHARACTERS = 23  # of a line above a picture; there are two


def small_multiples(conditions: Sequence[str], names: Sequence[str], x: str, y: str) -> tuple[Figure, dict[str, Axes]]:
    """A figure with axes for each of the names, which stand above them, and the quantities `x` and `y` named once."""
    rows = -(-len(names) // _COLUMNS)
    top = note_figure(conditions, 1)[1] + 0.2
    height = top + rows * (_EACH + _BETWEEN) - _BETWEEN + _FOOT
    figure, _ = note_figure(conditions, height)
    width = (WIDTH - _LEFT - 0.1) / _COLUMNS
    panels: dict[str, Axes] = {}
    for place, name in enumerate(names):
        row, column = divmod(place, _COLUMNS)
        bottom = height - top - row * (_EACH + _BETWEEN) - _EACH
        box = ((_LEFT + column * width) / WIDTH, bottom / height, (width - 0.12) / WIDTH, _EACH / height)
        axes = figure.add_axes(box)
        axes.set_title(
            broken(short(name, 2 * _CHARACTERS - 8), _CHARACTERS), fontsize=6.5, color=INK, pad=2, loc="left"
        )
        axes.tick_params(length=2, labelsize=6.5)
        axes.tick_params(labelleft=not column, labelbottom=place + _COLUMNS >= len(names))
        panels[name] = axes
    figure.text((_LEFT + 2 * width) / WIDTH, 0.1 / height, x, ha="center", color=INK)
    figure.text(0.1 / WIDTH, (_FOOT + height - top) / 2 / height, y, va="center", rotation=90, color=INK)
    return figure, panels
