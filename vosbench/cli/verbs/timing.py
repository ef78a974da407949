"""timing: where the time of a run went."""

from typing import Annotated

from typer import Option

from vosbench.base.codec import encode
from vosbench.bench.record import read_run
from vosbench.cli import options
from vosbench.cli.records import Format, Out, RunFolder, latest, show
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError, unknown
from vosbench.report.context import context
from vosbench.report.tables import TABLES

TIMINGS = ("stages", "latency")


def timing(
    run: RunFolder = None,
    only: Annotated[str | None, Option(help="stages or latency; default: both")] = None,
    format: Format = "text",
    out: Out = None,
    overwrite: options.Overwrite = False,
) -> Answer:
    """Where the time of a run went: milliseconds per stage, latency percentiles, the two FPS figures."""
    if only is not None and only not in TIMINGS:
        raise unknown("part of the timing", only, TIMINGS)
    if only is None and format == "csv":
        raise VosbenchError("a CSV file holds one table, the timing has two", "add --only stages or --only latency")
    options.require_new(out, overwrite)
    records = read_run(run or latest())
    found = {name: TABLES.find(name)(records) for name in ([only] if only else TIMINGS)}
    show([*found.values()], format, out, name="timing")
    return Answer(encode(context(records)), {name: {"rows": part.to_json()["rows"]} for name, part in found.items()})


VERB = Verb(timing, "vosbench timing --only stages --format csv --out stages.csv")
