"""Strips as in Figures 4 and 5 of Pourganjalikhan and Poullis: frames in a row, the truth above the strategies."""

from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from vosbench.base.words import data_title
from vosbench.report.drawing.style import DPI, GREY, INK, STYLE
from vosbench.report.pictures.footage import Footage
from vosbench.report.pictures.lettering import broken, legible

_WIDTH, _WIDEST = 7.16, 1.9  # inches: two columns of a paper of IEEE; the most of one picture
_LINE = 2  # pixels of a contour: half a point in print
_GAP, _TITLE, _NOTE = 8, 40, 52  # pixels between pictures, above and below them
_CHARACTERS = 22  # of a line of a row's name
_LEADING = 0.118  # inches from line to line


def strip(footage: Footage, places: Sequence[int]) -> Figure:
    """The strip of the frames at `places`, drawn in the very pixels that it has at `style.DPI`. Raises VosbenchError
    for a picture that cannot be read.
    """
    names = [footage.first_row, *(broken(legible(label), _CHARACTERS) for label in footage.masks)]
    values = ["", *(footage.accuracy(label) for label in footage.masks)]
    longest = max(len(line) for name in names for line in name.split("\n"))
    left = round(DPI * (0.14 + 0.05 * longest))
    width = min((round(DPI * _WIDTH) - left) // len(places) - _GAP, round(DPI * _WIDEST))
    true_height, true_width = footage.frames[places[0]].load().shape[:2]
    height = max(1, round(width * true_height / true_width))
    across, down = left + len(places) * (width + _GAP), _TITLE + len(names) * (height + _GAP) + _NOTE
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(across / DPI, down / DPI), dpi=DPI)

        def write(text: str, x: float, y: float, **how: Any) -> None:
            figure.text(x / across, 1 - y / down, text, va="center", **{"size": 7, "color": INK, **how})

        for column, place in enumerate(places):
            x = left + column * (width + _GAP)
            write(f"frame {legible(footage.frames[place].name)}", x + width / 2, 0.55 * _TITLE, ha="center")
            for row, picture in enumerate(footage.drawn(place, (height, width), _LINE)):
                y = down - _TITLE - (row + 1) * height - row * _GAP
                axes = figure.add_axes((x / across, y / down, width / across, height / down))
                axes.imshow(picture, interpolation="none", aspect="auto")
                axes.axis("off")
        for row, (name, value) in enumerate(zip(names, values, strict=True)):
            middle, half = _TITLE + row * (height + _GAP) + height / 2, _LEADING * DPI / 2
            lines = 1 + name.count("\n")
            write(name, left - 20, middle - bool(value) * half, ha="right", linespacing=1.2)
            write(value, left - 20, middle + lines * half, ha="right", size=6, color=GREY)
        write(_note(footage), 12, down - 0.45 * _NOTE, size=6, color=GREY)
    return figure


def _note(footage: Footage) -> str:
    info = next(iter(footage.records.values())).dataset
    errors = "; white outlines: errors wider than the tolerance of F" if footage.truth else ""
    return legible(f"{footage.sequence}, {data_title(info.name, info.split, info.frame_mode)}{errors}")
