"""What the verbs share that look at finished runs. They read records only and never need torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from vosbench.bench.record import RUNS, read_run
from vosbench.cli import options
from vosbench.cli.verbs import Answer
from vosbench.errors import VosbenchError
from vosbench.report.context import Records, restrict
from vosbench.report.rendering import FORMATS
from vosbench.report.table import Table

RunFolders = Annotated[
    list[Path] | None,
    typer.Argument(help="run folder (default: the latest in .vosbench/runs), or those of a sweep over an attribute"),
]
RunFolder = Annotated[Path | None, typer.Argument(help="run folder; default: the latest in .vosbench/runs")]
SequenceName = Annotated[str, typer.Option("--sequence", help="the sequence to show")]
Format = Annotated[str, typer.Option("--format", help=f"{', '.join(FORMATS)}; JSON is what --json writes")]
Out = Annotated[Path | None, options.output("--out", help="write to this file instead of printing")]


def read_runs(folders: Sequence[Path] | None, policies: Sequence[str] | None) -> list[Records]:
    """The records of each run, of the chosen strategies alone."""
    return [restrict(read_run(folder), options.split_specs(policies)) for folder in folders or [latest()]]


def latest() -> Path:
    """The run folder that was changed last."""
    runs = [path for path in RUNS.glob("*") if (path / "records").is_dir()]
    if not runs:
        raise VosbenchError(f"there is no run in {RUNS}", "run first: `vosbench run`, or give the folder of a run")
    return max(runs, key=lambda path: max(file.stat().st_mtime for file in [path, *path.glob("records/*")]))


def show(text: str, out: Path | None) -> None:
    """Print a result, or write it to `out`."""
    if out is None:
        print(text, end="")
    else:
        options.write_text(out, text)


def answer(table: Table, **others: Any) -> Answer:
    """A table as the answer of a verb, and `others` beside it."""
    found = table.to_json()
    return Answer(found.pop("conditions"), {**found, **others})
