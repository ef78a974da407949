"""table: what a run measured: a table by its name, or of your own file."""

from pathlib import Path
from typing import Annotated

from typer import Option

from vosbench.cli import options
from vosbench.cli.records import Caption, Columns, Format, Out, RunFolders, answer, read_runs, show
from vosbench.cli.verbs import Answer, Verb
from vosbench.report.tables import TABLES


def table(
    run: RunFolders = None,
    by: Annotated[
        str | None,
        Option(help="a name of `vosbench list tables`, or a .py file; default: strategy; of several runs: attribute"),
    ] = None,
    policies: options.Policies = None,
    columns: Columns = None,
    caption: Caption = None,
    format: Format = "text",
    out: Out = None,
    overwrite: options.Overwrite = False,
) -> Answer:
    """Print a table of a run: by default J, F and J&F, frames per second and frames in memory of each strategy.

    Several runs must differ in one strength of generated clips, such as occlusion: then a row is a strength and a
    strategy.
    """
    options.require_new(out, overwrite)
    by = by or ("strategy" if len(run or ()) < 2 else "attribute")
    found = TABLES.find(by)(*read_runs(run, policies))
    show([found], format, out, name=Path(by).stem, columns=columns, caption=caption)
    return answer(found, columns)


VERB = Verb(table, "vosbench table --columns strategy,jf,fps --format latex --out table.tex")
