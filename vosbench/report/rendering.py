"""A table as text, Markdown, LaTeX or CSV."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tabulate import SEPARATING_LINE, tabulate

from vosbench.base.codec import encode
from vosbench.base.text import printable
from vosbench.errors import unknown
from vosbench.report.latex import latex
from vosbench.report.table import Column, Table, alignment, is_known

FORMATS = ("text", "markdown", "latex", "csv")
_WIDTH = 110  # of a caption, where no terminal has another
_WORD = 10  # characters that a column which wraps keeps at least


def render(
    table: Table,
    format: str = "text",
    *,
    columns: Sequence[str] = (),
    caption: str | None = None,
    name: str = "results",
    width: int | None = None,
    advice: str = "",
) -> str:
    """`table` as `text`, `markdown` or `latex` (percent, rounded) or as `csv` (full precision, 0 to 1; of a partial
    result a column `partial` says why it is).

    columns: those that are shown (`Table.choose`); by default CSV has all, other formats those that hold something.
    caption: takes the place of the table's own.
    name: what LaTeX labels it, with the data set: `tab:NAME-DATASET-SPLIT`.
    width: of the terminal, in characters; columns leave wider text by their turn (`Column.leaves`), as it says.
    advice: what it says then of how to get them.

    Raises VosbenchError for another format, and for a column that is not there.
    """
    if format not in FORMATS:
        raise unknown("table format", format, FORMATS)
    table = replace(table, caption=_one_line(table.caption))
    caption = None if caption is None else _one_line(caption)
    chosen = table.choose(columns)
    if format == "csv":
        return _csv(table, chosen or table.columns)
    shown = list(chosen or printed_columns(table))
    if format == "latex":
        return latex(table, shown, caption, _label(name, table))
    said = table.caption if caption is None else caption
    return _markdown(table, shown, said) if format == "markdown" else _text(table, shown, said, width, advice)


def printed_columns(table: Table) -> list[Column]:
    """The columns that are printed where none are chosen: those that hold something."""
    return [c for c in table.columns if c.printed and any(is_known(row.get(c.key)) for row in table.rows)]


def _text(table: Table, shown: list[Column], caption: str, width: int | None, advice: str) -> str:
    said = textwrap.fill(caption, min(width or _WIDTH, _WIDTH))
    if not table.rows:
        return f"{said}\n"
    left_out: list[Column] = []
    turns = sorted((c for c in shown[1:] if c.leaves > 0), key=lambda c: c.leaves)
    turns += sorted((c for c in shown[:0:-1] if c.leaves <= 0), key=lambda c: -c.leaves)
    body = _fitted(table, shown, width)
    while width and turns and _width(body) > width:
        left_out.append(turns.pop(0))
        body = _fitted(table, [column for column in shown if column not in left_out], width)
    note = ""
    if left_out:
        names = ", ".join(filter(None, (_called(column, table) for column in left_out))).removesuffix(".")
        note = f"Left out for want of width: {names}. {advice}A file or a pipe has all."
        note = f"\n{textwrap.fill(note, width or _WIDTH)}\n"
    return f"{said}\n\n{body}\n{note}"


def _fitted(table: Table, shown: Sequence[Column], width: int | None) -> str:
    """The table, narrow by wrapping alone: it may be too wide still."""
    body = _body(table, shown)
    beyond = _width(body) - width if width else 0
    return _body(table, shown, beyond) if beyond > 0 else body


def _width(body: str) -> int:
    return max(map(len, body.splitlines()))


def _called(column: Column, table: Table) -> str:
    """A column's name on one line; what it holds where it has none, as marks."""
    cells = dict.fromkeys(filter(None, map(column.show, table.rows)))
    return column.one_line or " ".join(cells)


def _body(table: Table, shown: Sequence[Column], beyond: int = 0) -> str:
    """The table; what it is wider than it may be, `beyond`, is taken from the columns that wrap, down to a word."""
    rows = [[column.show(row) for column in shown] for row in table.rows]
    for place, column in enumerate(shown):
        if beyond and column.wraps:
            width = max(len(row[place]) for row in rows) - beyond
            for row in rows:
                row[place] = textwrap.fill(row[place], max(width, _WORD), break_long_words=False)
    # tabulate pads a heading by two blanks a column; as rows, set at their foot, the headings leave the table narrow
    top, bottom = zip(*(("\n" + column.title).rsplit("\n", 1) for column in shown), strict=True)
    heads = [[line.strip() for line in top], list(bottom)] if any(map(str.strip, top)) else [list(bottom)]
    align = alignment(table, shown)
    body = tabulate([*heads, SEPARATING_LINE, *rows], (), "simple", colalign=align, disable_numparse=True)
    return "\n".join(line.rstrip() for line in body.splitlines())


def _markdown(table: Table, shown: Sequence[Column], caption: str) -> str:
    if not table.rows:
        return f"{caption}\n"
    rows = [[column.show(row).replace("|", "\\|") for column in shown] for row in table.rows]
    headings = [column.one_line for column in shown]
    body = tabulate(rows, headings, "pipe", colalign=alignment(table, shown), disable_numparse=True)
    return f"{body}\n\n{caption}\n"


def _csv(table: Table, shown: Sequence[Column]) -> str:
    from pandas import DataFrame  # takes most of a second to load

    # As objects: a column of whole numbers stays one where a value is missing.
    frame = DataFrame(table.to_json()["rows"], columns=[column.key for column in shown], dtype=object)
    if table.lacks:
        frame["partial"] = "; ".join(table.lacks)
    return frame.to_csv(index=False, lineterminator="\n")


def _one_line(text: str) -> str:
    """A caption without line breaks, of which an empty line would end LaTeX's `\\caption`."""
    return printable(" ".join(text.split()))


def _label(name: str, table: Table) -> str:
    found: Any = encode(table.conditions)
    data = found.get("baseline", found).get("dataset") if isinstance(found, Mapping) else None
    parts = (name, data["name"], data["split"]) if isinstance(data, Mapping) else (name,)
    return "tab:" + "-".join(filter(None, re.split(r"[^A-Za-z0-9]+", "-".join(parts))))
