"""The figures that the paper prints, as rows to set beside our own.

`paper.csv` holds Tables I to III of Pourganjalikhan and Poullis, "Adaptive Memory Management for Video Object
Segmentation", in percent, as printed. They are of STCN at full width on the whole of each split, on a GTX 1070.
"""

from importlib import resources

import pandas as pd

from vosbench.errors import VosbenchError

KIND = "paper"
_RATES = ("model_fps", "frames_in_memory")  # what is no percentage


def paper_rows(dataset: str) -> tuple[pd.DataFrame, str]:
    """The paper's rows for a data set, scores from 0 to 1 and of kind `paper`, and the sentence that says whose.

    Raises VosbenchError if the paper has none.
    """
    with resources.files("vosbench.report").joinpath("paper.csv").open(encoding="utf-8") as file:
        rows = pd.read_csv(file)
    rows = rows[[dataset.startswith(name) for name in rows["dataset"]]]
    if rows.empty:
        raise VosbenchError(
            f"the paper has no figures for {dataset}",
            "leave --paper out: it is for davis2016, davis2017 and youtube-vos, which the paper measured",
        )
    table = rows["table"].iloc[0]
    figures = rows.drop(columns=["table", "dataset"]).dropna(axis="columns", how="all").reset_index(drop=True)
    percent = [name for name in figures.columns if name not in ("strategy", *_RATES)]
    figures[percent] = figures[percent] / 100
    figures.insert(1, "kind", KIND)
    return figures, (
        f"Rows marked (paper) are printed in Table {table} of Pourganjalikhan and Poullis: full-width STCN, "
        "the whole validation split, a GTX 1070; they are no part of the tests."
    )
