"""The figures that the paper prints, as rows to set beside our own, and its tables in its own form.

`paper.csv` holds Tables I to VI of Pourganjalikhan and Poullis, "Adaptive Memory Management for Video Object
Segmentation", in percent, as printed; `policy` is the strategy as we name it, and `training` how the model of Tables V
and VI was trained. They are of STCN at full width on the whole of each split, on a GTX 1070.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from vosbench.base.codec import encode
from vosbench.errors import VosbenchError
from vosbench.report.context import Records, by_strategy, context
from vosbench.report.measures import FRAMES_IN_MEMORY, MODEL_FPS, SCORES, STRATEGY, measures
from vosbench.report.scored_masks import SEEN_UNSEEN
from vosbench.report.table import Column, Row, Table

KIND = "paper"
_RATES = ("model_fps", "frames_in_memory")  # what is no percentage
_UNDER = "full-width STCN, the whole validation split, a GTX 1070"
_NAMES = ("table", "dataset", "strategy", "policy", "training")
_MEANS = tuple(column for column in SCORES if column.key in ("j_mean", "f_mean", "jf"))
# By the number of a table, what its columns are.
COLUMNS: Mapping[str, Sequence[Column]] = {
    "I": SCORES,
    "II": SEEN_UNSEEN,
    "III": (MODEL_FPS, FRAMES_IN_MEMORY),
    "IV": _MEANS,
    "V": SCORES,
    "VI": SEEN_UNSEEN,
}


def _printed() -> list[dict[str, str]]:
    with resources.files("vosbench.report").joinpath("paper.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _numbers(row: Mapping[str, str]) -> dict[str, float]:
    found = {name: float(text) for name, text in row.items() if text and name not in _NAMES}
    return {name: value if name in _RATES else value / 100 for name, value in found.items()}


def paper_rows(dataset: str) -> tuple[list[dict[str, Any]], str]:
    """Rows of the paper's Tables I to III for a data set, 0 to 1, and a sentence on them. VosbenchError without."""
    printed = [
        row for row in _printed() if dataset.startswith(row["dataset"]) and row["table"] in ("I", "I and III", "II")
    ]
    if not printed:
        hint = "leave --paper out: it is for davis2016, davis2017 and youtube-vos, which the paper measured"
        raise VosbenchError(f"the paper has no figures for {dataset}", hint)
    rows = [{"strategy": row["strategy"], "kind": KIND, **_numbers(row)} for row in printed]
    return rows, (
        f"Rows marked (paper) are printed in Table {printed[0]['table']} of Pourganjalikhan and Poullis: {_UNDER}; "
        "they are no part of the tests."
    )


@dataclass(frozen=True)
class Measured:
    """The records of a run on a data set under a model of one training (empty: the only one), and figures that records
    do not hold, such as those of seen and unseen categories, by the label of a strategy.
    """

    dataset: str
    records: Records
    training: str = ""
    more: Mapping[str, Mapping[str, float]] | None = None


def reproduced(number: str, measured: Sequence[Measured], absent: Mapping[str, str]) -> Table:
    """Table `number`, such as IV, in the paper's form: what was measured, each row above the one that the paper prints.

    A row that nothing was measured of is empty. `absent` says why, by data set or training. On a data set that the
    paper did not measure, its rows are those of the paper's strategies, without printed ones. Raises as `context`.
    """
    columns = [column.key for column in COLUMNS[number]]
    printed = [row for row in _printed() if number in row["table"].split(" and ")]
    rows: list[Row] = []
    for row in printed:
        found = [m for m in measured if m.dataset.startswith(row["dataset"]) and m.training == row["training"]]
        name = found[0].dataset if found else row["dataset"]
        rows.append(_measured_row(name, row, found[0] if found else None, columns))
        told = {key: value for key, value in _numbers(row).items() if key in columns}
        rows.append({"dataset": name, "strategy": row["strategy"], "kind": KIND, **told})
    for one in measured:
        if not any(one.dataset.startswith(row["dataset"]) for row in printed):
            seen = {(row["policy"], row["training"]): row for row in printed if row["training"] == one.training}
            rows += [_measured_row(one.dataset, row, one, columns) for row in seen.values()]
    names = [*absent, *(one.dataset for one in measured)]
    unchosen = {row["dataset"] for row in printed if not any(name.startswith(row["dataset"]) for name in names)}
    absent = {**absent, **dict.fromkeys(sorted(unchosen), "--dataset leaves it out")}
    contexts = [context(one.records) for one in measured]
    lacking = {name: _lacking(rows, name, COLUMNS[number]) for name in dict.fromkeys(one.dataset for one in measured)}
    sentences = [
        f"Table {number} of Pourganjalikhan and Poullis; rows marked (paper) are what it prints: {_UNDER}.",
        *["J&F of softmax storing is not the mean of J and F as printed."] * (number == "IV"),
        *(
            f"Measured{f', {one.training}' * bool(one.training)}: {common.caption}"
            for one, common in zip(measured, contexts, strict=True)
        ),
        *(f"{name} gives no {headings}." for name, headings in lacking.items() if headings),
        *(f"Not measured: {name}: {reason}." for name, reason in absent.items()),
    ]
    caption = " ".join(sentences)
    conditions = {"runs": [encode(one) for one in contexts], "absent": dict(absent)}
    shown = (Column("dataset", "data set"), *STRATEGY, *COLUMNS[number])
    return Table(shown, rows, caption, conditions, within=("dataset",))


def _lacking(rows: Sequence[Row], dataset: str, columns: Sequence[Column]) -> str:
    """The headings of the columns in which no row that was measured on a data set has a figure."""
    own = [row for row in rows if row["dataset"] == dataset and row["kind"] != KIND]
    empty = (column for column in columns if not any(column.key in row for row in own))
    return " or ".join(column.one_line for column in empty)


def _measured_row(dataset: str, row: Mapping[str, str], found: Measured | None, columns: Sequence[str]) -> Row:
    """The row of what was measured of a strategy of the paper; without figures where nothing was."""
    made: dict[str, Any] = {"dataset": dataset, "strategy": row["strategy"], "kind": "strategy"}
    for label, group in by_strategy(found.records).items() if found else ():
        if group[0].policy.spec == row["policy"]:
            told = measures(group) | dict((found.more or {}).get(label, {}) if found else {})
            made |= {key: told[key] for key in columns if key in told}
    return made
