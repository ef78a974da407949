"""Attention kept against the capacity of the memory."""

from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.figure import Figure

from vosbench.report.drawing.capacity import Curves, draw_curves, require_sweep, room
from vosbench.report.drawing.style import STYLE, note_axes


def retained_against_capacity(retained: Mapping[str, float], curves: Curves, conditions: Sequence[str]) -> Figure:
    """Attention kept, 0 to 1 by label, drawn in percent against capacity in frames, under a note on the conditions.

    Raises VosbenchError if no strategy is there at two capacities.
    """
    require_sweep(curves, retained)
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes(conditions, room(curves))
        draw_curves(axes, curves, {label: 100 * share for label, share in retained.items()}, "attention kept (%)")
        axes.set_xlabel("capacity (frames)")
    return figure
