"""score: J and F of folders of masks, whichever methods made them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache as cached
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from vosbench.base.words import TRUSTED, count
from vosbench.bench.record import RunRecord
from vosbench.bench.scored import records_of, refuse_run, write_scored
from vosbench.cli import options
from vosbench.cli.progress import CountProgress
from vosbench.cli.records import Caption, Columns, Format, say_how_to_look, show, write_report
from vosbench.cli.verbs import Answer, Verb
from vosbench.datasets import Dataset, open_dataset
from vosbench.errors import VosbenchError, a_few, unknown
from vosbench.masks.cache import SCORES
from vosbench.masks.score import MaskScores, temporal_stability, write_official_csv, write_per_frame_csv
from vosbench.masks.score import score as score_masks
from vosbench.metrics.analysis import analyse, seen_unseen, train_categories
from vosbench.metrics.fitness import advice, is_excused
from vosbench.metrics.protocols import find_protocol
from vosbench.metrics.tracking import tracking
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import pair_up
from vosbench.report.compare.tables import difference_table
from vosbench.report.context import Records
from vosbench.report.makers import Maker
from vosbench.report.measures import accuracy
from vosbench.report.scored_masks import (
    analysis_tables,
    object_table,
    seen_unseen_table,
    stability_table,
    summary_table,
    tracking_tables,
)
from vosbench.report.table import Table
from vosbench.report.tables import TABLES


def score(
    predictions: Annotated[
        list[str], Argument(help="folders with SEQUENCE/FRAME.png, the masks of any methods; NAME= before one names it")
    ],
    dataset: options.DatasetName = "davis2017",
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    protocol: options.Protocol = None,
    against: Annotated[
        str | None,
        Option(help="of several folders the one to compare with: differences with intervals and significance"),
    ] = None,
    by: Annotated[
        list[str] | None,
        Option(help="further tables, with commas or repeated: side-by-side or another of `vosbench list tables`"),
    ] = None,
    boundary_threshold: Annotated[
        float | None,
        Option(help="tolerance of F: a share of the image diagonal, or, from 1 on, pixels; default: 0.008"),
    ] = None,
    sequences: options.Sequences = None,
    exclude: options.Exclude = None,
    trust_masks: options.TrustMasks = None,
    limit: options.Limit = None,
    jobs: options.ManyJobs = None,
    objects: Annotated[bool, Option("--objects", help="print a row for each object too")] = False,
    analysis: Annotated[
        bool,
        Option(
            "--analyse",
            help="print J&F after re-appearance and of the last quarter, recall by threshold, and the measures of "
            "VOTS, which tell how objects were lost",
        ),
    ] = False,
    stability: Annotated[
        bool,
        Option("--stability", help="print the temporal stability T of the predicted outlines too, which takes minutes"),
    ] = False,
    train_meta: Annotated[
        Path | None, Option(help="the meta.json of YouTube-VOS train: print seen and unseen categories separately")
    ] = None,
    per_frame: Annotated[Path | None, options.output(help="write J and F of every frame to this CSV file")] = None,
    csv: Annotated[
        Path | None,
        options.output(help="also write the two CSV files of the DAVIS 2017 evaluator into this folder", folder=True),
    ] = None,
    columns: Columns = None,
    caption: Caption = None,
    format: Format = "text",
    out: Annotated[
        Path | None, options.output(help="also write the scores into this folder, as those of a run", folder=True)
    ] = None,
    report: Annotated[
        bool, Option("--report", help="also write pages to look through, into the folder report of --out")
    ] = False,
    overwrite: options.Overwrite = False,
    cache: Annotated[Path, Option(help="where scores of unchanged masks are kept")] = SCORES,
    no_cache: Annotated[bool, Option("--no-cache", help="neither reuse nor keep scores")] = False,
) -> Answer:
    """Score folders of masks against a data set: J and F, mean, recall and decay.

    One folder gets a row, several a table of them. What --out or --json wrote is read by compare, table and
    plot; what --out wrote by report, figure and video, too.
    """
    asked = dict(locals())
    if out is not None:
        refuse_run(out)
        options.require_new(out, overwrite)
    elif report:
        raise VosbenchError("--report has no folder to write to", "give --out FOLDER, for the scores and the report")
    data = open_dataset(dataset, root, split, frame_mode=frame_mode, trust_masks=bool(trust_masks))
    data = data.only(sequences, limit, exclude)
    rules = find_protocol(protocol or data.default_protocol)
    if boundary_threshold is not None:
        if not 0 < boundary_threshold < float("inf"):
            raise VosbenchError(f"a boundary threshold of {boundary_threshold} means nothing", "give a number above 0")
        rules = replace(rules, boundary_threshold=boundary_threshold)
    folders, makers = _named(predictions), {name: TABLES.find(name) for text in by or () for name in text.split(",")}
    if against is not None and against not in folders:
        raise unknown("folder of masks", against, folders)
    if against is not None and len(folders) == 1:
        raise VosbenchError("one folder has nothing to be compared with", "give two or more, or leave --against out")
    seen = None if train_meta is None else _seen(data, train_meta)
    found: dict[str, tuple[Path, MaskScores]] = {}
    for name, folder in folders.items():
        with CountProgress("frame") as progress:
            scores = score_masks(folder, data, rules, jobs, progress, None if no_cache else cache)
        found[name] = folder, scores
    unscored = {name: why for _, scores in found.values() for name, why in scores.unscored.items()}
    faults = {name: fault for _, scores in found.values() for name, fault in scores.faults.items()}
    advised = cached(lambda name: faults[name].hint if name in faults else advice(data.truth(name)))
    options.print_not_scored(unscored, advised)
    records = cached(partial(records_of, found, data, protocol or data.default_protocol))  # it reads all frames
    told = {name: _told(data, seen, asked, *one) for name, one in found.items()}
    _, tables, result = next(iter(told.values()))
    if several := len(found) > 1:
        board = _leaderboard(records(), against, f"{data.name} {data.split}")
        tables = [board, *(table for summary, own, _ in told.values() for table in own if table is not summary)]
        result = {"rows": board.to_json()["rows"], "folders": {name: one for name, (*_, one) in told.items()}}
    more, left_out = _made(makers, records()) if makers else ({}, {})
    told_of = {"dataset": {"name": data.name, "split": data.split}}
    shown = [replace(table, conditions=table.conditions or told_of) for table in (*tables, *more.values())]
    place = next((at for at, table in enumerate(shown) if _has(table, columns or ())), 0)
    show(shown, format, name="score", columns=columns, caption=caption, place=place)
    rows = [table.to_json(columns or () if at == place else ())["rows"] for at, table in enumerate(shown)]
    result |= {"tables": dict(zip(more, rows[len(tables) :], strict=True))} if more else {}
    result |= {"left_out": left_out} if left_out else {}
    if columns and not place:
        whole = several or objects
        result["rows" if several else "objects" if objects else "summary"] = rows[0] if whole else rows[0][0]
    for name, (_, scores) in found.items():
        stem = name.replace("/", "-")
        written = () if csv is None else write_official_csv(scores, csv / stem if several else csv, data.split)
        if per_frame is not None:
            path = per_frame.with_stem(f"{per_frame.stem}-{stem}") if several else per_frame
            written = (*written, write_per_frame_csv(scores, path))
        print(*written, sep="\n", end="\n" if written else "")
        if written and format != "csv":
            options.warn_of_partial(_lacks(data, scores))
    if out is not None:
        write_scored(out, records(), root)
        print(out)
        page = write_report(out, jobs) if report else None
        result |= {"report": str(page)} if page else {}
        say_how_to_look(out, page)
    given = {name: str(folder) for name, folder in folders.items()} if several else str(folder)
    conditions = options.conditions(data, protocol=scores.protocol, predictions=given)
    conditions |= {"partial": scores.partial, "lacks": _lacks(data, scores)}
    own = data.default_protocol
    unfit = {n: why for n, why in unscored.items() if n in faults or not is_excused(data.truth(n), rules, own)}
    kept = lambda: {"records": [record.to_json() for record in records()]}  # noqa: E731
    options.print_unfit(unfit, advised)
    no_table = left_out and not more  # none of those that were asked for
    return Answer(conditions, result, 2 if unfit or no_table else 0, kept)


def _named(texts: Sequence[str]) -> dict[str, Path]:
    """The folders by the names that are given to them, or their own; by their paths where two have one name."""
    pairs = []
    for text in texts:
        name, equals, path = text.partition("=")
        named = equals and not Path(text).is_dir()
        if named and not path:
            raise VosbenchError(f"{text} names no folder", "is a variable of the shell not set? NAME=FOLDER")
        pairs.append((name if named else "", Path(path if named else text)))
    own = [name or folder.resolve().name for name, folder in pairs]
    names = [name or (o if own.count(o) == 1 else str(folder)) for o, (name, folder) in zip(own, pairs, strict=True)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise VosbenchError(f"two folders of masks are called {twice}", "name them: Ours=masks/a Theirs=masks/b")
    return {name: folder for name, (_, folder) in zip(names, pairs, strict=True)}


def _made(makers: Mapping[str, Maker[Table]], records: Records) -> tuple[dict[str, Table], dict[str, str]]:
    """The tables that can be made, and why others cannot, which is said: the scores took long and are kept."""
    made, left_out = {}, {}
    for name, maker in makers.items():
        try:
            made[name] = maker(records)
        except VosbenchError as error:
            left_out[name] = error.message
            print(f"vosbench: {name} is left out: {error.message} ({error.hint})", file=sys.stderr)
    return made, left_out


def _has(table: Table, columns: Sequence[str]) -> bool:
    try:
        table.choose(columns)
    except VosbenchError:
        return False
    return True


def _leaderboard(records: tuple[RunRecord, ...], against: str | None, where: str) -> Table:
    """A row for each folder, with its difference from that of the name `against`."""
    if against is None:
        return TABLES.find("strategy")(records)
    labels = dict.fromkeys((against, *(record.policy.label for record in records)))
    return difference_table(differences(pair_up({where: records}, tuple(labels))))


def _lacks(data: Dataset, scores: MaskScores) -> list[str]:
    lacks = ["sequences were left out"] * data.is_partial
    return lacks + [f"not scored: {a_few(scores.unscored)}"] * bool(scores.unscored)


def _told(
    data: Dataset,
    seen: Callable[..., Mapping[str, float]] | None,
    asked: Mapping[str, Any],
    folder: Path,
    scores: MaskScores,
) -> tuple[Table, list[Table], dict[str, Any]]:
    """The summary of a folder, its tables, of which it is one, and the same as data; with what the options `asked`."""
    lacks = _lacks(data, scores)
    lacking = f"PARTIAL ({'; '.join(lacks)})" if lacks else ""
    missing = f"{count(len(scores.missing), 'sequence')} without masks: scored 0" if scores.missing else ""
    notes = filter(None, (lacking, missing, TRUSTED * data.trusts_masks, data.numbering))
    where = ", ".join([f"{folder}: {scores.dataset} {scores.split}, protocol {scores.protocol}", *notes])
    caption = f"{where}; {count(len(scores.objects), 'object')}."
    told = scores.objects, scores.rules.figures
    per_object, summary = object_table(*told, caption), summary_table(*told, caption)
    tables = [*[per_object] * asked["objects"], summary]
    result: dict[str, Any] = {"summary": summary.rows[0], "objects": per_object.rows}
    if scores.missing:
        result["missing"] = scores.missing
    if asked["analysis"]:
        result["analysis"] = found = analyse(scores.traces)
        tracked = [(t.sequence, t.object_id, tracking(t)) for t in scores.traces]
        whole, each = tracking_tables(tracked, caption)
        tables += [*analysis_tables(found, accuracy(scores.objects), caption), whole, *[each] * asked["objects"]]
        result["tracking"] = {"all": whole.rows[0], "objects": each.rows}
    if asked["stability"]:
        with CountProgress("object") as progress:
            steadiness = temporal_stability(scores, folder, data, asked["jobs"], progress)
        tables.append(stability_table(steadiness, caption))
        result["stability"] = {"mean": tables[-1].rows[0], "objects": [asdict(o) for o in steadiness]}
    if seen is not None:
        caption = f"{where}; seen categories are those of {asked['train_meta']}."
        tables.append(seen_unseen_table(seen(scores.objects), caption))
        result["seen_unseen"] = tables[-1].rows[0]
    tables = [replace(table, conditions={"lacks": lacks}) for table in tables]
    return tables[asked["objects"]], tables, result


def _seen(data: Dataset, meta: Path) -> Callable[..., Mapping[str, float]]:
    """What gives the figures of seen and unseen categories. Raises VosbenchError if the data set has none."""
    if not (categories := options.categories(data)):
        hint = "--train-meta is for splits of YouTube-VOS whose meta.json has categories"
        raise VosbenchError(f"{data.name} {data.split} names no categories, so none is seen or unseen", hint)
    return partial(seen_unseen, categories=categories, seen=train_categories(meta))


VERB = Verb(
    score,
    "vosbench score Ours=masks Theirs=theirs --dataset davis2017 --root DAVIS --against Theirs --out scored",
    again="scores of finished sequences are kept, but with --no-cache",
)
