"""A row for each object and strategy: J, F and J&F."""

from vosbench.metrics.figures import MEANS
from vosbench.report.context import Records, by_strategy, context
from vosbench.report.makers import NotApplicableError
from vosbench.report.measures import SCORES, STRATEGY, of_protocol, who
from vosbench.report.table import NAME, Column, Table

COLUMNS = (
    Column("sequence"),
    Column("object", leaves=NAME),
    *STRATEGY,
    Column("scored_frames", "scored\nframes"),
    *SCORES,
)
PUBLISHED = ("objects.csv",)


def table(records: Records) -> Table:
    common, rows = context(records), []
    for group in by_strategy(records).values():
        for record in group:
            for score in record.objects:
                where = {"sequence": record.sequence, "object": score.object_id}
                rows.append({**where, **who(group), "scored_frames": score.frames, **MEANS.of_all([score])})
    if not rows:
        raise NotApplicableError("no record has scores", "score the run against a data set that has ground truth")
    rows.sort(key=lambda row: (row["sequence"], row["object"]))
    return Table(of_protocol(COLUMNS, records), rows, common.caption, common, within=("sequence", "object"))
