"""score: J and F of a folder of masks, whichever method made them."""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from vosbench.base.words import count
from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.cli.verbs import Answer, Verb
from vosbench.datasets import Dataset, open_dataset
from vosbench.datasets.files import a_few
from vosbench.errors import VosbenchError
from vosbench.masks.cache import SCORES
from vosbench.masks.score import score as score_masks
from vosbench.masks.score import temporal_stability, write_official_csv, write_per_frame_csv
from vosbench.metrics.analysis import analyse, seen_unseen, train_categories
from vosbench.metrics.fitness import advice
from vosbench.metrics.protocols import find_protocol
from vosbench.metrics.tracking import tracking
from vosbench.report.measures import accuracy
from vosbench.report.rendering import render
from vosbench.report.scored_masks import (
    analysis_tables,
    object_table,
    seen_unseen_table,
    stability_table,
    summary_table,
    tracking_tables,
)

MOST = 10  # sequences of which it is said why they are not scored


def score(
    predictions: options.Predictions,
    dataset: options.DatasetName = "davis2017",
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    protocol: options.Protocol = None,
    boundary_threshold: Annotated[
        float | None,
        typer.Option(help="tolerance of F: a share of the image diagonal, or, from 1 on, pixels; default: 0.008"),
    ] = None,
    sequences: options.Sequences = None,
    exclude: options.Exclude = None,
    limit: options.Limit = None,
    jobs: options.ManyJobs = None,
    objects: Annotated[bool, typer.Option("--objects", help="print a row for each object too")] = False,
    analysis: Annotated[
        bool,
        typer.Option(
            "--analyse",
            help="print J&F after re-appearance and of the last quarter, recall by threshold, and the measures of "
            "VOTS, which tell how objects were lost",
        ),
    ] = False,
    stability: Annotated[
        bool,
        typer.Option(
            "--stability", help="print the temporal stability T of the predicted outlines too, which takes minutes"
        ),
    ] = False,
    train_meta: Annotated[
        Path | None,
        typer.Option(help="the meta.json of YouTube-VOS train: print seen and unseen categories separately"),
    ] = None,
    per_frame: Annotated[
        Path | None, options.output("--per-frame", help="write J and F of every frame to this CSV file")
    ] = None,
    csv: Annotated[
        Path | None,
        options.output(
            "--csv", help="also write the two CSV files of the DAVIS 2017 evaluator into this folder", folder=True
        ),
    ] = None,
    cache: Annotated[Path, typer.Option(help="where scores of unchanged masks are kept")] = SCORES,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="neither reuse nor keep scores")] = False,
) -> Answer:
    """Score a folder of masks against a data set: J and F, mean, recall and decay per object."""
    data = open_dataset(dataset, root, split, frame_mode=frame_mode).only(
        options.sequence_names(sequences), limit, options.sequence_names(exclude)
    )
    rules = find_protocol(protocol or data.default_protocol)
    if boundary_threshold is not None:
        if not 0 < boundary_threshold < float("inf"):
            raise VosbenchError(f"a boundary threshold of {boundary_threshold} means nothing", "give a number above 0")
        rules = replace(rules, boundary_threshold=boundary_threshold)
    known = None if train_meta is None else train_categories(train_meta)
    categories = {} if known is None else _categories(data)
    with CountProgress("frame") as progress:
        scores = score_masks(predictions, data, rules, jobs, progress, None if no_cache else cache)
    lacks = ["sequences were left out"] * data.is_partial
    if scores.unscored:
        lacks.append(f"not scored: {a_few(scores.unscored)}")
    partial = f", PARTIAL ({'; '.join(lacks)})" if lacks else ""
    partial += f", {count(len(scores.missing), 'sequence')} without masks: scored 0" if scores.missing else ""
    for place, (name, reason) in enumerate(scores.unscored.items()):
        if place == MOST:
            print(f"vosbench: not scored: {count(len(scores.unscored) - MOST, 'more sequence')}", file=sys.stderr)
            break
        print(f"vosbench: not scored: {reason}; {advice(data.truth(name))}", file=sys.stderr)
    where = f"{predictions}: {scores.dataset} {scores.split}, protocol {scores.protocol}{partial}"
    caption = f"{where}; {count(len(scores.objects), 'object')}."
    told = scores.objects, rules.figures
    per_object, summary = object_table(*told, caption), summary_table(*told, caption)
    tables = [per_object, summary] if objects else [summary]
    result: dict[str, Any] = {"summary": summary.rows[0], "objects": per_object.rows}
    if scores.missing:
        result["missing"] = scores.missing
    if analysis:
        result["analysis"] = found = analyse(scores.traces)
        tracked = [(t.sequence, t.object_id, tracking(t)) for t in scores.traces]
        whole, each = tracking_tables(tracked, caption)
        tables += [*analysis_tables(found, accuracy(scores.objects), caption), whole, *([each] if objects else [])]
        result["tracking"] = {"all": whole.rows[0], "objects": each.rows}
    if stability:
        with CountProgress("object") as progress:
            steadiness = temporal_stability(scores, predictions, data, jobs, progress)
        tables.append(stability_table(steadiness, caption))
        result["stability"] = {"mean": tables[-1].rows[0], "objects": [asdict(o) for o in steadiness]}
    if known is not None:
        groups = seen_unseen(scores.objects, categories, known)
        tables.append(seen_unseen_table(groups, f"{where}; seen categories are those of {train_meta}."))
        result["seen_unseen"] = tables[-1].rows[0]
    print("\n".join(render(table) for table in tables), end="")
    written = () if csv is None else write_official_csv(scores, csv, data.split)
    for path in written if per_frame is None else (*written, write_per_frame_csv(scores, per_frame)):
        print(path)
    conditions = options.conditions(data, protocol=scores.protocol, predictions=str(predictions))
    unfit = protocol is not None and bool(scores.unscored)  # by the rules that were asked for
    return Answer(conditions | {"partial": scores.partial, "lacks": lacks}, result, 2 if unfit else 0)


def _categories(data: Dataset) -> dict[tuple[str, int], str]:
    found = {(name, i): category for name in data.sequence_names() for i, category in data.categories(name).items()}
    if not found:
        raise VosbenchError(
            f"{data.name} {data.split} names no categories, so none is seen or unseen",
            "--train-meta is for splits of YouTube-VOS whose meta.json has categories",
        )
    return found


VERB = Verb(score, "vosbench score masks/ --dataset davis2017 --root DAVIS --split val --csv results/")
