"""publish: write a run's records, tables and figures into results/."""

from pathlib import Path
from typing import Annotated

from typer import Option

from vosbench.base.codec import encode
from vosbench.base.words import count
from vosbench.bench.record import read_run
from vosbench.cli.options import output
from vosbench.cli.records import RunFolders, latest
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError
from vosbench.report.context import context


def publish(
    run: RunFolders = None,
    out: Annotated[Path | None, output(help="folder to write; default: results/NAME of the run", folder=True)] = None,
    allow_partial: Annotated[bool, Option("--allow-partial", help="publish what is unfinished or partial")] = False,
    allow_dirty: Annotated[bool, Option("--allow-dirty", help="publish runs of uncommitted or unknown source")] = False,
) -> Answer:
    """Write a run's records, tables (Markdown, CSV, LaTeX) and figures into results/, to be committed.

    Of several runs, which must be a sweep, each goes into a folder of its own, beside their common tables and figures.
    """
    from vosbench.report.publishing import RESULTS
    from vosbench.report.publishing import publish as write

    folders = run or [latest()]
    if len(folders) > 1 and out is None:
        raise VosbenchError("several runs have no name together", "give one: --out results/NAME")
    target = out or RESULTS / folders[0].resolve().name
    written = write(*folders, folder=target, allow_partial=allow_partial, allow_dirty=allow_dirty)
    print(f"{target} holds {count(len(written), 'file')}, made of the records in {', '.join(map(str, folders))}")
    runs = [{"run": str(folder), **encode(context(read_run(folder)))} for folder in folders]
    conditions = {"runs": runs} if len(runs) > 1 else runs[0]
    return Answer(conditions, {"folder": str(target), "files": [str(path) for path in written]})


VERB = Verb(publish, "vosbench publish .vosbench/runs/NAME --out results/NAME")
