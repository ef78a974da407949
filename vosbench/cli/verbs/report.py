"""report: pages for a browser: tables, figures, every frame, mask, memory."""

from pathlib import Path
from typing import Annotated

from typer import Option

from vosbench.base.codec import encode
from vosbench.cli import options
from vosbench.cli.progress import CountProgress, tell
from vosbench.cli.records import RunFolders, latest, open_in_browser, read_records
from vosbench.cli.verbs import Answer, Verb
from vosbench.report.context import context


def report(
    run: RunFolders = None,
    out: Annotated[Path, options.output(help="folder of the report; other files stay", folder=True)] = Path("report"),
    root: options.RootOfRun = None,
    policies: options.Policies = None,
    baseline: Annotated[str | None, Option(help="strategy to compare others with at first; default: the first")] = None,
    jobs: options.ManyJobs = None,
) -> Answer:
    """Write a report: a folder that any browser opens from disk, without a network, and that can be mailed.

    It holds the leaderboard with intervals and significance, the figures, and a page for each sequence with the curves
    of J and F and a scrubber over frames, truth, the masks of all strategies and, of a run with --keep-memory-trace,
    what their memories hold. Of published results, which have no masks, it holds tables and curves.
    """
    from vosbench.report.pages.build import build  # here: Jinja takes a tenth of a second that other verbs save

    runs = {folder: read_records(folder) for folder in run or [latest()]}
    with CountProgress("page") as progress:
        first = build(
            runs, out, root=root, policies=policies or (), baseline=baseline, jobs=jobs, progress=progress, tell=tell
        )
    print(f"The report is in {out}, which can be moved, zipped and mailed as it is: {open_in_browser(first)}")
    conditions = [{"run": str(folder), **encode(context(records))} for folder, records in runs.items()]
    return Answer({"runs": conditions}, {"report": str(first)})


VERB = Verb(report, "vosbench report .vosbench/runs/NAME --out report")
