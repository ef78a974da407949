"""What the verbs share that look at finished runs, or scored masks. They read records only and never need torch."""

import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from vosbench.base.text import read_text
from vosbench.bench.record import RUNS, RunRecord, read_run
from vosbench.cli import options
from vosbench.cli.progress import CountProgress, tell
from vosbench.cli.verbs import Answer
from vosbench.errors import VosbenchError
from vosbench.report.context import Records, restrict
from vosbench.report.rendering import FORMATS, printed_columns, render
from vosbench.report.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vosbench.report.pictures.footage import Footage

_RUN = "folder of a run (default: the latest in .vosbench/runs) or of `score --out`"
RunFolders = Annotated[list[Path] | None, Argument(help=f"{_RUN}, or the JSON of one; several of a sweep")]
RunFolder = Annotated[Path | None, Argument(help="run folder; default: the latest in .vosbench/runs")]
MaskFolders = Annotated[list[Path] | None, Argument(help=f"{_RUN}; several of the same data are shown together")]
SequenceName = Annotated[str | None, Option(help="the sequence to show; default: where strategies differ most in J&F")]
_LATEX = 10  # columns that a page holds
Format = Annotated[str, Option(help=f"{', '.join(FORMATS)}; JSON is what --json writes")]
Out = Annotated[Path | None, options.output(help="write to this file instead of printing")]


def column_names(values: Sequence[str] | None) -> list[str]:
    """The names in `--columns`. Raises VosbenchError if it is given and holds none."""
    names = [name for value in values or () for name in "".join(value.split()).split(",") if name]
    if values and not names:
        raise VosbenchError(f"--columns {values[0]!r} names no column", "e.g. --columns strategy,jf,fps")
    return names


Columns = Annotated[
    list[str] | None,
    Option(
        help="only these columns, in this order, of the first table (of `score`, that has them): heads of the CSV or "
        "their last words, as strategy,jf,fps; in JSON too",
        callback=column_names,
    ),
]
Caption = Annotated[str | None, Option(help="this caption instead of the one that tells the conditions")]


def read_runs(folders: Sequence[Path] | None, policies: Sequence[str] | None) -> list[Records]:
    """The records of each run, of the chosen strategies alone."""
    return [restrict(read_records(folder), policies or ()) for folder in folders or [latest()]]


def read_records(path: Path) -> Records:
    """The records of a run's folder, of one that `score --out` wrote, or in a file of `run --json` or `score --json`.

    Raises VosbenchError as `read_run` does, and for a file that holds the records of no run, or of several.
    """
    if path.suffix != ".json" or path.is_dir():
        return read_run(path)
    try:
        result = json.loads(read_text(path, "check the path"))["result"]
        (found,) = [run["records"] for run in result.get("runs", [result])]
    except (ValueError, KeyError, TypeError, AttributeError):
        hint = "give what `vosbench run` or `score` wrote with --json"
        raise VosbenchError(f"{path} does not hold the records of one run", hint) from None
    return tuple(RunRecord.from_json(record, f"record {place} in {path}") for place, record in enumerate(found, 1))


def by_name(paths: Sequence[Path]) -> dict[str, Path]:
    """Runs by the names of their folders or files, or their paths if two have one. VosbenchError for one twice."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise VosbenchError("the same run is given twice", "name each run once; one alone has its strategies compared")
    names = [path.stem if path.suffix == ".json" else path.resolve().name for path in paths]
    unique = len(set(names)) == len(names)
    return {name if unique else str(path): path for name, path in zip(names, paths, strict=True)}


def open_pictures(
    folders: Sequence[Path] | None, sequence: str | None, root: Path | None, policies: Sequence[str] | None
) -> tuple["Footage", dict[str, Any]]:
    """The sequence asked for of runs, or that where strategies differ most; and both as conditions of an answer."""
    from vosbench.report.pictures.together import (  # here: pandas and matplotlib take a second
        most_disputed_sequence,
        open_together,
    )

    runs = by_name(folders or [latest()])
    chosen = policies or ()
    name = most_disputed_sequence(runs, chosen) if sequence is None else sequence
    shown = [str(run) for run in runs.values()]
    return open_together(runs, name, root, chosen), {"run": shown if len(shown) > 1 else shown[0], "sequence": name}


def latest() -> Path:
    """The run folder that was changed last."""
    runs = [path for path in RUNS.glob("*") if (path / "records").is_dir()]
    if not runs:
        raise VosbenchError(f"there is no run in {RUNS}", "run first: `vosbench run`, or give the folder of a run")
    return max(runs, key=lambda path: max(file.stat().st_mtime for file in [path, *path.glob("records/*")]))


def save_figures(figures: Mapping[Path, "Figure"], overwrite: bool) -> list[str]:
    """Write figures to their paths, and print these. VosbenchError, before any, for one that may not be replaced."""
    from vosbench.report.drawing.style import save  # here: matplotlib takes a second that other verbs save

    for path in figures:
        options.require_new(path, overwrite)
    for path, figure in figures.items():
        save(figure, path)
        print(path)
    return [str(path) for path in figures]


def write_report(run: Path, jobs: int | None) -> Path:
    """Write the report of a run, or of scored masks, into its folder; its first page."""
    from vosbench.report.pages.build import build  # here: Jinja takes a tenth of a second

    with CountProgress("page") as progress:
        return build({run: read_run(run)}, run / "report", jobs=jobs, progress=progress, tell=tell)


def say_how_to_look(folder: Path, page: Path | None) -> None:
    """Print where the report of a folder is, or the command that makes it."""
    how = f"vosbench report {shlex.quote(str(folder))}" if page is None else open_in_browser(page)
    print(f"To look through it: {how}")


def open_in_browser(page: Path) -> str:
    """How to open a page that was written."""
    return f"open {page.resolve().as_uri()} in a browser"


def show(
    tables: Sequence[Table],
    format: str = "text",
    out: Path | None = None,
    *,
    name: str = "results",
    columns: Sequence[str] | None = (),
    caption: str | None = None,
    place: int = 0,
) -> None:
    """Print tables as wide as the terminal, or write them to `out`. The caption is that of the first, and the columns
    (None: none are chosen; (): the verb has no option for them) are those of the one at `place`.
    """
    width = terminal_width() if out is None else None
    own: dict[str, Any] = {"columns": columns or (), "advice": "" if columns == () else "--columns chooses. "}
    texts = []
    for at, table in enumerate(tables):
        label, said = (f"{name}-{at + 1}", None) if at else (name, caption)
        texts.append(render(table, format, caption=said, name=label, width=width, **(own if at == place else {})))
    if format == "latex" and columns is None and (wide := len(printed_columns(tables[0]))) > _LATEX:
        hint = f"hint: {wide} columns may be wider than a page: --columns strategy,jf,fps chooses among them"
        print(hint, file=sys.stderr)
    if format == "csv":  # which has no caption
        options.warn_of_partial(dict.fromkeys(why for table in tables for why in table.lacks))
    if out is None:
        print("\n".join(texts), end="")
    else:
        options.write_text(out, "\n".join(texts))


def terminal_width() -> int | None:
    """The characters of a line on standard output; None if it is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def answer(table: Table, columns: Sequence[str] | None = None, **others: Any) -> Answer:
    """A table, or those of its columns, as the answer of a verb, and `others` beside it."""
    found = table.to_json(columns or ())
    return Answer(found.pop("conditions"), {**found, **others})
