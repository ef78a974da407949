"""J&F against frames per second: a point for each strategy."""

from collections.abc import Collection

from matplotlib.figure import Figure

from vosbench.report.context import Records
from vosbench.report.drawing.trade_off import draw_trade_off
from vosbench.report.measures import model_fps


def figure(records: Records, *, highlight: Collection[str] = ()) -> Figure:
    """Model FPS are all frames / all time."""
    quantity = "speed: model frames per second"
    return draw_trade_off(records, model_fps, quantity, "a timing", highlight, more_is_better=True)
