"""compare: runs, or the strategies of one, compared; a gate for CI."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from vosbench.base.codec import encode
from vosbench.cli import options
from vosbench.cli.records import Caption, Columns, Format, Out, answer, by_name, read_records, show
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError
from vosbench.report.compare.differences import differences
from vosbench.report.compare.gate import Check, Tolerance, gate
from vosbench.report.compare.pairing import common_context, pair_up
from vosbench.report.compare.tables import changed_objects, difference_table
from vosbench.report.compare.verdict import checks_table, failures, junit, junit_error
from vosbench.report.rendering import render
from vosbench.report.table import Row, Table

REGRESSION = 1  # the exit status


def compare(
    runs: Annotated[
        list[Path],
        Argument(
            help="folders of runs or of `score --out`, or their JSON; the first is the baseline. Of one, its "
            "strategies or methods are compared"
        ),
    ],
    policies: Annotated[
        list[str] | None,
        options.strategies("only these, separated by commas or repeated; of one run the first is the baseline"),
    ] = None,
    paper: Annotated[bool, Option("--paper", help="add the paper's own figures for the data set")] = False,
    objects: Annotated[int, Option(help="how many objects to show, those whose J&F changed most", min=0)] = 5,
    fail_on: Annotated[
        Literal["regression", "change"] | None,
        Option(help="exit with status 1 after a loss (regression), or after a gain too (change)"),
    ] = None,
    tolerance_accuracy: Annotated[float, Option(help="points of J or F that may be lost without failing")] = 0.1,
    tolerance_speed: Annotated[float, Option(help="factor by which time, tokens read and bytes may grow")] = 1.1,
    speed: Annotated[
        Literal["time", "counts"],
        Option(help="judge by time, which needs the same machine, or by counts of work alone"),
    ] = "time",
    junit_file: Annotated[Path | None, options.output("--junit", help="write the checks as JUnit XML")] = None,
    markdown: Annotated[Path | None, options.output(help="write all tables as Markdown")] = None,
    columns: Columns = None,
    caption: Caption = None,
    format: Format = "text",
    out: Out = None,
    overwrite: options.Overwrite = False,
) -> Answer:
    """Compare runs, or the strategies of one: differences object by object, with intervals and significance.

    With --fail-on it is a gate for CI. Exit status: 0 fine, 1 a regression, 2 the runs cannot be compared.
    """
    options.require_new(out, overwrite)
    tolerance = Tolerance(tolerance_accuracy, tolerance_speed, timed=speed == "time", both_ways=fail_on == "change")
    checks: tuple[Check, ...] = ()
    tables: list[Table] = []
    changed: Sequence[Row] = ()
    try:
        records = {name: read_records(path) for name, path in by_name(runs).items()}
        compared = pair_up(records, tuple(dict.fromkeys(policies or ())) or None)
        if fail_on is not None:
            checks = gate(compared, tolerance)
        if all(entrant.protocol != "none" for pair in compared for entrant in pair):
            different = differences(compared)
            tables.append(difference_table(different, paper))
            if objects:
                tables.append(changed_objects(different, objects))
                changed = tables[-1].rows
    except VosbenchError as error:
        if junit_file is not None:
            options.write_text(junit_file, junit_error(error.message))
        raise
    if not tables and fail_on is None:
        raise VosbenchError("the runs have no scores to compare", "give --fail-on regression to compare what they cost")
    if checks:
        tables.append(checks_table(checks, common_context(compared).lacks))
    if format == "csv":
        tables = tables[:1]  # it holds one table
    show(tables, format, out, name="compare", columns=columns, caption=caption)
    if markdown is not None:
        options.write_text(markdown, "\n".join(render(table, "markdown") for table in tables))
    if junit_file is not None:
        options.write_text(junit_file, junit(checks))
    judged = [asdict(check) | {"result": check.result} for check in checks]
    found = answer(tables[0], columns, objects=changed, checks=judged)
    conditions = found.conditions or {"baseline": encode(common_context(compared))}  # of runs without scores
    return replace(found, conditions=conditions, status=REGRESSION if failures(checks) else 0)


VERB = Verb(compare, "vosbench compare baseline new --fail-on regression --junit gate.xml --markdown gate.md")
