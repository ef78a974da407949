"""Verbs that look at a finished run: table, timing and plot. They read records only and never need torch."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vosbench.bench.record import RUNS, read_run
from vosbench.cli import options
from vosbench.cli.verbs import Answer
from vosbench.errors import VosbenchError, unknown
from vosbench.report.context import restrict
from vosbench.report.makers import Run, applicable
from vosbench.report.rendering import FORMATS, render
from vosbench.report.tables import TABLES

RunFolders = Annotated[
    list[Path] | None,
    typer.Argument(help="run folder (default: the latest in .vosbench/runs), or those of a sweep over an attribute"),
]
RunFolder = Annotated[Path | None, typer.Argument(help="run folder; default: the latest in .vosbench/runs")]
Format = Annotated[str, typer.Option("--format", help=", ".join(FORMATS))]
Out = Annotated[Path | None, typer.Option("--out", help="write to this file instead of printing")]
TIMINGS = ("stages", "latency")


def table(
    run: RunFolders = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="a name of `vosbench list tables`, or a .py file; default: strategy; of several runs: attribute"
        ),
    ] = None,
    policies: options.Policies = None,
    format: Format = "text",
    out: Out = None,
) -> Answer:
    """Compare the strategies of a run: J, F and J&F, frames per second, frames in memory.

    Several runs must differ in one strength of generated clips, such as occlusion; each strategy has a row for each.
    """
    runs = _runs(run, policies)
    found = TABLES.find(by or ("strategy" if len(runs) == 1 else "attribute"))(*runs)
    show(render(found, format), out)
    return Answer({}, found.to_json())


def timing(
    run: RunFolder = None,
    only: Annotated[str | None, typer.Option(help="stages or latency; default: both")] = None,
    format: Format = "text",
    out: Out = None,
) -> Answer:
    """Where the time of a run went: milliseconds per stage, latency percentiles, the two FPS figures."""
    if only is not None and only not in TIMINGS:
        raise unknown("part of the timing", only, TIMINGS)
    if only is None and format == "csv":
        raise VosbenchError("a CSV file holds one table, the timing has two", "add --only stages or --only latency")
    records = read_run(run or latest())
    found = {name: TABLES.find(name)(records) for name in ([only] if only else TIMINGS)}
    as_json = ",\n".join(f'"{name}": {render(part, "json").strip()}' for name, part in found.items())
    as_json = f"{{{as_json}}}\n"
    show(as_json if format == "json" else "\n".join(render(part, format) for part in found.values()), out)
    return Answer({}, {name: part.to_json() for name, part in found.items()})


def plot(
    run: RunFolders = None,
    out: Annotated[Path, typer.Option(help="folder of the figures")] = Path("figures"),
    format: Annotated[str, typer.Option("--format", help="png, svg or pdf")] = "png",
    only: Annotated[
        list[str] | None,
        typer.Option(help="a name of `vosbench list figures`, or a .py file; repeatable; default: all"),
    ] = None,
    policies: options.Policies = None,
) -> Answer:
    """Draw J&F against FPS and against capacity, latency and memory against frame index: what the run allows.

    Of several runs, which must differ in one strength of generated clips, J&F is drawn against that.
    """
    from vosbench.report.drawing.style import save  # here: matplotlib takes a second that other verbs save
    from vosbench.report.plots import FIGURES

    if format not in ("png", "svg", "pdf"):
        raise unknown("figure format", format, ("png", "svg", "pdf"))
    figures, left_out = applicable(FIGURES, _runs(run, policies), only or ())
    if not figures:
        reasons = "; ".join(dict.fromkeys(left_out.values()))
        raise VosbenchError(f"there is nothing to draw: {reasons}", "choose another run, or strategies with --policies")
    for name, reason in left_out.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    written = []
    for name, figure in figures.items():
        path = out / f"{figure.get_label() or name}.{format}"
        save(figure, path)
        written.append(str(path))
        print(path)
    return Answer({}, {"figures": written})


def _runs(folders: Sequence[Path] | None, policies: Sequence[str] | None) -> list[Run]:
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
