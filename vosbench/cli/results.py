"""Verbs that look at a finished run: table, timing and plot. They read records only and never need torch."""

from pathlib import Path
from typing import Annotated

import typer

from vosbench.cli import options
from vosbench.errors import VosbenchError, unknown
from vosbench.report import plots, tables
from vosbench.report import timing as timings
from vosbench.report.records import read_run
from vosbench.report.rendering import FORMATS, render

RunFolder = Annotated[Path | None, typer.Argument(help="run folder; default: the latest in .vosbench/runs")]
Format = Annotated[str, typer.Option("--format", help=", ".join(FORMATS))]
Out = Annotated[Path | None, typer.Option("--out", help="write to this file instead of printing")]
RUNS = Path(".vosbench") / "runs"
TABLES = {"strategy": tables.leaderboard, "sequence": tables.by_sequence, "object": tables.by_object}
FIGURES = {
    "accuracy-against-speed": plots.accuracy_against_speed,
    "latency-against-frame": plots.latency_against_frame,
    "memory-against-frame": plots.memory_against_frame,
}


def table(
    run: RunFolder = None,
    by: Annotated[str, typer.Option(help="a row per: strategy, sequence or object")] = "strategy",
    format: Format = "text",
    out: Out = None,
    json: options.Json = None,
) -> None:
    """Compare the strategies of a run: J, F and J&F, frames per second, frames in memory."""
    if by not in TABLES:
        raise unknown("kind of row", by, TABLES)
    found = TABLES[by](read_run(run or _latest()))
    _show(render(found, format), out)
    if json is not None:
        options.write_text(json, render(found, "json") + "\n")


def timing(run: RunFolder = None, format: Format = "text", out: Out = None, json: options.Json = None) -> None:
    """Where the time of a run went: milliseconds per stage, latency percentiles, the two FPS figures."""
    records = read_run(run or _latest())
    reports = {"stages": timings.stages(records), "latency": timings.latency(records)}
    _show("\n\n".join(render(report, format) for report in reports.values()), out)
    if json is not None:
        parts = (f'"{name}": {render(report, "json").strip()}' for name, report in reports.items())
        options.write_text(json, "{" + ",\n".join(parts) + "}\n")


def plot(
    run: RunFolder = None,
    out: Annotated[Path, typer.Option(help="folder of the figures")] = Path("figures"),
    format: Annotated[str, typer.Option("--format", help="png, svg or pdf")] = "png",
    json: options.Json = None,
) -> None:
    """Draw J&F against FPS, and latency and memory against frame index."""
    if format not in ("png", "svg", "pdf"):
        raise unknown("figure format", format, ("png", "svg", "pdf"))
    records = read_run(run or _latest())
    written = []
    for name, draw in FIGURES.items():
        path = out / f"{name}.{format}"
        plots.save(draw(records), path)
        written.append(str(path))
        print(path)
    options.write_json(json, {"figures": written})


def _latest() -> Path:
    """The run folder that was changed last."""
    runs = [path for path in RUNS.glob("*") if (path / "records").is_dir()]
    if not runs:
        raise VosbenchError(f"there is no run in {RUNS}", "run first: `vosbench run`, or give the folder of a run")
    return max(runs, key=lambda path: max(file.stat().st_mtime for file in [path, *path.glob("records/*")]))


def _show(text: str, out: Path | None) -> None:
    if out is None:
        print(text)
    else:
        options.write_text(out, text + "\n")


VERBS = {
    "table": (table, "vosbench table --by object --format markdown"),
    "timing": (timing, "vosbench timing --format csv --out timing.csv"),
    "plot": (plot, "vosbench plot .vosbench/runs/NAME --out figures --format svg"),
}
