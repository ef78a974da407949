"""The log of a training, curve.csv."""

import csv
import warnings
from pathlib import Path

from vosbench.base.atomic import replacing
from vosbench.errors import VosbenchError

COLUMNS = ("step", "loss", "iou", "seconds_per_step", "j_and_f")


class Curve:
    """curve.csv, row by row; what an earlier run logged after the step `since`, which comes again, is dropped.

    So are rows that are no longer what was written, with a warning: nothing in the training depends on them.
    Raises VosbenchError if it cannot be written.
    """

    def __init__(self, path: Path, since: int) -> None:
        self.path = path
        try:
            text = path.read_bytes().decode(errors="replace") if path.exists() else ""
        except OSError as error:
            raise VosbenchError(f"cannot read {path}: {error.strerror}", "remove it: a new one is begun") from None
        head, *lines = text.splitlines() or [",".join(COLUMNS)]
        rows = [row for row in map(_row, lines) if row is not None]
        if (lost := len(lines) - len(rows)) or head != ",".join(COLUMNS):
            warnings.warn(f"{path} is damaged: {lost} of its {len(lines)} rows are dropped", stacklevel=2)
        self.rows = [row for row in rows if int(row[0]) <= since]
        self._write()

    def add(self, step: int, loss: float, iou: float, seconds: float, score: float | None) -> None:
        """`score` is J&F in percent, None where nothing was validated."""
        row = (str(step), f"{loss:.4f}", f"{iou:.4f}", f"{seconds:.3f}", "" if score is None else f"{score:.2f}")
        self.rows.append(row)
        self._write()

    def _write(self) -> None:
        hint = "free space and start again: the training goes on"
        with replacing(self.path, hint=hint) as part, part.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *self.rows])


def _row(line: str) -> tuple[str, ...] | None:
    """The cells of a row of curve.csv; None if they are not what was written."""
    cells = tuple(line.split(","))
    try:
        int(cells[0])
        [float(cell) for cell in (*cells[1:4], cells[4] or "0")]  # an IoU of no object is nan
    except (IndexError, ValueError):
        return None
    return cells if len(cells) == len(COLUMNS) else None
