"""Verbs about masks and data sets on disk: score, check and list. None of them needs torch, but listing policies."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.datasets import DATASETS, open_dataset
from vosbench.errors import unknown
from vosbench.metrics.protocols import PROTOCOLS
from vosbench.report.rendering import Table, render


def score(
    predictions: Annotated[Path, typer.Argument(help="folder with SEQUENCE/FRAME.png, the masks of any method")],
    dataset: options.DatasetName = "davis2017",
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    protocol: options.Protocol = None,
    sequences: options.Sequences = None,
    limit: options.Limit = None,
    jobs: Annotated[int | None, typer.Option(help="processes; default: one per core", min=1)] = None,
    objects: Annotated[bool, typer.Option("--objects", help="print a row per object too")] = False,
    csv: Annotated[
        Path | None, typer.Option(help="also write the two CSV files of the DAVIS 2017 evaluator into this folder")
    ] = None,
    json: options.Json = None,
) -> None:
    """Score a folder of masks against a data set: J and F, mean, recall and decay per object."""
    from vosbench.scoring import score as score_folder
    from vosbench.scoring import write_official_csv

    data = open_dataset(dataset, root, split, frame_mode=frame_mode)
    progress = CountProgress("frame")
    try:
        scores = score_folder(predictions, data, protocol, jobs, options.split_names(sequences), limit, progress)
    finally:
        progress.close()
    names = [(m, s) for m in "jf" for s in ("mean", "recall", "decay")]
    rows = [
        {"sequence": o.sequence, "object": o.object_id}
        | {f"{m}_{s}": getattr(getattr(o, m), s) for m, s in names}
        | {"jf": (o.j.mean + o.f.mean) / 2, "scored_frames": o.frames}
        for o in scores.objects
    ]
    total = {f"{m}_{s}": getattr(getattr(scores.summary, m), s) for m, s in names} | {"jf": scores.summary.j_and_f}
    partial = ", PARTIAL: sequences were left out" if scores.partial else ""
    caption = (
        f"{predictions}: {scores.dataset} {scores.split}, protocol {scores.protocol}{partial}; {len(rows)} objects."
    )
    if objects:
        print(render(Table(pd.DataFrame(rows), caption)))
    print(render(Table(pd.DataFrame([total]), caption)), end="")
    if csv is not None:
        write_official_csv(scores, csv, data.split)
    options.write_json(
        json,
        {
            "dataset": scores.dataset,
            "split": scores.split,
            "protocol": scores.protocol,
            "partial": scores.partial,
            "summary": total,
            "objects": rows,
        },
    )


def check(
    dataset: options.DatasetName,
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    json: options.Json = None,
) -> int:
    """Find everything that is wrong with a data set on disk; exit status 2 if anything is."""
    data = open_dataset(dataset, root, split, frame_mode=frame_mode)
    names = data.sequence_names()
    progress = CountProgress("sequence")
    problems = []
    for done, name in enumerate(names, 1):
        problems += data.sequence_problems(name)
        progress(done, len(names))
    progress.close()
    for problem in problems:
        print(f"{problem.message}\n  hint: {problem.hint}")
    where = f"{data.name} {data.split} in {data.root}: {_count(len(names), 'sequence')}"
    print(f"{where}, {_count(len(problems), 'problem')}" if problems else f"{where}, sound", file=sys.stderr)
    found = [{"path": str(p.path), "message": p.message, "hint": p.hint} for p in problems]
    options.write_json(json, {"dataset": data.name, "split": data.split, "problems": found})
    return 2 if problems else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


KINDS = ("policies", "datasets", "models", "protocols", "configs")


def list_(
    what: Annotated[str, typer.Argument(help=f"one of: {', '.join(KINDS)}")] = "policies",
    json: options.Json = None,
) -> None:
    """List the strategies with their parameters, data sets, bundled models, scoring protocols, training settings."""
    if what not in KINDS:
        raise unknown("list", what, KINDS)
    listings = {
        "policies": _policies,
        "datasets": _datasets,
        "models": _models,
        "protocols": _protocols,
        "configs": _configs,
    }
    rows = listings[what]()
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        name, *rest = row.values()
        print("  ".join([name.ljust(width), *filter(None, rest)]))
    options.write_json(json, rows)


def _policies() -> list[dict[str, str]]:
    from vosbench.memory.registry import describe, policy_names, resolve_policy

    rows = []
    for name in policy_names():
        kind = resolve_policy(name).kind
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


def _configs() -> list[dict[str, str]]:
    from vosbench.training.config import shipped_configs

    return [{"name": name, "about": about} for name, about in shipped_configs().items()]


VERBS = {
    "score": (score, "vosbench score masks/ --dataset davis2017 --root DAVIS --split val --csv results/"),
    "check": (check, "vosbench check --dataset davis2017 --root DAVIS --split val"),
    "list": (list_, "vosbench list policies"),
}
