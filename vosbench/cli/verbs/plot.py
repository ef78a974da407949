"""plot: the figures of a run, or the curves of trainings."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from typer import Option

from vosbench.base.codec import encode
from vosbench.cli import options
from vosbench.cli.records import RunFolders, by_name, read_runs, save_figures
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError, unknown
from vosbench.report.context import context, labels
from vosbench.report.makers import applicable


def plot(
    run: RunFolders = None,
    out: Annotated[Path, options.output(help="folder of the figures", folder=True)] = Path("figures"),
    format: Annotated[str, Option(help="png, svg or pdf")] = "png",
    only: Annotated[
        list[str] | None, Option(help="a name of `vosbench list figures`, or a .py file; repeatable; default: all")
    ] = None,
    policies: options.Policies = None,
    highlight: Annotated[
        list[str] | None,
        options.strategies("those to show in colour, all others pale; with commas or repeated", "--highlight"),
    ] = None,
    overwrite: options.Overwrite = False,
) -> Answer:
    """Draw J&F against FPS and against capacity, latency and memory against frame index: what the run allows.

    With more than seven strategies, curves against the frame get a small picture each, unless some are highlighted. Of
    several runs, which must differ in one strength of generated clips, J&F is drawn against that.

    Of folders of trainings (`vosbench train`), at any time: loss, IoU and J&F of validation against the step.
    """
    from vosbench.report.plots import FIGURES  # here: matplotlib takes a second that other verbs save

    if format not in ("png", "svg", "pdf"):
        raise unknown("figure format", format, ("png", "svg", "pdf"))
    if run and all((folder / "curve.csv").exists() for folder in run):
        if only or policies or highlight:
            raise VosbenchError("trainings have one figure and no strategies", "leave out the options that choose")
        return _curves(run, out / f"curves.{format}", overwrite)
    runs = read_runs(run, policies)
    chosen = labels(runs[0], highlight or ())
    figures, left_out = applicable(FIGURES, runs, only or (), highlight=chosen)
    if not figures:
        reasons = "; ".join(dict.fromkeys(left_out.values()))
        raise VosbenchError(f"there is nothing to draw: {reasons}", "choose another run, or strategies with --policies")
    paths = {out / f"{figure.get_label() or name}.{format}": figure for name, figure in figures.items()}
    written = save_figures(paths, overwrite)
    for name, reason in left_out.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    conditions = [encode(context(records)) for records in runs]
    return Answer({"runs": conditions}, {"figures": written, "left_out": left_out})


def _curves(trainings: Sequence[Path], path: Path, overwrite: bool) -> Answer:
    from vosbench.training.curves import plot_curves  # here, as above

    options.require_new(path, overwrite)
    curves = by_name(trainings)
    plot_curves(curves, path)
    print(path)
    return Answer({"trainings": list(curves)}, {"figures": [str(path)], "left_out": {}})


VERB = Verb(plot, "vosbench plot .vosbench/runs/NAME --out figures --format svg")
