"""Strips as in Figures 4 and 5 of Pourganjalikhan and Poullis: frames in a row, the truth above the strategies."""

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from vosbench.base.words import data_title
from vosbench.errors import VosbenchError
from vosbench.report.drawing.style import DPI, GREY, INK, STYLE
from vosbench.report.pictures.footage import Footage
from vosbench.report.pictures.lettering import broken, fitting, legible, length

_WIDTH, _WIDEST = 7.16, 1.9  # inches: two columns of a paper of IEEE; the most of one picture
_LINE = 2  # pixels of a contour: half a point in print
_GAP, _TITLE, _NOTE, _MARGIN = 8, 40, 52, 20  # pixels between pictures, above and below them, beside names
_NARROWEST = 160  # pixels of a picture: as wide as its heading
_CHARACTERS = 22  # of a line of a row's name
_LETTERS, _LEADING = 7, 0.118  # typographic points of letters, inches from line to line


def strip(footage: Footage, places: Sequence[int]) -> Figure:
    """The strip of the frames at `places`, in the very pixels that it has at `style.DPI`. Raises as `Footage.drawn`,
    and VosbenchError for more frames than fit beside each other.
    """
    names = [footage.first_row, *(broken(legible(footage.title(label)), _CHARACTERS) for label in footage.masks)]
    values = ["", *(footage.accuracy(label) for label in footage.masks)]
    lines = [line for name in (*names, *values) for line in name.split("\n")]
    letters = round(_LETTERS * DPI / 72)
    left = round(max(length(line, letters) for line in lines)) + 2 * _MARGIN
    if len(places) > (most := (round(DPI * _WIDTH) - left) // (_NARROWEST + _GAP)):
        hint = "choose fewer, with --frames or --number"
        raise VosbenchError(f"{len(places)} frames do not fit beside each other: {most} do", hint)
    width = min((round(DPI * _WIDTH) - left) // len(places) - _GAP, round(DPI * _WIDEST))
    true_height, true_width = footage.frames[places[0]].load().shape[:2]
    height = max(1, round(width * true_height / true_width))
    across = left + len(places) * (width + _GAP)
    note = textwrap.wrap(_note(footage), across // 14)
    below = _NOTE + _LEADING * DPI * (len(note) - 1)
    tallest = max(1 + name.count("\n") + bool(value) for name, value in zip(names, values, strict=True))
    row_height = max(height, round(tallest * _LEADING * DPI)) + _GAP
    down = _TITLE + len(names) * row_height + below
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(across / DPI, down / DPI), dpi=DPI)

        def write(text: str, x: float, y: float, **how: Any) -> None:
            figure.text(x / across, 1 - y / down, text, va="center", **{"size": _LETTERS, "color": INK, **how})

        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        for column, place in enumerate(places):
            x = left + column * (width + _GAP)
            heading = fitting(f"frame {legible(footage.frames[place].name)}", letters, width + _GAP / 2)
            write(heading, x + width / 2, 0.55 * _TITLE, ha="center")
            for row, picture in enumerate(footage.drawn(place, (height, width), _LINE)):
                y = _TITLE + row * row_height + (row_height - _GAP - height) // 2
                axes.imshow(picture, interpolation="none", extent=(x, x + width, y + height, y), aspect="auto")
        axes.set_xlim(0, across)
        axes.set_ylim(down, 0)
        for row, (name, value) in enumerate(zip(names, values, strict=True)):
            middle, half = _TITLE + row * row_height + (row_height - _GAP) / 2, _LEADING * DPI / 2
            write(name, left - _MARGIN, middle - bool(value) * half, ha="right", linespacing=1.2)
            write(value, left - _MARGIN, middle + (1 + name.count("\n")) * half, ha="right", size=6, color=GREY)
        write("\n".join(note), _MARGIN, down - 0.45 * below, size=6, color=GREY, linespacing=1.3)
    return figure


def _note(footage: Footage) -> str:
    info = next(iter(footage.records.values())).dataset
    errors = "; white outlines: errors wider than the tolerance of F" if footage.truth else ""
    return legible(f"{footage.sequence}, {data_title(info.name, info.split, info.frame_mode)}{errors}")
