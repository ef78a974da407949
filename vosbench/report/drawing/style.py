"""How every figure looks: colours, marks, type, the note on the conditions; and how it is written.

Figures use neither pyplot nor any global state. Colours are those of Okabe and Ito ("Color Universal Design", 2008),
which readers with any colour vision can tell apart, and follow the order of the run, so that a strategy looks the
same in every figure of it.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.context import Records, by_strategy
from vosbench.report.makers import NotApplicableError

MAX_STRATEGIES = 20  # that a figure tells apart
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES: tuple[Any, ...] = ("-", (0, (4, 3)), (0, (1.5, 2.5)), (0, (6, 2, 1.5, 2)))
INK, GREY = "#222222", "#777777"
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.parse_math": False,  # a file name may hold a dollar sign
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "vosbench",  # the same figure gives the same file
    "pdf.fonttype": 42,
}
WIDTH, HEIGHT = 5.6, 3.5  # inches
DPI = 300  # of pixels, in .png and within .svg and .pdf
_NO_DATE: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


@dataclass(frozen=True)
class Look:
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


def distinct(records: Records) -> dict[str, list[RunRecord]]:
    """The records by strategy. Raises NotApplicableError if there are more strategies than a figure can tell apart."""
    groups = by_strategy(records)
    strategies = sum(group[0].policy.kind == "strategy" for group in groups.values())
    if strategies > MAX_STRATEGIES:
        raise NotApplicableError(
            f"{strategies} strategies cannot be told apart, choose up to {MAX_STRATEGIES} of them",
            "choose strategies with --policies",
        )
    return groups


def looks_of(groups: Iterable[str]) -> dict[str, Look]:
    """The look of each strategy by its place in the run."""
    return {
        label: Look(
            _COLOURS[place % len(_COLOURS)],
            _MARKERS[(place + place // len(_COLOURS)) % len(_MARKERS)],
            _DASHES[place % len(_DASHES)],
        )
        for place, label in enumerate(groups)
    }


def short(label: str) -> str:
    """`label`, or its end if it is long (a path): what fits beside a figure."""
    return label if len(label) <= 34 else f"…{label[-33:]}"


def room(labels: Iterable[str]) -> float:
    """Inches for names beside the axes."""
    return 0.25 + 0.067 * max(len(short(label)) for label in labels)


def note_axes(conditions: Sequence[str], right: float) -> tuple[Figure, Axes]:
    """A figure with axes under a note on the `conditions`, a paragraph each, with `right` inches beside them."""
    figure = Figure(figsize=(WIDTH, HEIGHT))
    lines = [line for part in conditions for line in textwrap.wrap(part, 105)]
    top = 0.16 + 0.125 * len(lines)
    axes = figure.add_axes((0.55 / WIDTH, 0.45 / HEIGHT, 1 - (0.55 + right) / WIDTH, 1 - (0.45 + top) / HEIGHT))
    note = "\n".join(lines)
    figure.text(0.08 / WIDTH, 1 - 0.07 / HEIGHT, note, fontsize=6.5, color=GREY, va="top", linespacing=1.3)
    axes.tick_params(length=2.5)
    return figure, axes


def require_kind(path: Path) -> str:
    """The kind of figure that `path` names, by its suffix. Raises VosbenchError unless it is png, svg or pdf."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _NO_DATE:
        raise VosbenchError(f"cannot write a figure as {path}", "end the name in .png, .svg or .pdf")
    return kind


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as the suffix of `path` says: .png, .svg or .pdf. Raises VosbenchError on another."""
    kind = require_kind(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(STYLE):
            figure.savefig(path, format=kind, dpi=DPI, metadata=_NO_DATE[kind])
    except OSError as error:
        raise VosbenchError(f"cannot write figure {path}: {error.strerror}", "choose another folder") from None
