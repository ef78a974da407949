"""Verbs about what there is: check and list. Neither needs torch, but for strategies."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.datasets import DATASETS, open_dataset
from vosbench.errors import VosbenchError, unknown
from vosbench.masks.check import check_predictions
from vosbench.metrics.protocols import PROTOCOLS


def check(
    predictions: Annotated[
        Path | None, typer.Argument(help="folder with SEQUENCE/FRAME.png to check; default: the data set itself")
    ] = None,
    strategy: Annotated[
        str | None, typer.Argument(help="after the word policy: NAME, NAME:KEY=VALUE,… or FILE.py to check")
    ] = None,
    *,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="data set; `vosbench list datasets` names them")
    ] = None,
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    protocol: options.Protocol = None,
    sequences: options.Sequences = None,
    limit: options.Limit = None,
    jobs: options.ManyJobs = None,
    json: options.Json = None,
) -> int:
    """Find everything that is wrong with predicted masks, a data set on disk, or a strategy; exit status 2 if it is.

    `vosbench check policy ./idea.py` puts a strategy through the contract: every fault with file, line and frame.
    """
    if str(predictions) == "policy" and dataset is None:
        return _check_policy(strategy, json)
    if strategy is not None or dataset is None:
        raise VosbenchError(
            "check needs --dataset, or the word policy and a strategy",
            "vosbench check --help has both ways, e.g. vosbench check policy ./idea.py",
        )
    data = open_dataset(dataset, root, split, frame_mode=frame_mode).only(options.split_names(sequences), limit)
    names = data.sequence_names()
    progress = CountProgress("sequence")
    try:
        if predictions is not None:
            problems = check_predictions(predictions, data, protocol, jobs, progress)
        else:
            problems = []
            for done, name in enumerate(names, 1):
                problems += data.sequence_problems(name)
                progress(done, len(names))
    finally:
        progress.close()
    options.print_problems(problems)
    subject = (
        f"{predictions} for {data.name} {data.split}" if predictions else f"{data.name} {data.split} in {data.root}"
    )
    where = f"{subject}: {options.count(len(names), 'sequence')}{', PARTIAL' if data.is_partial else ''}"
    print(f"{where}, {options.count(len(problems), 'problem')}" if problems else f"{where}, sound", file=sys.stderr)
    options.write_json(
        json,
        {
            "dataset": data.name,
            "split": data.split,
            "partial": data.is_partial,
            "predictions": None if predictions is None else str(predictions),
            "problems": [{"path": str(p.path), "message": p.message, "hint": p.hint} for p in problems],
        },
    )
    return 2 if problems else 0


def _check_policy(spec: str | None, json: Path | None) -> int:
    from vosbench.memory.contract import CHECKS, check_contract
    from vosbench.memory.spec import PolicySpec

    if spec is None:
        raise VosbenchError("check policy needs a strategy", "e.g. vosbench check policy ./idea.py")
    faults = check_contract(PolicySpec.parse(spec).build)
    for fault in faults:
        print(f"{fault.message}\n  hint: {fault.hint}")
    outcome = options.count(len(faults), "problem") if faults else "sound"
    print(f"{spec}: {options.count(len(CHECKS), 'check')}, {outcome}", file=sys.stderr)
    problems = [{"message": fault.message, "hint": fault.hint} for fault in faults]
    options.write_json(json, {"policy": spec, "checks": len(CHECKS), "problems": problems})
    return 2 if faults else 0


KINDS = ("policies", "datasets", "models", "protocols", "suites", "configs")


def list_(
    what: Annotated[str, typer.Argument(help=f"one of: {', '.join(KINDS)}")] = "policies",
    json: options.Json = None,
) -> None:
    """List strategies with their parameters, data sets, bundled models, protocols, suites, training settings."""
    if what not in KINDS:
        raise unknown("list", what, KINDS)
    listings = {
        "policies": _policies,
        "datasets": _datasets,
        "models": _models,
        "protocols": _protocols,
        "suites": _suites,
        "configs": _configs,
    }
    rows = listings[what]()
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        name, *rest = row.values()
        print("  ".join([name.ljust(width), *filter(None, rest)]))
    options.write_json(json, rows)


def _policies() -> list[dict[str, str]]:
    from vosbench.memory.registry import POLICIES, describe

    rows = []
    for name in POLICIES.names():
        kind = POLICIES.find(name)
        about = (sys.modules[kind.__module__].__doc__ or "").strip().partition("\n")[0].partition(": ")[2]
        parameters = (f"{key}={_plain(value['default'])}" for key, value in describe(kind).items())
        rows.append({"name": name, "about": about, "parameters": f"[{', '.join(parameters)}]"})
    return rows


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _datasets() -> list[dict[str, str]]:
    return [{"name": name, "splits": f"splits: {', '.join(kind.splits)}"} for name, kind in DATASETS.items()]


def _models() -> list[dict[str, str]]:
    from vosbench.models.checkpoint import bundled

    return [{"name": name, "about": "bundled weights; any STCN checkpoint is given by its path"} for name in bundled()]


def _protocols() -> list[dict[str, str]]:
    return [{"name": p.name, "version": f"version {p.version}", "source": p.source} for p in PROTOCOLS.values()]


def _suites() -> list[dict[str, str]]:
    from vosbench.bench.suite_file import shipped_suites

    return [{"name": name, "about": about} for name, about in shipped_suites().items()]


def _configs() -> list[dict[str, str]]:
    from vosbench.training.config import shipped_configs

    return [{"name": name, "about": about} for name, about in shipped_configs().items()]


VERBS = {
    "check": (check, "vosbench check masks/ --dataset davis2017 --root DAVIS --split val"),
    "list": (list_, "vosbench list policies"),
}
