"""Frames in memory against the frame index: a curve for each strategy."""

from collections.abc import Collection

from matplotlib.figure import Figure

from vosbench.report.context import Records
from vosbench.report.drawing.against_frame import draw_against_frame


def figure(records: Records, *, highlight: Collection[str] = ()) -> Figure:
    """See `draw_against_frame`."""
    return draw_against_frame(
        records, lambda record: record.memory.frames if record.memory else (), "frames in memory", True, highlight
    )
