import json
import math

import numpy as np
import pytest

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.measures import COSTS, SCORES, STRATEGY
from vosbench.report.rendering import FORMATS, render
from vosbench.report.table import Column, Table
from vosbench.report.tables import latency, stages, strategy

COMMON = {"kind": "strategy", "device_bytes_peak": None}
TINY = Table(
    (*STRATEGY, *SCORES, *COSTS),
    (
        {"strategy": "lfu:k=2", "j_mean": 0.51249, "model_fps": 12.3456, "bank_bytes_peak": 1_250_000, **COMMON},
        {"strategy": "a_b|c", "j_mean": math.nan, "model_fps": np.float64(7), "bank_bytes_peak": 20_000_000, **COMMON},
        {"strategy": "copy", "j_mean": 1 / 3, "model_fps": math.nan, "kind": "control"},
    ),
    "Tiny & 100% real.",
)

TEXT = """\
Tiny & 100% real.

--------------  ----  -----  ----
                   J  model  bank
strategy        mean    FPS    MB
--------------  ----  -----  ----
lfu:k=2         51.2  12.35   1.2
a_b|c                  7.00  20.0
copy (control)  33.3
--------------  ----  -----  ----
"""

MARKDOWN = """\
| strategy       |   J mean |   model FPS |   bank MB |
|:---------------|---------:|------------:|----------:|
| lfu:k=2        |     51.2 |       12.35 |       1.2 |
| a_b\\|c         |          |        7.00 |      20.0 |
| copy (control) |     33.3 |             |           |

Tiny & 100% real.
"""

LATEX = r"""\begin{table}
\centering
\caption{Tiny \& 100\% real.}
\label{tab:results}
\begin{tabular}{lrrr}
\toprule
strategy        & J mean &        model FPS &          bank MB \\
\midrule
lfu:k=2         &   51.2 &   \textbf{12.35} &     \textbf{1.2} \\
a\_b\textbar{}c &        & \underline{7.00} & \underline{20.0} \\
copy (control)  &   33.3 &                  &                  \\
\bottomrule
\end{tabular}
\end{table}
"""

CSV = """\
strategy,kind,j_mean,model_fps,bank_bytes_peak,device_bytes_peak
lfu:k=2,strategy,0.51249,12.3456,1250000,
a_b|c,strategy,,7.0,20000000,
copy,control,0.3333333333333333,,,
"""


@pytest.mark.parametrize(
    ("format", "expected"), [("text", TEXT), ("markdown", MARKDOWN), ("latex", LATEX), ("csv", CSV)]
)
def test_printed_exactly(format: str, expected: str) -> None:
    assert render(TINY, format) == expected


def test_json_keeps_full_precision() -> None:
    data = json.loads(json.dumps(TINY.to_json(), allow_nan=False))
    assert data["caption"] == "Tiny & 100% real."
    assert data["rows"][0]["j_mean"] == 0.51249
    assert data["rows"][1] == {
        "strategy": "a_b|c",
        "kind": "strategy",
        "j_mean": None,
        "model_fps": 7.0,
        "bank_bytes_peak": 20_000_000,
        "device_bytes_peak": None,
    }


def test_leaderboard_fits_a_terminal_and_leaves_the_costs_of_controls_empty(run: tuple[RunRecord, ...]) -> None:
    lines = render(strategy.table(run)).splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[-2].split() == ["copy-first-mask", "(control)", "20.0", "10.0", "5.0", "20.0", "10.0", "5.0", "20.0"]
    assert lines[-4].split()[-6:] == ["60.0", "4.29", "4.00", "1.7", "2.0", "1.5"]


@pytest.mark.parametrize("format", FORMATS)
def test_every_column_of_timing_can_be_shown(run: tuple[RunRecord, ...], format: str) -> None:
    assert "375.0" in render(latency.table(run), format)
    assert "unaccounted" in render(stages.table(run), format)


def test_a_column_without_a_head_is_called_by_what_it_holds() -> None:
    rows = ({"strategy": "lfu", "mark": "*"}, {"strategy": "lru", "mark": ""}, {"strategy": "fifo", "mark": "="})
    shown = render(Table((Column("strategy"), Column("mark", "")), rows, ""), width=9)
    assert " ".join(shown.split()).endswith("Left out for want of width: * =. A file or a pipe has all.")


def test_a_key_without_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="no column for 'jf'"):
        Table((Column("strategy"),), ({"strategy": "lfu", "jf": 0.5},), "")


def test_without_rows_there_is_only_the_caption() -> None:
    empty = Table((Column("strategy"),), (), "Nothing.")
    assert [render(empty, format) for format in ("text", "markdown", "csv")] == ["Nothing.\n"] * 2 + ["strategy\n"]


def test_as_a_data_frame() -> None:
    frame = TINY.frame
    assert list(frame.columns) == CSV.split("\n")[0].split(",")
    assert frame["model_fps"].iloc[1] == 7


def test_whole_numbers_stay_whole_in_csv_where_one_is_missing() -> None:
    table = Table((Column("n"), Column("x")), ({"n": 3, "x": 0.1 + 0.2}, {"n": None, "x": math.nan}, {"n": 4}), "")
    assert render(table, "csv") == "n,x\n3,0.30000000000000004\n,\n4,\n"


def test_unknown_format_is_refused() -> None:
    with pytest.raises(VosbenchError, match="unknown table format 'markdwon'") as caught:
        render(TINY, "markdwon")
    assert caught.value.hint == "did you mean markdown?"
