"""merge: put runs of other sequences, strategies or repeats together."""

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument

from vosbench.base.codec import encode
from vosbench.base.words import count
from vosbench.cli import options
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import a_few
from vosbench.report.context import context
from vosbench.report.rendering import render
from vosbench.report.tables import strategy


def merge(
    runs: Annotated[list[Path], Argument(help="folders of runs that were made under the same conditions")],
    out: Annotated[Path, options.output(help="new folder for all of them together", folder=True)],
) -> Answer:
    """Put runs together that were made apart, by other machines or at other times, and print their table.

    Data, protocol, weights, settings, threads, code and libraries must be the same; what is not is named, and nothing
    is written. Masks are linked, not copied, where the file system can. A run into --out goes on from there.
    """
    from vosbench.bench.merge import merge as put_together

    records = put_together(runs, out)
    if bare := [str(run) for run in runs if not (run / "masks").exists()]:
        print(f"vosbench: warning: {a_few(bare)} holds no masks: neither does {out} for what is of it", file=sys.stderr)
    table = strategy.table(records)
    print(render(table))
    print(f"{out} holds {count(len(records), 'record')} of {count(len(runs), 'run')}")
    return Answer(
        {"runs": [str(run) for run in runs], **encode(context(records))},
        {"folder": str(out), "records": len(records), **table.to_json()},
    )


VERB = Verb(merge, "vosbench merge shards/1 shards/2 --out whole")
