"""Of each strategy the frames in which it is worst, the worst one of an object each."""

import numpy as np

from vosbench.report.context import Records, by_strategy, context
from vosbench.report.makers import NotApplicableError
from vosbench.report.measures import JF, STRATEGY, accuracy_of, called, who
from vosbench.report.table import NAME, Column, Row, Table, percent

COLUMNS = (
    *STRATEGY,
    Column("sequence", leaves=NAME),
    Column("object", leaves=NAME),
    Column("frame", leaves=NAME),
    percent("j", "J"),
    percent("f", "F"),
    JF,
    percent("jf_object", "J&F of\nthe object"),
)
PUBLISHED = ()
NUMBER = 5  # of a strategy


def table(records: Records) -> Table:
    """Five rows for each strategy: the objects whose worst scored frame is worst, and the first such frame of each."""
    common, rows = context(records), list[Row]()
    for group in by_strategy(records).values():
        found: list[Row] = []
        for record in group:
            for score in record.objects:
                if not score.frame_names:
                    continue
                told = {"j": score.j_per_frame} | ({"f": score.f_per_frame} if score.f else {})
                jf = np.mean(list(told.values()), axis=0)
                place = int(np.argmin(jf))
                where = {"sequence": record.sequence, "object": score.object_id, "frame": score.frame_names[place]}
                there = {name: series[place] for name, series in told.items()}
                there |= {"jf": float(jf[place]), "jf_object": float(jf.mean())}
                found.append({**who(group), **where, **there})
        rows += sorted(found, key=lambda row: (row["jf"], row["jf_object"]))[:NUMBER]
    if not rows:
        raise NotApplicableError("no record names its scored frames", "score again: records before schema 7 do not")
    caption = f"The worst frame of the {NUMBER} objects that have the worst. {common.caption}"
    return Table(called(COLUMNS, accuracy_of(records)), rows, caption, common, within=("sequence", "object"))
