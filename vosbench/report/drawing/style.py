"""How every figure looks: colours, marks, type, the note on the conditions; and how it is written.

Figures use neither pyplot nor any global state. Colours are those of Okabe and Ito ("Color Universal Design", 2008),
which readers with any colour vision can tell apart, and follow the order of the run, so that a strategy looks the
same in every figure of it.
"""

import textwrap
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from vosbench.base.atomic import replacing
from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.context import Records, by_strategy
from vosbench.report.makers import NotApplicableError
from vosbench.report.pictures.lettering import legible

MAX_STRATEGIES = 28  # that a figure tells apart
MANY = 7  # more curves than this get a small picture each, unless some are highlighted
BANDS = 4  # more curves than this have no band around them
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES: tuple[Any, ...] = ("-", (0, (4, 3)), (0, (1.5, 2.5)), (0, (6, 2, 1.5, 2)))
INK, GREY, PALE = "#222222", "#777777", "#C8C8C8"
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
LINE = 10.5  # typographic points between stacked labels
DPI = 300  # of pixels, in .png and within .svg and .pdf
_HOW: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {"pil_kwargs": {"compress_level": 1}},  # more takes ten times as long where there are photographs
}


@dataclass(frozen=True)
class Look:
    """How a strategy looks. Any two of the first 28 differ in colour and dash, in colour and marker, and, where there
    is no colour, in marker and dash.

    Dashes are for stepped curves, which often coincide; a latency is too rough a curve to be dashed. What is not
    highlighted where something is, is `quiet`: pale, in the back.
    """

    colour: str
    marker: str
    dash: Any
    quiet: bool = False

    @property
    def text(self) -> str:
        """The colour of its name: darker, to be legible on white."""
        red, green, blue = to_rgb(self.colour)
        return to_hex((0.7 * red, 0.7 * green, 0.7 * blue))

    def line(self, place: int = 0, points: int = 0) -> dict[str, Any]:
        """How matplotlib draws its curve. Of many `points` some have a marker, the last one always; which, depends on
        the `place` among other curves, so that markers of curves that coincide stand beside each other.
        """
        step = max(1, points // 5)
        marked = sorted({*range((3 * place) % step, points, step), points - 1}) if points > 12 else None
        return {
            "color": self.colour,
            "linewidth": 0.8 if self.quiet else 1.3,
            "zorder": 1.5 if self.quiet else 2,
            "clip_on": False,  # or else half a marker
            "marker": "" if self.quiet else self.marker,
            "markersize": 3.6,
            "markevery": marked,
        }


def distinct(records: Records, highlight: Collection[str] = ()) -> dict[str, list[RunRecord]]:
    """The records by strategy. Raises NotApplicableError if there are more strategies than a figure can tell apart, of
    those to `highlight` where there are some: others are pale and have no name.
    """
    groups = by_strategy(records)
    named = [label for label in groups if label in highlight] or groups
    strategies = sum(groups[label][0].policy.kind != "control" for label in named)
    if strategies > MAX_STRATEGIES:
        message = f"{strategies} strategies cannot be told apart, choose up to {MAX_STRATEGIES} of them"
        raise NotApplicableError(message, "choose strategies with --policies, or --highlight some")
    return groups


def looks_of(groups: Iterable[str], highlight: Collection[str] = ()) -> dict[str, Look]:
    """The look of each strategy by its place in the run; or by that among those to `highlight`: others are quiet."""
    everything = list(groups)
    chosen = [label for label in everything if label in highlight] or everything
    looks = {}
    for place, label in enumerate(chosen):
        colour, dash = place % len(_COLOURS), place % len(_DASHES)
        looks[label] = Look(_COLOURS[colour], _MARKERS[(colour + dash) % len(_MARKERS)], _DASHES[dash])
    return {label: looks.get(label, Look(PALE, "", "-", quiet=True)) for label in everything}


def short(label: str, most: int = 34) -> str:
    """`label`, or its end if it is long (a path): what fits beside a figure and can be drawn."""
    label = legible(label)
    return label if len(label) <= most else f"…{label[1 - most :]}"


def room(labels: Iterable[str]) -> float:
    """Inches for names beside the axes, with their markers."""
    return 0.5 + 0.067 * max(len(short(label)) for label in labels)


def note_axes(conditions: Sequence[str], right: float, labels: int = 0) -> tuple[Figure, Axes]:
    """A figure with axes under such a note, with `right` inches beside them; tall enough for so many `labels`."""
    figure, top = note_figure(conditions, max(HEIGHT, 1 + LINE / 72 * labels))
    height = figure.get_figheight()
    axes = figure.add_axes((0.55 / WIDTH, 0.45 / height, 1 - (0.55 + right) / WIDTH, 1 - (0.45 + top) / height))
    axes.tick_params(length=2.5)
    return figure, axes


def note_figure(conditions: Sequence[str], height: float) -> tuple[Figure, float]:
    """A figure of a height in inches with a note on the `conditions` at its top, and the inches that the note takes."""
    figure = Figure(figsize=(WIDTH, height))
    lines = [line for part in conditions for line in textwrap.wrap(legible(part), 105)]
    note = "\n".join(lines)
    figure.text(0.08 / WIDTH, 1 - 0.07 / height, note, fontsize=6.5, color=GREY, va="top", linespacing=1.3)
    return figure, 0.16 + 0.125 * len(lines)


def require_kind(path: Path) -> str:
    """The kind of figure that `path` names, by its suffix. Raises VosbenchError unless it is png, svg or pdf."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _HOW:
        raise VosbenchError(f"cannot write a figure as {path}", "end the name in .png, .svg or .pdf")
    return kind


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as the suffix of `path` says: .png, .svg or .pdf. Raises VosbenchError on another."""
    kind = require_kind(path)
    with replacing(path, "figure") as part, matplotlib.rc_context(STYLE):
        whole = Bbox.union([figure.bbox_inches, figure.get_tightbbox()])  # wide labels of an axis stand out
        how: Any = {} if whole.width < 1.001 * figure.get_figwidth() else {"bbox_inches": whole, "pad_inches": 0.05}
        figure.savefig(part, format=kind, dpi=DPI, **_HOW[kind], **how)
