"""publish: write a run's records, tables and figures into results/."""

from pathlib import Path
from typing import Annotated

import typer

from vosbench.base.codec import encode
from vosbench.base.words import count
from vosbench.bench.record import read_run
from vosbench.cli.options import output
from vosbench.cli.records import RunFolder, latest
from vosbench.cli.verbs import Answer, Verb
from vosbench.report.context import context


def publish(
    run: RunFolder = None,
    out: Annotated[
        Path | None, output("--out", help="folder to write; default: results/NAME of the run", folder=True)
    ] = None,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="publish a run that is not complete or leaves sequences out")
    ] = False,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="publish what was made from uncommitted or unknown source")
    ] = False,
) -> Answer:
    """Write a run's records, tables (Markdown, CSV, LaTeX) and figures into results/, to be committed."""
    from vosbench.report.publishing import RESULTS
    from vosbench.report.publishing import publish as write

    folder = run or latest()
    target = out or RESULTS / folder.resolve().name
    written = write(folder, target, allow_partial=allow_partial, allow_dirty=allow_dirty)
    print(f"{target} holds {count(len(written), 'file')}, made of the records in {folder}")
    conditions = encode(context(read_run(folder)))
    return Answer({"run": str(folder), **conditions}, {"folder": str(target), "files": [str(path) for path in written]})


VERB = Verb(publish, "vosbench publish .vosbench/runs/NAME --out results/NAME")
