"""A row for each strategy and stage of a frame: milliseconds, and share of the time in the model."""

from math import fsum

from vosbench.report.context import Records, context
from vosbench.report.measures import STRATEGY, timed, timings_of, who
from vosbench.report.table import NAME, Column, Table, percent

COLUMNS = (
    *STRATEGY,
    Column("stage", leaves=NAME),
    Column("ms_per_frame", "ms per\nframe", 2),
    percent("share", "share\n%"),
)


def table(records: Records) -> Table:
    """Means over all sequences; the row `unaccounted` is what the stages leave, if more than a thousandth."""
    common, rows = context(records), []
    for group in timed(records).values():
        timings = timings_of(group)
        stages = dict.fromkeys(stage for t in timings for stage in t.stages)
        seconds = {stage: sum(t.stages.get(stage, 0.0) for t in timings) for stage in stages}
        total = fsum(t.model_seconds for t in timings)
        frames = sum(t.frames for t in timings)
        if total - fsum(seconds.values()) > total / 1000:
            seconds["unaccounted"] = total - fsum(seconds.values())
        rows += [
            {**who(group), "stage": stage, "ms_per_frame": 1000 * value / frames, "share": value / total}
            for stage, value in seconds.items()
        ]
    caption = f"{common.caption} Mean milliseconds per frame and share of the time in the model."
    return Table(COLUMNS, rows, caption, common)
