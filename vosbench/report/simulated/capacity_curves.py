"""Attention kept against the capacity of the memory."""

from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.figure import Figure

from vosbench.report.drawing.capacity import draw_curves, require_sweep, room, sweeps
from vosbench.report.drawing.style import STYLE, looks_of, note_axes


def retained_against_capacity(retained: Mapping[str, float], conditions: Sequence[str]) -> Figure:
    """Attention kept, 0 to 1 by spec, drawn in percent against capacity in frames, under a note on the conditions.

    Raises VosbenchError if no strategy is there at two capacities.
    """
    require_sweep(retained)
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes(conditions, room(retained))
        percent = {spec: 100 * share for spec, share in retained.items()}
        draw_curves(axes, percent, looks_of(sweeps(retained)), "attention kept (%)")
        axes.set_xlabel("capacity (frames)")
    return figure
