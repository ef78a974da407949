"""A row for each machine, set of versions and commit on which records were made."""

from collections import Counter
from dataclasses import asdict, fields

from vosbench.bench.record import Environment
from vosbench.report.context import Records, context
from vosbench.report.makers import NotApplicableError
from vosbench.report.table import Column, Table

COLUMNS = (*(Column(field.name) for field in fields(Environment)), Column("records"))
_DIRTY = {True: "yes", False: "no", None: "unknown"}


def table(records: Records) -> Table:
    common = context(records)
    rows = [
        {**asdict(environment), "dirty": _DIRTY[environment.dirty], "records": count}
        for environment, count in Counter(record.environment for record in records).items()
        if environment
    ]
    if (model := common.model) is None:
        raise NotApplicableError("no run made the masks", "masks that were only scored have no environment")
    caption = f"Where the records were made. Weights: {model.name}, SHA-256 {model.checkpoint_hash}."
    return Table(COLUMNS, rows, caption, common)
