"""The log of a training, curve.csv."""

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path

from vosbench.base.atomic import replacing
from vosbench.errors import VosbenchError

# `validation` tells what J&F is of, `stage` in which stage of the training the step was; each may be empty.
COLUMNS = ("step", "loss", "iou", "seconds_per_step", "j_and_f", "validation", "stage")
Row = tuple[str, ...]


class Curve:
    """curve.csv, row by row, of one of the `stages` (one without a name: there are no others); what an earlier run
    logged after the step `since` of it, which comes again, is dropped.

    So are rows that are no longer what was written, with a warning: nothing in the training depends on them.
    Raises VosbenchError if it cannot be written, or is the log of a training with other stages.
    """

    def __init__(self, path: Path, since: int, stage: str = "", stages: Sequence[str] = ("",)) -> None:
        self.path, self.stage = path, stage
        try:
            text = path.read_bytes().decode(errors="replace") if path.exists() else ""
        except OSError as error:
            raise VosbenchError(f"cannot read {path}: {error.strerror}", "remove it: a new one is begun") from None
        head, *lines = text.splitlines() or [",".join(COLUMNS)]
        rows = [row for row in map(_row, lines) if row is not None]
        if (lost := len(lines) - len(rows)) or head != ",".join(COLUMNS):
            warnings.warn(f"{path} is damaged: {lost} of its {len(lines)} rows are dropped", stacklevel=2)
        if other := {row[-1] for row in rows} - {*stages}:
            hint = "choose an empty folder"
            raise VosbenchError(f"{path} is the log of another training, with the stage {min(other)!r}", hint)
        before = stages[: stages.index(stage)]
        self.rows = [row for row in rows if row[-1] in before or (row[-1] == stage and int(row[0]) <= since)]
        self._write()

    def add(self, step: int, loss: float, iou: float, seconds: float, score: float | None, validation: str) -> None:
        """`score` is J&F in percent, as `validation` tells; None where nothing was validated."""
        measured = ("", "") if score is None else (f"{score:.2f}", validation)
        self.rows.append((str(step), f"{loss:.4f}", f"{iou:.4f}", f"{seconds:.3f}", *measured, self.stage))
        self._write()

    def _write(self) -> None:
        hint = "free space and start again: the training goes on"
        with replacing(self.path, hint=hint) as part, part.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *self.rows])


def _row(line: str) -> Row | None:
    """The cells of a row of curve.csv; None if they are not what was written."""
    try:
        cells = tuple(next(csv.reader([line]), ()))
        int(cells[0])
        [float(cell) for cell in (*cells[1:4], cells[4] or "0")]  # an IoU of no object is nan
    except (IndexError, ValueError, csv.Error):
        return None
    return cells if len(cells) == len(COLUMNS) else None
