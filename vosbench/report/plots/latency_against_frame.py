"""Milliseconds in the model against the frame index: a curve for each strategy."""

from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.figure import Figure

from vosbench.bench.record import RunRecord
from vosbench.report.context import Records
from vosbench.report.drawing.against_frame import draw_against_frame


def figure(records: Records, *, highlight: Collection[str] = ()) -> Figure:
    """See `draw_against_frame`. The last frames belong to the longest sequences alone."""
    return draw_against_frame(records, _latency, "latency (ms)", highlight=highlight)


def _latency(record: RunRecord) -> Sequence[float]:
    """Milliseconds of each frame, the median of the repetitions."""
    series = [timing.latency_ms for timing in record.timings]
    return [float(median) for median in np.median(series, axis=0)] if series else ()
