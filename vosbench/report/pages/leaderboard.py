"""The leaderboard of a run: a row for each strategy, its interval, and what it gains on each other one."""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from vosbench.base import words
from vosbench.errors import VosbenchError
from vosbench.report.compare.differences import Difference, differences
from vosbench.report.compare.pairing import select
from vosbench.report.compare.significance import MIN_SEQUENCES
from vosbench.report.context import Context, Records
from vosbench.report.paper import paper_rows
from vosbench.report.rendering import printed_columns
from vosbench.report.table import Column, Row, Table, alignment, is_known
from vosbench.report.tables import strategy

PAPER_SPLITS = ("val", "valid")  # those that the paper measured


@dataclass(frozen=True)
class Grid:
    """A table as HTML has it: without columns that nothing is known of, with the interval of J&F as a drawing."""

    table: Table

    @cached_property
    def columns(self) -> list[Column]:
        """Those that are shown."""
        return printed_columns(self.table)

    @cached_property
    def numeric(self) -> list[Column]:
        """Those of numbers."""
        sides = zip(self.columns, alignment(self.table, self.columns), strict=True)
        return [column for column, side in sides if side == "right"]

    def value(self, row: Row, column: Column) -> float | str:
        """By what a column is sorted."""
        value: Any = row.get(column.key)
        return value if isinstance(value, str) else float(value) if is_known(value) else ""

    def interval(self, row: Row) -> tuple[float, ...]:
        """J&F, and from where to where, 0 to 1; the same where there is no interval, nothing where there is no J&F."""
        told: list[Any] = [row.get(key) for key in ("jf", "jf_low", "jf_high")]
        return tuple(value if is_known(value) else told[0] for value in told) if is_known(told[0]) else ()

    @cached_property
    def span(self) -> tuple[float, float]:
        """The lowest and the highest end of the intervals; those of controls, far below, would press them together."""
        ends = [end for row in self.table.rows if row["kind"] != "control" for end in self.interval(row)]
        return min(ends, default=0), max(ends, default=1)

    def shows(self, value: float) -> bool:
        """Whether a value lies within the span."""
        return self.span[0] <= value <= self.span[1]

    def place(self, value: float) -> float:
        """Where a value stands in the span, in percent."""
        low, high = self.span
        return round(100 * min(1, max(0, (value - low) / (high - low or 1))), 2)


def leaderboard(records: Records, common: Context) -> Grid:
    """The table `strategy` of a run, with the paper's rows where data are the same; its caption lacks conditions."""
    table = strategy.table(records)
    # The interval is drawn, not printed.
    columns = [replace(c, printed=c.printed and c.key not in ("jf_low", "jf_high")) for c in table.columns]
    rows = [*table.rows]
    caption = table.caption.removeprefix(common.caption).strip()
    if common.dataset.split in PAPER_SPLITS:
        with suppress(VosbenchError):  # the paper has none
            theirs, whose = paper_rows(common.dataset.name)
            known = {column.key for column in columns}
            rows += [{key: value for key, value in row.items() if key in known} for row in theirs]
            caption = f"{caption} {whose}".strip()
    return Grid(Table(columns, rows, caption))


def gains(records: Records) -> dict[str, dict[str, Any]]:
    """Of every strategy and control as the baseline, what each other one gains on it: difference of J&F and its
    interval (points), p corrected for all that are compared with that baseline, and the mark; {} without scores. Of
    fewer than five sequences there is no p.
    """
    try:
        entrants = select({"run": records}, [*dict.fromkeys(record.policy.label for record in records)])
        found = {own.label: differences([(own, one) for one in entrants if one is not own]) for own in entrants}
    except VosbenchError:
        return {}
    return {baseline: {one.entrant.label: _told(one) for one in against} for baseline, against in found.items()}


def too_few(sequences: int, compared: int) -> str:
    """Why no p can be below 0.05 when so many strategies are compared with one, as a sentence; `` where one can.

    The test knows 2^N signs of N sequences, of which two are as extreme as can be; Holm multiplies by the comparisons.
    """
    if sequences < MIN_SEQUENCES:
        return f"{words.too_few(sequences, 'sequence')} for a p."
    if compared * 2.0 ** (1 - sequences) >= 0.05:
        return (
            f"No p can be below 0.05 here: {sequences} sequences are too few for {words.count(compared, 'comparison')}."
        )
    return ""


def _told(found: Difference) -> list[float | str | None]:
    figures = (100 * found.mean, 100 * found.low, 100 * found.high, found.p)
    return [*(None if np.isnan(figure) else round(figure, 4) for figure in figures), found.mark]
