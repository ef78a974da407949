"""The figures that the paper prints, as rows to set beside our own.

`paper.csv` holds Tables I to III of Pourganjalikhan and Poullis, "Adaptive Memory Management for Video Object
Segmentation", in percent, as printed. They are of STCN at full width on the whole of each split, on a GTX 1070.
"""

import csv
from importlib import resources
from typing import Any

from vosbench.errors import VosbenchError

KIND = "paper"
_RATES = ("model_fps", "frames_in_memory")  # what is no percentage


def paper_rows(dataset: str) -> tuple[list[dict[str, Any]], str]:
    """The paper's rows for a data set, scores from 0 to 1 and of kind `paper`, and the sentence that says whose.

    Raises VosbenchError if the paper has none.
    """
    with resources.files("vosbench.report").joinpath("paper.csv").open(encoding="utf-8") as file:
        printed = [row for row in csv.DictReader(file) if dataset.startswith(row["dataset"])]
    if not printed:
        raise VosbenchError(
            f"the paper has no figures for {dataset}",
            "leave --paper out: it is for davis2016, davis2017 and youtube-vos, which the paper measured",
        )
    rows = []
    for row in printed:
        numbers = {
            name: float(text) for name, text in row.items() if text and name not in ("table", "dataset", "strategy")
        }
        numbers = {name: value if name in _RATES else value / 100 for name, value in numbers.items()}
        rows.append({"strategy": row["strategy"], "kind": KIND, **numbers})
    return rows, (
        f"Rows marked (paper) are printed in Table {printed[0]['table']} of Pourganjalikhan and Poullis: full-width "
        "STCN, the whole validation split, a GTX 1070; they are no part of the tests."
    )
