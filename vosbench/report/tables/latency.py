"""A row for each strategy: speed, objects per frame, percentiles of the time that a frame takes."""

import numpy as np

from vosbench.report.context import Records, context
from vosbench.report.measures import END_TO_END_FPS, MODEL_FPS, STRATEGY, costs, timed, timings_of, who
from vosbench.report.table import Column, Table

_PERCENTILES = (50, 95, 99)
COLUMNS = (
    *STRATEGY,
    Column("frames", leaves=3),
    Column("objects_per_frame", "objects\nper frame", 1, leaves=2),
    Column("warmup_frames", "warm-up\nframes", leaves=1),
    MODEL_FPS,
    END_TO_END_FPS,
    *(Column(f"p{percentile}_ms", f"p{percentile}\nms", 1, better="lower") for percentile in _PERCENTILES),
)
_MEANINGS = (
    "Model FPS: frames / device-synchronised time in model, memory and strategy. End-to-end FPS: with reading and "
    "writing. Warm-up frames ran before the clock and count nowhere."
)


def table(records: Records) -> Table:
    """Over all frames of all sequences and repetitions; controls and strategies that failed on one have no row."""
    common, rows = context(records), []
    for group in timed(records).values():
        timings, spent = timings_of(group), costs(group)
        found = np.percentile(np.concatenate([t.latency_ms for t in timings]), _PERCENTILES)
        row = {
            **who(group),
            "frames": sum(t.frames for t in timings),
            "objects_per_frame": np.concatenate([t.objects for t in timings]).mean(),
            "warmup_frames": sum(t.warmup_frames for t in timings),
            **{column.key: spent[column.key] for column in (MODEL_FPS, END_TO_END_FPS)},
        }
        rows.append(row | {f"p{p}_ms": ms for p, ms in zip(_PERCENTILES, found, strict=True)})
    return Table(COLUMNS, rows, f"{common.caption} {_MEANINGS}", common)
