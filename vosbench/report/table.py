"""A table: rows as data, and beside them what each column is called and how a value of it is shown.

Rows hold full precision in base units (scores from 0 to 1, bytes, milliseconds) under plain keys. What a reader is
shown (headings, percent, megabytes, decimals) is said by the columns, which stand beside the function that makes the
rows. `rendering` makes text of any table.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from vosbench.base.codec import encode
from vosbench.base.text import printable
from vosbench.errors import unknown

if TYPE_CHECKING:
    from pandas import DataFrame

Row = Mapping[str, Any]
HEADLINE, NAME = -1, -2  # turns of a column to leave: of the figure that a table is made for, and of what a row is of


@dataclass(frozen=True)
class Column:
    """A column of a table.

    key: its name in a row, in CSV and in JSON.
    heading: its name for readers, `key` by default; text may break the line where it holds a line break.
    decimals: how many a printed number has.
    factor: what a number is multiplied by to be printed (100 for percent).
    cell: makes the printed text of the whole row instead.
    printed: whether text, Markdown and LaTeX show it; CSV and JSON always do.
    better: whether a higher or a lower value is better; empty where neither is.
    leaves: its turn to be left out where a terminal is too narrow: 1 first, those of 0 after all turns, then a
        `HEADLINE`, a `NAME` last; these three from the right.
    wraps: whether its text is wrapped before any column is left out.
    """

    key: str
    heading: str | None = None
    decimals: int = 0
    factor: float = 1
    cell: Callable[[Row], str] | None = None
    printed: bool = True
    better: Literal["higher", "lower", ""] = ""
    leaves: int = 0
    wraps: bool = False

    @property
    def title(self) -> str:
        """Its name for readers."""
        return self.key if self.heading is None else self.heading

    @property
    def one_line(self) -> str:
        """Its title without line breaks; a word that one of them parts is whole."""
        return self.title.replace("-\n", "").replace("\n", " ").strip()

    def show(self, row: Row) -> str:
        """The printed text of a row; empty where the row has no value."""
        value: Any = row.get(self.key)
        if not is_known(value):
            return ""
        if self.cell is not None:
            return printable(self.cell(row))
        if isinstance(value, str):
            return printable(value)
        return f"{value * self.factor:.{self.decimals}f}"


def percent(key: str, heading: str, better: Literal["higher", "lower", ""] = "", leaves: int = 0) -> Column:
    """A column of shares or scores, 0 to 1, shown in percent with one decimal."""
    return Column(key, heading, decimals=1, factor=100, better=better, leaves=leaves)


@dataclass(frozen=True)
class Table:
    """Rows, their columns, and the sentence that says under which conditions the figures hold.

    A row may lack keys; a column that no row has a key for is left out. `conditions`, a mapping or dataclass, is the
    caption as data, for programs. `within` are keys of which rows must share the values to be held against each other,
    as those of one sequence. Raises ValueError for a key that no column has.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    caption: str
    conditions: object = field(default_factory=dict)
    within: Sequence[str] = ()

    def __post_init__(self) -> None:
        given = {key for row in self.rows for key in row}
        if strange := sorted(given - {column.key for column in self.columns}):
            raise ValueError(f"the table has no column for {strange[0]!r}")
        if self.rows:
            object.__setattr__(self, "columns", tuple(column for column in self.columns if column.key in given))

    def choose(self, names: Sequence[str]) -> tuple[Column, ...]:
        """The columns of those names, in their order: keys, the last words of one, of which the first is meant (`fps`
        is `model_fps`), or headings, without blanks (`J&F`). Raises VosbenchError for a name that no column has.
        """
        keys = [column.key for column in self.columns]
        found = []
        for name in names:
            fitting = [key for key in keys if key == name] or [key for key in keys if key.endswith(f"_{name}")]
            fitting = fitting or [c.key for c in self.columns if "".join(c.title.split()).lower() == name.lower()]
            if not fitting:
                raise unknown("column", name, keys)
            found.append(self.columns[keys.index(fitting[0])])
        return tuple(found)

    def to_json(self, columns: Sequence[str] = ()) -> dict[str, Any]:
        """Caption, conditions and rows as JSON values; rows have all keys, or those of `columns`; None: unknown."""
        shown = self.choose(columns) or self.columns
        rows = [{column.key: encode(row.get(column.key)) for column in shown} for row in self.rows]
        return {"caption": self.caption, "conditions": encode(self.conditions), "rows": rows}

    @property
    def lacks(self) -> tuple[str, ...]:
        """Why the result is partial, in words, as the conditions say it; nothing if it is whole."""
        return tuple(dict.fromkeys(_lacks(encode(self.conditions))))

    @property
    def frame(self) -> "DataFrame":
        """The rows as a pandas data frame, for further work with them."""
        from pandas import DataFrame  # takes most of a second to load, and no table on a terminal needs it

        return DataFrame(self.rows, columns=[column.key for column in self.columns])


def _lacks(conditions: Any) -> Iterator[str]:
    """All that is under the key `lacks`, those of several runs within one another too."""
    if isinstance(conditions, Mapping):
        yield from conditions.get("lacks", ())
        conditions = [*conditions.values()]
    for part in conditions if isinstance(conditions, list) else ():
        yield from _lacks(part)


def alignment(table: Table, columns: Sequence[Column]) -> list[str]:
    """`left` for columns of text, `right` for those of numbers."""
    return ["left" if any(isinstance(row.get(c.key), str) for row in table.rows) else "right" for c in columns]


def is_known(value: Any) -> bool:
    """Whether `value` says something: it is neither None nor NaN."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))
