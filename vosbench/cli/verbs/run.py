"""run: segment a data set under several strategies, and score them."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vosbench.base.words import count
from vosbench.bench.record import RUNS
from vosbench.cli import options
from vosbench.cli.progress import RunProgress
from vosbench.cli.verbs import Answer, Verb
from vosbench.report.rendering import render
from vosbench.report.tables import strategy

if TYPE_CHECKING:
    from vosbench.bench.plan import Plan


def run(
    suite: Annotated[
        str | None, typer.Argument(help="a TOML file, or a name of `vosbench list suites`; options override it")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="data set; `vosbench list datasets` names them; default: the suite's, or synthetic"),
    ] = None,
    root: Annotated[
        list[str] | None, typer.Option(help="the folder of the data set; for several data sets NAME=FOLDER, repeated")
    ] = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policies",
            "-p",
            help="strategies to compare, separated by commas or repeated: NAME, NAME:KEY=VALUE,… or FILE.py; LABEL= "
            "before one gives it a name of your own",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="bundled weights, a .pth or .safetensors file, or a network in a .py file; default: stcn-tiny"
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; default: cpu")] = None,
    top_k: Annotated[
        int | None, typer.Option(help="memory tokens that count for a query pixel; default: the model's", min=1)
    ] = None,
    affinity: Annotated[options.Metric | None, typer.Option(help="how keys are compared; default: the model's")] = None,
    shorter_side: options.ShorterSide = None,
    protocol: options.Protocol = None,
    sequences: options.Sequences = None,
    limit: options.Limit = None,
    controls: Annotated[
        bool | None,
        typer.Option(
            "--controls/--no-controls",
            help="score two controls too: the first mask copied, and nothing predicted; default: yes",
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(help="run every strategy this many times, in turn, to time it better; default: 1", min=1),
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="scoring processes; default: 1", min=1)] = None,
    threads: Annotated[
        int | None, typer.Option(help="threads of the model on a CPU; default: torch's own", min=1)
    ] = None,
    out: Annotated[
        Path | None,
        options.output(
            "--out",
            help="folder of the run, or of the runs of several data sets; default: .vosbench/runs/NAME",
            folder=True,
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="do finished sequences again, and delete what other settings left in --out"),
    ] = False,
) -> Answer:
    """Segment a data set under several memory strategies, score them, and print the comparison.

    Bare, it runs the paper's three strategies with the bundled weights on generated clips. A run that was stopped
    goes on where it was. What runs out of memory or breaks its contract fails alone, and the exit status is 2.
    """
    from vosbench.bench.plan import Plan  # imports torch, which takes seconds: only the verbs that need it pay
    from vosbench.bench.suite import Suite
    from vosbench.bench.suite_file import override, read_suites

    changes = {
        "split": split,
        "frame_mode": frame_mode,
        "policies": options.split_specs(policies) or None,
        "model": model,
        "device": device,
        "top_k": top_k,
        "affinity": affinity,
        "shorter_side": shorter_side,
        "protocol": protocol,
        "sequences": options.split_names(sequences),
        "limit": limit,
        "controls": controls,
        "repeats": repeats,
        "jobs": jobs,
        "threads": threads,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    suites = override(read_suites(suite) if suite else (Suite(),), dataset, root or (), given)
    plans = [Plan(suites[0], out)] if len(suites) == 1 else [Plan(one, within=out or RUNS) for one in suites]
    results = [_carry_out(plan, fresh) for plan in plans]
    failed = any(record["failure"] for result in results for record in result["records"])
    return Answer({"suites": [one.as_json() for one in suites]}, {"runs": results}, 2 if failed else 0)


def _carry_out(plan: "Plan", fresh: bool) -> dict[str, Any]:
    """Carry out a plan, print its table and what failed, and return both as JSON values."""
    from vosbench.bench.runner import execute

    if plan.device.type == "cpu" and (advice := _about_threads(plan.environment.threads)):
        print(advice, file=sys.stderr)
    with RunProgress(plan.passes) as progress:
        records = execute(plan, progress, fresh)
    table = strategy.table(records)
    print(render(table))
    print(f"Records and masks are in {plan.folder}; see also: vosbench table, timing and plot {plan.folder}")
    for record in records:
        if failure := record.failure:
            where = f"{record.policy.label} on {record.sequence} after {count(failure.frames, 'frame')}"
            print(f"vosbench: failed: {where}: {failure.reason}", file=sys.stderr)
    return {"folder": str(plan.folder), **table.to_json(), "records": [record.to_json() for record in records]}


def _about_threads(threads: int) -> str:
    """What to do where other work keeps all cores busy: threads of one operation would wait for each other."""
    load, cores = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0, os.cpu_count() or 1
    if threads == 1 or load < cores:
        return ""
    busy = f"the load of this machine is {load:.1f} on {count(cores, 'core')}"
    return f"hint: {busy}: --threads 1 may be several times faster"


VERB = Verb(run, "vosbench run --dataset davis2017 --root DAVIS -p every-k -p lfu:capacity=2 --model stcn.pth")
