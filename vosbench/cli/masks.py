"""Verbs about the masks of any method: score and export. Neither needs torch."""

from dataclasses import asdict, replace
from math import fsum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.datasets import Dataset, open_dataset
from vosbench.errors import VosbenchError
from vosbench.masks.cache import SCORES
from vosbench.masks.export import SERVERS, UnfitMasksError
from vosbench.masks.export import export as export_masks
from vosbench.masks.score import Scores, temporal_stability, write_official_csv, write_per_frame_csv
from vosbench.masks.score import score as score_masks
from vosbench.metrics.analysis import Analysis, SeenUnseen, analyse, seen_unseen, train_categories
from vosbench.metrics.protocols import find_protocol
from vosbench.report.tables.rendering import Table, render

Predictions = Annotated[Path, typer.Argument(help="folder with SEQUENCE/FRAME.png, the masks of any method")]


def score(
    predictions: Predictions,
    dataset: options.DatasetName = "davis2017",
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    protocol: options.Protocol = None,
    boundary_threshold: Annotated[
        float | None, typer.Option(help="tolerance of F: share of the diagonal, or pixels from 1 on; default: 0.008")
    ] = None,
    sequences: options.Sequences = None,
    limit: options.Limit = None,
    jobs: options.ManyJobs = None,
    objects: Annotated[bool, typer.Option("--objects", help="print a row per object too")] = False,
    analysis: Annotated[
        bool, typer.Option("--analysis", help="J&F after re-appearance and of the last quarter, recall by threshold")
    ] = False,
    stability: Annotated[
        bool, typer.Option("--stability", help="temporal stability T of the predicted outlines; takes minutes")
    ] = False,
    train_meta: Annotated[
        Path | None, typer.Option(help="meta.json of YouTube-VOS train: print seen and unseen categories apart")
    ] = None,
    per_frame: Annotated[Path | None, typer.Option(help="write J and F of every frame to this CSV file")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="also write the two CSV files of the DAVIS 2017 evaluator into this folder")
    ] = None,
    cache: Annotated[Path, typer.Option(help="where scores of unchanged masks are kept")] = SCORES,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="neither reuse nor keep scores")] = False,
    json: options.Json = None,
) -> None:
    """Score a folder of masks against a data set: J and F, mean, recall and decay per object."""
    data = open_dataset(dataset, root, split, frame_mode=frame_mode).only(options.split_names(sequences), limit)
    rules = find_protocol(protocol or data.default_protocol)
    if boundary_threshold is not None:
        if not 0 < boundary_threshold < float("inf"):
            raise VosbenchError(f"a boundary threshold of {boundary_threshold} means nothing", "give a number above 0")
        rules = replace(rules, boundary_threshold=boundary_threshold)
    known = None if train_meta is None else train_categories(train_meta)
    categories = {} if known is None else _categories(data)
    progress = CountProgress("frame")
    try:
        scores = score_masks(predictions, data, rules, jobs, progress, None if no_cache else cache)
    finally:
        progress.close()
    result = _result(scores)
    partial = ", PARTIAL: sequences were left out" if scores.partial else ""
    where = f"{predictions}: {scores.dataset} {scores.split}, protocol {scores.protocol}{partial}"
    caption = f"{where}; {len(scores.objects)} objects."
    tables = [Table(pd.DataFrame(result["objects"]), caption)] if objects else []
    tables.append(Table(pd.DataFrame([result["summary"]]), caption))
    if analysis:
        found = analyse(scores.traces)
        result["analysis"] = found
        tables += _analysis_tables(found, caption)
    if stability:
        result["stability"] = row = _stability(predictions, data, scores, jobs)
        tables.append(Table(pd.DataFrame([row["mean"]]), caption))
    if known is not None:
        groups = seen_unseen(scores.objects, categories, known)
        result["seen_unseen"] = row = _groups(groups)
        tables.append(Table(pd.DataFrame([row]), f"{where}; seen categories are those of {train_meta}."))
    print("\n".join(render(table) for table in tables), end="")
    if csv is not None:
        write_official_csv(scores, csv, data.split)
    if per_frame is not None:
        write_per_frame_csv(scores, per_frame)
    options.write_json(json, result)


def _categories(data: Dataset) -> dict[tuple[str, int], str]:
    found = {(name, i): category for name in data.sequence_names() for i, category in data.categories(name).items()}
    if not found:
        raise VosbenchError(
            f"{data.name} {data.split} names no categories, so none is seen or unseen",
            "--train-meta is for splits of YouTube-VOS whose meta.json has categories",
        )
    return found


def _result(scores: Scores) -> dict[str, Any]:
    """What is printed and written as JSON: the conditions, the means and a row for each object."""
    names = [(m, s) for m in "jf" for s in ("mean", "recall", "decay")]
    total = {f"{m}_{s}": getattr(getattr(scores.summary, m), s) for m, s in names} | {"jf": scores.summary.j_and_f}
    rows = [
        {"sequence": o.sequence, "object": o.object_id}
        | {f"{m}_{s}": getattr(getattr(o, m), s) for m, s in names}
        | {"jf": (o.j.mean + o.f.mean) / 2, "scored_frames": o.frames}
        for o in scores.objects
    ]
    return {
        "dataset": scores.dataset,
        "split": scores.split,
        "protocol": scores.protocol,
        "partial": scores.partial,
        "summary": total,
        "objects": rows,
    }


def _analysis_tables(found: Analysis, caption: str) -> list[Table]:
    row = {
        "jf_after_reappearance": found.after_reappearance,
        "reappearing": found.reappearing,
        "jf_last_quarter": found.last_quarter,
    }
    recall = [{"threshold": above, "j_recall": j, "f_recall": f} for above, (j, f) in found.recall.items()]
    return [Table(pd.DataFrame([row]), caption), Table(pd.DataFrame(recall), caption)]


def _stability(predictions: Path, data: Dataset, scores: Scores, jobs: int | None) -> dict[str, Any]:
    """Means over the objects that have a T, and the T of each object."""
    progress = CountProgress("object")
    try:
        found = temporal_stability(scores, predictions, data, jobs, progress)
    finally:
        progress.close()
    measured = [o.t for o in found if o.pairs]
    mean = {"t_mean": fsum(measured) / len(measured) if measured else float("nan"), "objects": len(measured)}
    return {"mean": mean, "objects": [asdict(o) for o in found]}


def _groups(groups: SeenUnseen) -> dict[str, float]:
    names = [f"{measure}_{group}" for group in ("seen", "unseen") for measure in "jf"]
    return {name: getattr(groups, name) for name in names} | {"overall": groups.overall}


def export(
    predictions: Predictions,
    dataset: options.DatasetName,
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    server: Annotated[
        str | None, typer.Option(help=f"{', '.join(SERVERS)}; default: the data set's own (MOSE is a folder)")
    ] = None,
    out: Annotated[Path, typer.Option(help="the zip file to write")] = Path("submission.zip"),
    jobs: options.ManyJobs = None,
    json: options.Json = None,
) -> None:
    """Pack masks for the server of a data set whose ground truth is private, after checking all of them."""
    data = open_dataset(dataset, root, split, frame_mode=frame_mode)
    progress = CountProgress("sequence")
    try:
        masks = export_masks(predictions, data, out, server, jobs, progress)
    except UnfitMasksError as error:
        progress.close()
        if len(error.problems) > 1:  # a single one is the error's own text
            options.print_problems(error.problems)
        raise
    finally:
        progress.close()
    names = data.sequence_names()
    print(f"{out} holds {masks} masks of {options.count(len(names), 'sequence')} of {data.name} {data.split}")
    options.write_json(json, {"archive": str(out), "masks": masks, "sequences": list(names)})


VERBS = {
    "score": (score, "vosbench score masks/ --dataset davis2017 --root DAVIS --split val --csv results/"),
    "export": (export, "vosbench export masks/ --dataset davis2017 --root DAVIS --split test-dev --out submission.zip"),
}
