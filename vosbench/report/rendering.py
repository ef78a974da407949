"""A table as text, Markdown, LaTeX or CSV."""

import csv
import io
import textwrap
from collections.abc import Callable

from tabulate import SEPARATING_LINE, tabulate

from vosbench.errors import unknown
from vosbench.report.table import Table, is_known


def render(table: Table, format: str = "text") -> str:
    """`table` as `text`, `markdown` or `latex` (percent, rounded) or as `csv` (full precision, 0 to 1).

    Columns that hold nothing in any row are left out of the printed formats; of a table without rows they show the
    caption. Raises VosbenchError on another format.
    """
    if format not in _FORMATS:
        raise unknown("table format", format, _FORMATS)
    return _FORMATS[format](table)


def _cells(table: Table, line_break: str) -> tuple[list[str], list[list[str]], list[str]]:
    """Headings, rows of text and alignments of what is printed."""
    shown = [c for c in table.columns if c.printed and any(is_known(row.get(c.key)) for row in table.rows)]
    headings = [column.title.replace("\n", line_break) for column in shown]
    rows = [[column.show(row) for column in shown] for row in table.rows]
    align = ["left" if any(isinstance(row.get(c.key), str) for row in table.rows) else "right" for c in shown]
    return headings, rows, align


def _text(table: Table) -> str:
    caption = textwrap.fill(table.caption, 110)
    if not table.rows:
        return f"{caption}\n"
    headings, rows, align = _cells(table, "\n")
    # tabulate pads a heading by two blanks a column; as rows, set at their foot, the headings leave the table narrow
    top, bottom = zip(*(("\n" + heading).rsplit("\n", 1) for heading in headings), strict=True)
    lines = [[line.strip() for line in top], list(bottom), SEPARATING_LINE, *rows]
    body = tabulate(lines, (), "simple", colalign=align, disable_numparse=True)
    body = "\n".join(line.rstrip() for line in body.splitlines())
    return f"{caption}\n\n{body}\n"


def _markdown(table: Table) -> str:
    if not table.rows:
        return f"{table.caption}\n"
    headings, rows, align = _cells(table, " ")
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return f"{tabulate(rows, headings, 'pipe', colalign=align, disable_numparse=True)}\n\n{table.caption}\n"


def _latex(table: Table) -> str:
    caption = "".join(_LATEX.get(character, character) for character in table.caption)
    if not table.rows:
        return f"{caption}\n"
    headings, rows, align = _cells(table, " ")
    body = tabulate(rows, headings, "latex_booktabs", colalign=align, disable_numparse=True)
    return f"\\begin{{table}}\n\\centering\n\\caption{{{caption}}}\n{body}\n\\end{{table}}\n"


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.key for column in table.columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.to_json()["rows"])
    return text.getvalue()


_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_FORMATS: dict[str, Callable[[Table], str]] = {"text": _text, "markdown": _markdown, "latex": _latex, "csv": _csv}
FORMATS = tuple(_FORMATS)
