"""A table as text, Markdown, LaTeX, CSV or JSON.

The data frame of a table holds full precision in base units (scores from 0 to 1, bytes, milliseconds) under plain
column names; what a reader is shown (headings, percent, megabytes, decimals) is decided here, once for all tables.
"""

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from tabulate import SEPARATING_LINE, tabulate

from vosbench.base.codec import encode
from vosbench.errors import unknown


@dataclass(frozen=True)
class Table:
    """A data frame and the sentence that says under which conditions its figures hold."""

    frame: pd.DataFrame
    caption: str


STRENGTHS = {  # attributes of generated clips, and how many decimals their strengths have
    **dict.fromkeys(("occlusion", "length", "outside", "appear", "period", "clutter", "distractors"), 0),
    **dict.fromkeys(("partial", "deformation", "appearance", "lighting", "blur", "scale", "rotation"), 2),
    **dict.fromkeys(("speed", "camera"), 3),
}


@dataclass(frozen=True)
class _Column:
    """How a column is shown: its heading (a line break where text may break it), factor and decimals."""

    heading: str
    scale: float = 1
    decimals: int = 0

    def show(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return "" if pd.isna(value) else f"{value * self.scale:.{self.decimals}f}"


_COLUMNS = {
    "strategy": _Column("strategy"),
    "run": _Column("run"),
    "sequence": _Column("sequence"),
    "object": _Column("object"),
    "stage": _Column("stage"),
    **{
        f"{measure}_{statistic}": _Column(f"{measure.upper()}\n{statistic}", 100, 1)
        for measure in "jf"
        for statistic in ("mean", "recall", "decay")
    },
    "jf": _Column("J&F", 100, 1),
    "jf_low": _Column("J&F\nfrom", 100, 1),
    "jf_high": _Column("J&F\nto", 100, 1),
    "jf_baseline": _Column("baseline\nJ&F", 100, 1),
    "difference": _Column("diff.", 100, 2),
    "difference_low": _Column("from", 100, 2),
    "difference_high": _Column("to", 100, 2),
    "p": _Column("p", 1, 4),
    "effect": _Column("effect", 1, 2),
    "mark": _Column(""),
    "quantity": _Column("quantity"),
    "result": _Column("result"),
    "detail": _Column("detail"),
    "jf_after_reappearance": _Column("J&F after\nre-appearance", 100, 1),
    "reappearing": _Column("objects that\nre-appear"),
    "jf_last_quarter": _Column("J&F of the\nlast quarter", 100, 1),
    "threshold": _Column("above", 100),
    **{f"{m}_{group}": _Column(f"{m.upper()}\n{group}", 100, 1) for group in ("seen", "unseen") for m in "jf"},
    "overall": _Column("overall", 100, 1),
    "t_mean": _Column("T\nmean", 100, 1),
    "model_fps": _Column("model\nFPS", 1, 2),
    "end_to_end_fps": _Column("end-to-end\nFPS", 1, 2),
    "frames_in_memory": _Column("frames in\nmemory", 1, 1),
    "frames_in_memory_peak": _Column("peak\nframes", 1, 1),
    "retained": _Column("attention\nkept %", 100, 1),
    "hit_age": _Column("age of hits\n(frames)", 1, 1),
    "churn": _Column("evicted a write\n(% of a frame)", 100, 1),
    "bank_bytes_peak": _Column("bank\nMB", 1e-6, 1),
    "device_bytes_peak": _Column("device\nMB", 1e-6, 1),
    "failed_sequences": _Column("failed\nsequences"),
    **{
        name: _Column(name)
        for name in (
            "machine",
            "platform",
            "device",
            "threads",
            "python",
            "torch",
            "numpy",
            "commit",
            "dirty",
            "records",
        )
    },
    **{name: _Column(name, 1, decimals) for name, decimals in STRENGTHS.items()},
    "objects": _Column("objects"),
    "frames": _Column("frames"),
    "scored_frames": _Column("scored\nframes"),
    "objects_per_frame": _Column("objects\nper frame", 1, 1),
    "warmup_frames": _Column("warm-up\nframes"),
    "ms_per_frame": _Column("ms per\nframe", 1, 2),
    "share": _Column("share\n%", 100, 1),
    "p50_ms": _Column("p50\nms", 1, 1),
    "p95_ms": _Column("p95\nms", 1, 1),
    "p99_ms": _Column("p99\nms", 1, 1),
}


def render(table: Table, format: str = "text") -> str:
    """`table` as `text`, `markdown` or `latex` (percent, rounded) or as `csv` or `json` (full precision, 0 to 1).

    Columns that hold nothing in any row are left out of the printed formats. Raises VosbenchError on another format.
    """
    if format not in _FORMATS:
        raise unknown("table format", format, _FORMATS)
    return _FORMATS[format](table)


def _cells(frame: pd.DataFrame, line_break: str) -> tuple[list[str], list[list[str]], list[str]]:
    """Headings, rows of text and alignments of what is printed."""
    names = [name for name in frame.columns if name != "kind" and not frame[name].isna().all()]
    headings = [_COLUMNS[name].heading.replace("\n", line_break) for name in names]
    rows = [[_COLUMNS[name].show(row[name]) for name in names] for row in frame.to_dict("records")]
    if "kind" in frame and "strategy" in names:
        for row, kind in zip(rows, frame["kind"], strict=True):
            row[names.index("strategy")] += "" if kind == "strategy" else f" ({kind})"
    align = ["left" if pd.api.types.is_string_dtype(frame[name]) else "right" for name in names]
    return headings, rows, align


def _text(table: Table) -> str:
    headings, rows, align = _cells(table.frame, "\n")
    # tabulate pads a heading by two blanks a column; as rows, set at their foot, the headings leave the table narrow
    top, bottom = zip(*(("\n" + heading).rsplit("\n", 1) for heading in headings), strict=True)
    lines = [[line.strip() for line in top], list(bottom), SEPARATING_LINE, *rows]
    body = tabulate(lines, (), "simple", colalign=align, disable_numparse=True)
    body = "\n".join(line.rstrip() for line in body.splitlines())
    return f"{textwrap.fill(table.caption, 110)}\n\n{body}\n"


def _markdown(table: Table) -> str:
    headings, rows, align = _cells(table.frame, " ")
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return f"{tabulate(rows, headings, 'pipe', colalign=align, disable_numparse=True)}\n\n{table.caption}\n"


def _latex(table: Table) -> str:
    headings, rows, align = _cells(table.frame, " ")
    body = tabulate(rows, headings, "latex_booktabs", colalign=align, disable_numparse=True)
    caption = "".join(_LATEX.get(character, character) for character in table.caption)
    return f"\\begin{{table}}\n\\centering\n\\caption{{{caption}}}\n{body}\n\\end{{table}}\n"


def _csv(table: Table) -> str:
    return table.frame.to_csv(index=False, lineterminator="\n")


def _json(table: Table) -> str:
    objects = table.frame.astype(object)
    rows = encode(objects.where(objects.notna(), None).to_dict("records"))
    return json.dumps({"caption": table.caption, "rows": rows}, indent=2, allow_nan=False) + "\n"


_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_FORMATS: dict[str, Callable[[Table], str]] = {
    "text": _text,
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
    "json": _json,
}
FORMATS = tuple(_FORMATS)
