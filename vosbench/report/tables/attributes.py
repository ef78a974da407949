"""A row for each attribute of sequences and each strategy: the figures over the sequences that have it."""

from vosbench.report.context import Records, by_strategy, context
from vosbench.report.makers import NotApplicableError
from vosbench.report.measures import COSTS, SCORES, STRATEGY, measures, of_protocol, pooled_jf, scored_objects, who
from vosbench.report.table import Column, Table, percent

COLUMNS = (
    Column("attribute"),
    *STRATEGY,
    Column("sequences"),
    Column("objects"),
    *SCORES,
    percent("jf_elsewhere", "J&F\nelsewhere", leaves=3),
    *COSTS,
)
PUBLISHED = ("attributes.csv",)


def table(records: Records) -> Table:
    """A sequence counts for each attribute that it has. `jf_elsewhere` is J&F over the sequences without it."""
    common, rows = context(records), []
    names = sorted({attribute for record in records for attribute in record.attributes})
    if not names:
        raise NotApplicableError("no record has an attribute", "the data set must tell them, as lvos-v2 does")
    for attribute in names:
        for group in by_strategy(records).values():
            there = [record for record in group if attribute in record.attributes]
            if not there:  # it has not come that far
                continue
            row = {"attribute": attribute, **who(there), "sequences": len(there)}
            row |= {"objects": len(scored_objects(there)), **measures(there)}
            row["jf_elsewhere"] = pooled_jf([record for record in group if attribute not in record.attributes])
            rows.append(row)
    caption = f"By attribute. {common.caption}"
    return Table(of_protocol(COLUMNS, records), rows, caption, common, within=("attribute",))
