"""Milliseconds in the model against the frame index: a curve for each strategy."""

from collections.abc import Collection

from matplotlib.figure import Figure

from vosbench.report.context import Records
from vosbench.report.drawing.against_frame import draw_against_frame
from vosbench.report.measures import latency_ms


def figure(records: Records, *, highlight: Collection[str] = ()) -> Figure:
    """See `draw_against_frame`. The last frames belong to the longest sequences alone."""
    return draw_against_frame(records, latency_ms, "latency (ms)", highlight=highlight)
