"""A run as files to commit: its records, and every table and figure as a pure function of them.

The folder of a published run can be read like that of a run (`read_run`), so that whoever has it can make the same
files again, compare with it, and use it as the baseline of a gate.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vosbench.base.atomic import replacing
from vosbench.base.text import write_text
from vosbench.bench.record import read_record, read_run, write_record
from vosbench.errors import VosbenchError
from vosbench.report.context import Records, context
from vosbench.report.lacks import FAILED
from vosbench.report.makers import applicable
from vosbench.report.rendering import render
from vosbench.report.tables import TABLES

if TYPE_CHECKING:  # matplotlib takes a second to load
    from matplotlib.figure import Figure

RESULTS = Path("results")
_FORMATS = {".md": "markdown", ".csv": "csv", ".tex": "latex"}  # of tables, by suffix


def publish(*runs: Path, folder: Path, allow_partial: bool = False, allow_dirty: bool = False) -> tuple[Path, ...]:
    """Write a run into `folder`: `records/`, tables and figures; of several each into a folder below, under its own
    name, and beside them the tables and figures of all together. Returns the paths of all files.

    Files of an earlier publication are replaced, others stay. Raises VosbenchError if a run is partial, unless
    `allow_partial`; if it was made from uncommitted or unknown source, unless `allow_dirty`; if a record is broken; for
    two runs of one name and for runs that are no sweep; and if a file cannot be written.
    """
    places = {folder / run.resolve().name: run for run in runs}
    if len(places) < len(runs):
        raise VosbenchError("two of the runs have one name", "one would replace the other: rename its folder")
    allowed = {"allow_partial": allow_partial, "allow_dirty": allow_dirty}
    together = [_sound(run, **allowed) for run in runs]
    texts, drawings = documents(*together), figures(*together)
    if len(runs) > 1:
        written = [path for place, run in places.items() for path in publish(run, folder=place, **allowed)]
    else:
        written = _write_records(runs[0], folder)
    return (*written, *_write(folder, texts, drawings))


def _write_records(run: Path, folder: Path) -> list[Path]:
    kept = {path.relative_to(run): read_record(path) for path in sorted((run / "records").rglob("*.json"))}
    if folder.resolve() != run.resolve():
        shutil.rmtree(folder / "records", ignore_errors=True)
    for path, record in kept.items():
        write_record(folder / path, record)
    return [folder / path for path in kept]


def _write(folder: Path, texts: Mapping[str, str], drawings: Mapping[str, "Figure"]) -> list[Path]:
    for name, text in texts.items():
        with replacing(folder / name, "result") as part:
            write_text(part, text)
    for name, figure in drawings.items():
        from vosbench.report.drawing.style import save

        save(figure, folder / name)
    return [folder / name for name in (*texts, *drawings)]


def documents(*runs: Records) -> dict[str, str]:
    """The text files by name: all tables that a run, or several, allow. Raises as `context` and `sweep` do."""
    texts = {}
    for name, table in applicable(TABLES, runs)[0].items():
        files = TABLES.find(name).files
        for file in [f"{name}{suffix}" for suffix in _FORMATS] if files is None else files:
            if Path(file).suffix not in _FORMATS:
                raise VosbenchError(f"table {name} cannot be published as {file}", "end the name in .md, .csv or .tex")
            texts[file] = render(table, _FORMATS[Path(file).suffix], name=name)
    return texts


def figures(*runs: Records) -> dict[str, "Figure"]:
    """The figures of a publication by name: all that the records allow. Raises as `documents` does."""
    from vosbench.report.plots import FIGURES

    drawn: dict[str, Figure] = {}
    for name, figure in applicable(FIGURES, runs)[0].items():
        files = FIGURES.find(name).files
        drawn |= dict.fromkeys([f"{figure.get_label() or name}.svg"] if files is None else files, figure)
    return drawn


def _sound(run: Path, allow_partial: bool, allow_dirty: bool) -> Records:
    """The records of a run that may be published: it is whole, but for strategies that failed, and from a commit."""
    records = read_run(run)
    missing = [] if allow_partial else [why for why in context(records).lacks if not why.startswith(FAILED)]
    if missing:
        hint = "finish it: `vosbench run` resumes where it was; or say --allow-partial"
        raise VosbenchError(f"run {run} is partial ({'; '.join(missing)})", hint)
    for record in () if allow_dirty else records:
        environment = record.environment
        if environment and (environment.dirty or not environment.commit):
            state = "a changed working tree" if environment.dirty else "source that is no checkout of git"
            message = f"run {run} was made from {state} (strategy {record.policy.label}, sequence {record.sequence})"
            raise VosbenchError(message, "commit and run again, or say --allow-dirty")
    return records
