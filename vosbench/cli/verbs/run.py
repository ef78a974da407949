"""run: segment a data set under several strategies, and score them."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

from vosbench.base.words import count, duration
from vosbench.bench.record import RUNS, RunRecord
from vosbench.cli import options
from vosbench.cli.progress import RunProgress
from vosbench.cli.records import say_how_to_look, show, write_report
from vosbench.cli.verbs import KEPT, Answer, Verb
from vosbench.report.tables import strategy

if TYPE_CHECKING:
    from vosbench.bench.cluster import Cluster
    from vosbench.bench.plan import Plan


def run(
    suite: Annotated[
        str | None, Argument(help="a TOML file, or a name of `vosbench list suites`; options override it")
    ] = None,
    dataset: Annotated[
        str | None,
        Option(help="data set, of `vosbench list datasets` or a .py file; default: the suite's, or synthetic"),
    ] = None,
    root: Annotated[
        list[str] | None,
        Option(help="the data set's folder, where generated clips are kept; of several NAME=FOLDER, repeated"),
    ] = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    policies: Annotated[
        list[str] | None,
        options.strategies(
            "strategies to compare, separated by commas or repeated: NAME, NAME:KEY=VALUE,… or FILE.py; LABEL= before "
            "one gives it a name of your own"
        ),
    ] = None,
    seeds: Annotated[
        str | None, Option(help="each strategy that takes a seed, and is given none, with each of these: 0,1,2")
    ] = None,
    model: Annotated[
        str | None,
        Option(help="bundled weights, a .pth or .safetensors file, or a network in a .py file; default: stcn-tiny"),
    ] = None,
    device: Annotated[str | None, Option(help="cpu or cuda; default: cpu")] = None,
    top_k: options.TopK = None,
    affinity: options.Affinity = None,
    precision: options.Precision = None,
    memory_limit: options.MemoryLimit = None,
    shorter_side: options.ShorterSide = None,
    protocol: options.Protocol = None,
    score: Annotated[bool | None, Option(help="score the masks, or only make and time them; default: score")] = None,
    sequences: options.Sequences = None,
    exclude: options.Exclude = None,
    trust_masks: options.TrustMasks = None,
    limit: options.Limit = None,
    shard: options.Shard = None,
    controls: Annotated[
        bool | None,
        Option(help="score two controls too: the first mask copied, and nothing predicted; default: yes"),
    ] = None,
    timing: Annotated[
        Literal["first", "all", "none"] | None,
        Option(
            help="the sequences in which each strategy goes alone, to be timed, while nothing else of vosbench is at "
            "work on the machine; in the others all go together, which is faster; default: first, beside others"
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        Option(help="how often a strategy goes through a sequence that is timed, in turn; default: 1", min=1),
    ] = None,
    jobs: Annotated[
        int | None, Option(help="scoring processes; default: 1; no more start than records or cores", min=1)
    ] = None,
    threads: options.Threads = None,
    workers: Annotated[
        int | None,
        Option(
            help="processes of this machine that share the sequences out, one for each GPU, or for as many CPU cores "
            "as it has threads (--threads; default: an equal share), but no more than there is work, or, on a CPU, "
            "than cores; needs vosbench[cluster]",
            min=1,
        ),
    ] = None,
    cluster: Annotated[
        str | None, Option(help="the address of a Dask scheduler whose workers do it, such as tcp://HOST:8786")
    ] = None,
    scheduler_file: Annotated[
        Path | None, Option(help="the file in which a Dask scheduler says where it is", exists=True, dir_okay=False)
    ] = None,
    dashboard: Annotated[bool, Option("--dashboard", help="say where a browser shows what Dask's workers do")] = False,
    dry_run: Annotated[
        bool, Option("--dry-run", help="only say what there is to do and what it will take, from a few frames")
    ] = False,
    keep_memory_trace: Annotated[
        bool | None,
        Option("--keep-memory-trace", help="keep, in small files, what each strategy held, for `vosbench report`"),
    ] = None,
    out: Annotated[
        Path | None,
        options.output(help="folder of the run, or of those of a suite; default: .vosbench/runs/NAME", folder=True),
    ] = None,
    report: Annotated[
        bool, Option("--report", help="write a report into the folder of the run, as `vosbench report` does")
    ] = False,
    fresh: Annotated[
        bool, Option("--fresh", help="do finished sequences again, and delete what other settings left in --out")
    ] = False,
) -> Answer:
    """Segment a data set under several memory strategies, score them, and print the comparison.

    Bare, it runs the paper's three strategies with the bundled weights on generated clips. A run that was stopped
    goes on where it was. What runs out of memory, breaks its contract or meets NaN fails alone, a sequence that is
    faulty is left out alone, and the exit status is 2.
    """
    asked = dict(locals()) | {"seeds": options.whole_numbers(seeds)}  # by name: most are fields of a suite

    from vosbench.bench.plan import Plan  # imports torch, which takes seconds: only the verbs that need it pay
    from vosbench.bench.suite import Suite, override, read_suites

    suites = override(read_suites(suite) if suite else (Suite(),), dataset, root or (), asked)
    shared_out: AbstractContextManager[Any] = nullcontext()
    if any((workers, cluster, scheduler_file, dashboard)):
        from vosbench.bench.cluster import Cluster

        shared_out = Cluster(workers, cluster, scheduler_file, dashboard, partial(print, file=sys.stderr, flush=True))
    with shared_out as others:
        if others:
            suites = tuple(map(others.adapted, suites))
        plans = [Plan(suites[0], out)] if len(suites) == 1 else [Plan(one, within=out or RUNS) for one in suites]
        if dry_run:
            forecasts = [_forecast(plan, fresh, workers or 1) for plan in plans]
            if cluster or scheduler_file:
                print("  measured in one process of this machine, not on the cluster")
            fails = any(forecast["failing"] for forecast in forecasts)  # as the run would
            return Answer({"suites": [one.as_json() for one in suites]}, {"runs": forecasts}, 2 if fails else 0)
        results, sound = zip(*(_carry_out(plan, fresh, report, others) for plan in plans), strict=True)
    return Answer({"suites": [one.as_json() for one in suites]}, {"runs": list(results)}, 0 if all(sound) else 2)


def _say_what_is_left_out(plan: "Plan") -> None:
    options.print_not_scored({name: reason.message for name, reason in plan.misfits.items()}, plan.advice)


def _forecast(plan: "Plan", fresh: bool, workers: int) -> dict[str, Any]:
    """Print what a plan will take; the same as JSON values."""
    from vosbench.bench.estimate import estimate

    _say_what_is_left_out(plan)
    for name, fault in plan.faults.items():
        print(f"vosbench: faulty: {name}: {fault.message}: {fault.hint}", file=sys.stderr)
    found = estimate(plan, fresh, workers)
    by = f" with {count(found.workers, 'worker')}" if found.workers > 1 else ""
    done = f", {found.finished} are there" if found.finished else ""
    print(f"{plan.folder}: {count(found.results, 'result')} to make in {count(found.units, 'sequence')}{done}")
    if found.measured:
        print(f"  frames   {found.frames}")
        scoring = ", and scoring" if plan.protocol else ""
        print(f"  time     {duration(found.seconds)}{by}, as {plan.environment.device} does {found.measured}{scoring}")
        print(f"  memory   {found.memory_bytes / 1e9:.2g} GB at most, of each process")
        print(f"  disk     {found.disk_bytes / 1e6:.2g} MB")
    for label, reason in found.failing.items():
        print(f"vosbench: will fail: {label} on {found.measured}: {reason}", file=sys.stderr)
    return {"folder": str(plan.folder), **asdict(found)}


def _carry_out(plan: "Plan", fresh: bool, report: bool, others: "Cluster | None") -> tuple[dict[str, Any], bool]:
    """Carry out a plan, and print what came of it; the result as JSON values, and whether nothing failed."""
    from vosbench.bench.runner import execute

    if not plan.tasks:
        print(f"Shard {plan.suite.shard} of {plan.data.name} {plan.data.split} is empty: there are fewer sequences")
        return {"folder": str(plan.folder), "records": []}, True
    if plan.device.type == "cpu" and (advice := _about_threads(plan.environment.threads)):
        print(advice, file=sys.stderr)
    _say_what_is_left_out(plan)
    with RunProgress(plan.passes_of(plan.tasks)) as progress:
        records = execute(plan, progress, fresh, others, progress.begin)
    with suppress(OSError):
        os.utime(plan.folder)  # the latest run, also if there was nothing to do
    table = strategy.table(records)
    show([table])
    print()
    older = {path.stem for path in plan.folder.glob("records/*/*.json")}.difference(r.sequence for r in records)
    more = f", with those of {count(len(older), 'more sequence')}" if older else ""
    print(f"Records and masks are in {plan.folder}{more}; see also: vosbench table, timing, plot, figure and video")
    page = write_report(plan.folder, plan.suite.jobs) if report else None
    say_how_to_look(plan.folder, page)
    wrong = dict.fromkeys(filter(None, (_what_went_wrong(plan, record) for record in records)))
    for line in wrong:
        print(f"vosbench: {line}", file=sys.stderr)
    found: dict[str, Any] = {"report": str(page)} if page else {}
    found |= {"folder": str(plan.folder), **table.to_json(), "records": [record.to_json() for record in records]}
    options.print_unfit(plan.unfit, plan.advice)
    return found, not wrong and not plan.unfit


def _what_went_wrong(plan: "Plan", record: RunRecord) -> str | None:
    if failure := record.failure:
        if failure.cause == "sequence":
            return f"faulty: {record.sequence}: {failure.reason}"
        after = "" if failure.frames is None else f" after {count(failure.frames, 'frame')}"
        return f"failed: {record.policy.label} on {record.sequence}{after}: {failure.reason}"
    if record.unscored and not plan.unscored(record.sequence):  # which nobody could know before
        return f"faulty: {record.sequence} is not scored: {record.unscored}"
    return None


def _about_threads(threads: int) -> str:
    """What to do where other work keeps all cores busy: threads of one operation would wait for each other."""
    load, cores = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0, os.cpu_count() or 1
    if threads == 1 or load < cores:
        return ""
    busy = f"the load of this machine is {load:.1f} on {count(cores, 'core')}"
    return f"hint: {busy}: --threads 1 may be several times faster"


VERB = Verb(
    run, "vosbench run --dataset davis2017 --root DAVIS -p every-k -p lfu:capacity=2 --model stcn.pth", again=KEPT
)
