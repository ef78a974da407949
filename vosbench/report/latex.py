"""A table for a paper: booktabs, a label, the best of each column in bold and the second underlined."""

from collections.abc import Sequence

from tabulate import SEPARATING_LINE, DataRow, Line, TableFormat, tabulate

from vosbench.report.table import Column, Row, Table, alignment

_ESCAPED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
}
_ROW = DataRow("", " & ", r" \\")
_ROWS = TableFormat(None, Line(r"\midrule", "", "", ""), None, None, _ROW, _ROW, 0, None)
# What pdflatex knows of UTF-8 in its first encoding of fonts, OT1.
_KNOWN = {*map(chr, range(0x20, 0x180)), *"–—‘’“”…€"} - {*"«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ"}
_MARKS = {1: r"\textbf{%s}", 2: r"\underline{%s}"}


def latex(table: Table, columns: Sequence[Column], caption: str | None, label: str) -> str:
    r"""`table` for `\usepackage{booktabs}`, with those columns, under `caption` (None: its own, which is a comment
    otherwise) and `\label{label}`.

    Best and second are those of the rounded figures, so that rows that print the same are marked the same; controls,
    failures and the paper's rows are no part of it. Where a table has a row for each strategy and something more, as a
    sequence, rows of one of these are held against each other.
    """
    said = escaped(table.caption)
    if not table.rows:
        return f"{said}\n"
    cells = [[_MARKS.get(place, "%s") % escaped(text) for text, place in row] for row in _rows(table, columns)]
    head = [escaped(column.one_line) for column in columns]
    align = alignment(table, columns)
    body = tabulate([head, SEPARATING_LINE, *cells], (), _ROWS, colalign=align, disable_numparse=True)
    note = "" if caption is None else "".join(f"% {line}\n" for line in table.caption.splitlines())
    return (
        f"{note}\\begin{{table}}\n\\centering\n\\caption{{{said if caption is None else escaped(caption)}}}\n"
        f"\\label{{{label}}}\n\\begin{{tabular}}{{{''.join(side[0] for side in align)}}}\n\\toprule\n{body}\n"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def escaped(text: str) -> str:
    """Text of which no character means anything to LaTeX, nor is unknown to it: such stand in escapes, as `\\u4e2d`."""
    shown = "".join(c if c in _KNOWN else c.encode("unicode_escape").decode() for c in text)
    return "".join(_ESCAPED.get(character, character) for character in shown)


def _rows(table: Table, columns: Sequence[Column]) -> list[list[tuple[str, int]]]:
    """The printed text of each cell, with 1 for the best of its column, 2 for the second, 0 for all others."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in table.rows:
        if row.get("kind", "strategy") == "strategy":
            groups.setdefault(tuple(row.get(key) for key in table.within), []).append(row)
    places: dict[tuple[int, str], int] = {}
    for group in groups.values():
        for column in columns:
            figures = {id(row): float(text) for row in group if column.better and (text := column.show(row))}
            ranked = sorted(set(figures.values()), reverse=column.better == "higher")
            if len(ranked) > 1:
                places |= {(row, column.key): ranked.index(value) + 1 for row, value in figures.items()}
    return [[(c.show(row), places.get((id(row), c.key), 0)) for c in columns] for row in table.rows]
