"""J&F against the frames in memory: a point for each strategy."""

from collections.abc import Collection

from matplotlib.figure import Figure

from vosbench.report.context import Records
from vosbench.report.drawing.trade_off import draw_trade_off
from vosbench.report.measures import costs

PUBLISHED = ()  # plots and reports have it


def figure(records: Records, *, highlight: Collection[str] = ()) -> Figure:
    """Frames in memory are the mean over all frames of all sequences."""
    quantity = "memory: frames, the mean over time"
    return draw_trade_off(records, _held, quantity, "a memory", highlight, more_is_better=False)


def _held(records: Records) -> float:
    return float(costs(records)["frames_in_memory"])
