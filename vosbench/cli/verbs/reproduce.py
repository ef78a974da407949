"""reproduce: a table or figure of the paper, measured beside what it prints."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from vosbench.base.atomic import check_writable
from vosbench.bench.record import RunRecord
from vosbench.cli import options
from vosbench.cli.progress import RunProgress
from vosbench.cli.records import Caption, Columns, answer, save_figures, show
from vosbench.cli.verbs import KEPT, Answer, Verb
from vosbench.datasets import Dataset, open_dataset
from vosbench.errors import VosbenchError
from vosbench.metrics.analysis import seen_unseen, train_categories
from vosbench.metrics.statistics import ObjectScore
from vosbench.report.context import by_strategy
from vosbench.report.measures import STRATEGY, pooled_jf
from vosbench.report.paper import COLUMNS, Measured, reproduced
from vosbench.report.rendering import render
from vosbench.report.table import Column, Table
from vosbench.report.tables import strategy

if TYPE_CHECKING:
    from vosbench.bench.plan import Plan
    from vosbench.bench.suite import Suite

TABLES = {f"table{place}": number for place, number in enumerate(COLUMNS, 1)}
STRIPS = {"figure4": "paper-table1", "figure5": "paper-table4"}  # and the suites whose strategies they show
CURVE = "figure6"
TRAININGS = {"table5", "table6"}
CATEGORIES = {"table2", "table6"}  # that hold figures of seen and unseen ones alone
KNOWN = ("dropout", "reallocation", "plain")
WHAT = (*TABLES, *STRIPS, CURVE)
ROWS = 3  # strips of a figure


def reproduce(
    what: Annotated[str, Argument(help=f"one of: {', '.join(WHAT)}")],
    root: Annotated[
        list[str] | None,
        Option(help="the folder of a data set of the table, NAME=FOLDER, repeated; what has none stays empty"),
    ] = None,
    dataset: Annotated[str | None, Option(help="only this data set of the table, or another for the paper's")] = None,
    split: options.Split = None,
    model: Annotated[
        list[str] | None,
        Option(
            help="weights, by default stcn-tiny; of table5 and table6 NAME=WEIGHTS or NAME=FOLDER of a training, "
            f"repeated, for the names {', '.join(KNOWN)}"
        ),
    ] = None,
    device: Annotated[str | None, Option(help="cpu or cuda; default: cpu")] = None,
    shorter_side: options.ShorterSide = None,
    sequences: options.Sequences = None,
    limit: options.Limit = None,
    threads: options.Threads = None,
    train_meta: Annotated[
        Path | None, Option(help="the meta.json of YouTube-VOS train, for seen and unseen of table2 and table6")
    ] = None,
    columns: Columns = None,
    caption: Caption = None,
    format: Annotated[str | None, Option(help="text, markdown, latex or csv; of a figure png, pdf or svg")] = None,
    out: Annotated[Path | None, Option(help="write the table to this file, or figures into this folder")] = None,
    overwrite: options.Overwrite = False,
) -> Answer:
    """Measure a table or figure of the paper, and show it beside what the paper prints.

    Data that is absent is named, and its rows stay empty. Runs are those of `vosbench run paper-table1` and so on: what
    is finished is not done again.
    """
    asked = dict(locals()) | {"model": None, "controls": False}  # of the options that a suite has

    from vosbench.bench.plan import Plan  # here: torch takes seconds
    from vosbench.bench.suite import override, read_suites

    if what not in WHAT:
        raise VosbenchError(f"unknown table or figure of the paper {what!r}", f"known: {', '.join(WHAT)}")
    if out is not None:
        check_writable(out, "choose another --out", folder=what not in TABLES)
        if what in TABLES:
            options.require_new(out, overwrite)
    folder, kind = out or Path("figures"), format or ("text" if what in TABLES else "png")
    _require_form(what, kind, columns)
    if what == CURVE:
        options.require_new(folder / f"{what}.{kind}", overwrite)
    models = _models(model or ["stcn-tiny"], what in TRAININGS)
    known = train_categories(train_meta) if train_meta else None
    wanted = dataset or ("davis2017" if what in STRIPS else None)
    suites = override(read_suites(STRIPS.get(what, f"paper-{what}")), wanted, root or (), asked)
    absent = {name: "no --model for it" for name in KNOWN if what in TRAININGS and name not in models}
    found = [(suite, data) for suite in suites if (data := _data(suite, absent, what in CATEGORIES, known))]
    plans = [
        (Plan(replace(suite, model=weights)), data, training)
        for suite, data in found
        for training, weights in models.items()
    ]
    measured, failed = [], False
    for plan, data, training in plans:
        records = _carry_out(plan, f"{training} " if training else "")
        more = _seen(records, data, known) if known and what in CATEGORIES else None
        measured.append(Measured(data.name, records, training, more))
        failed |= any(record.failure for record in records)
    if what in TABLES:
        table = reproduced(TABLES[what], measured, absent)
        show([table], kind, out, name=what, columns=columns, caption=caption)
        return replace(answer(table, columns), status=2 if failed else 0)
    if not measured:
        raise VosbenchError(f"there is no data for {what}: {next(iter(absent.values()))}", "give --root, or --dataset")
    if what == CURVE:
        return _curve(measured[0], folder / f"{what}.{kind}", overwrite)
    return _strips(what, plans[0][0], measured[0].records, folder, kind, bool(sequences), overwrite)


def _require_form(what: str, kind: str, columns: Sequence[str] | None) -> None:
    """Raise VosbenchError, before runs of hours, for a format or a column that there is not."""
    if what in TABLES:
        every = (Column("dataset"), *STRATEGY, *COLUMNS[TABLES[what]])
        render(Table(every, (), ""), kind, columns=columns or ())
    else:
        from vosbench.report.drawing.style import require_kind

        require_kind(Path(f"{what}.{kind}"))


def _models(texts: Sequence[str], named: bool) -> dict[str, str]:
    """The weights by the names of their trainings; of one without a name, or where none is asked for, by ``."""
    found = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals:
            name, path = "plain" if named else "", text
        elif not named or name not in KNOWN:
            hint = f"of table5 and table6 names are {', '.join(KNOWN)}; elsewhere weights have none"
            raise VosbenchError(f"--model {text}: there is no training {name} here", hint)
        if name in found:
            raise VosbenchError(f"--model {text}: weights of {name or 'this table'} are given twice", "give them once")
        found[name] = path
        if Path(path).is_dir():
            files = [Path(path) / file for file in ("best.pt", "last.pt") if (Path(path) / file).is_file()]
            if not files:
                hint = "give what `vosbench train --out` made"
                raise VosbenchError(f"{path} holds no checkpoint of a training", hint)
            found[name] = str(files[0])
    return found


def _data(suite: "Suite", absent: dict[str, str], by_category: bool, known: Collection[str] | None) -> Dataset | None:
    """The data set of a suite; None, and why, if there is none or it lacks what the table is about."""
    if suite.root is None and suite.dataset != "synthetic":
        absent[str(suite.dataset)] = f"no --root {suite.dataset}=FOLDER"
        return None
    data = open_dataset(suite.dataset, suite.root, suite.split, frame_mode=suite.frame_mode)
    if data.is_private:
        absent[data.name] = f"the ground truth of {data.split} is private, on a server that `vosbench export` packs for"
    elif by_category and not options.categories(data):
        absent[data.name] = "it names no categories, so none is seen or unseen"
    elif by_category and not known:
        absent[data.name] = "no --train-meta FILE tells which of its categories are seen"
    else:
        return data
    return None


def _carry_out(plan: "Plan", who: str) -> tuple[RunRecord, ...]:
    from vosbench.bench.runner import execute

    with RunProgress(plan.passes_of(plan.tasks)) as progress:
        return execute(plan, lambda policy, *where: progress(who + policy, *where), begin=progress.begin)


def _seen(records: Sequence[RunRecord], data: Dataset, known: Collection[str]) -> Mapping[str, Mapping[str, float]]:
    """J and F of seen and unseen categories, by strategy."""
    categories, found = options.categories(data), {}
    for label, group in by_strategy(records).items():
        objects = [ObjectScore(r.sequence, o.object_id, o.j, o.f, o.frames, o.own) for r in group for o in r.objects]
        found[label] = seen_unseen(objects, categories, known)
    return found


def _curve(measured: Measured, path: Path, overwrite: bool) -> Answer:
    """Draw Figure 6, and tell what the text says of it: what four frames gain over two."""
    from vosbench.report.plots import FIGURES

    figure = FIGURES.find("accuracy-against-capacity")(measured.records)
    table = strategy.table(measured.records)
    jf = {group[0].policy.spec: pooled_jf(group) for group in by_strategy(measured.records).values()}
    gain = 100 * (jf["lfu:capacity=4"] - jf["lfu:capacity=2"])
    show([table])
    print(f"\nFrom 2 to 4 frames J&F changes by {gain:+.1f} points; the paper, on YouTube-VOS: by +2.")
    save_figures({path: figure}, overwrite)
    return answer(table, figure=str(path), gain=gain / 100, paper={"gain": 0.02})


def _strips(
    what: str, plan: "Plan", records: Sequence[RunRecord], folder: Path, kind: str, chosen: bool, overwrite: bool
) -> Answer:
    """Draw strips as in Figure 4 or 5: of the sequences that are named, or of those where strategies differ most."""
    from vosbench.report.pictures.footage import open_footage
    from vosbench.report.pictures.frames import most_disputed
    from vosbench.report.pictures.strip import strip

    jf: dict[str, list[float]] = {}
    for record in records:
        if record.scores:
            jf.setdefault(record.sequence, []).append(pooled_jf([record]))
    strategies = list(dict.fromkeys(record.policy.label for record in records))
    place = None if plan.suite.root is None else Path(plan.suite.root)
    names = sorted(jf, key=lambda name: min(jf[name]) - max(jf[name]))
    drawn = {}
    shown = names if chosen else names[:ROWS]
    for name in shown:
        footage = open_footage(plan.folder, name, place, strategies)
        drawn[folder / f"{what}-{name}.{kind}"] = strip(footage, most_disputed(footage, 5))
    written = dict(zip(shown, save_figures(drawn, overwrite), strict=True))
    if not chosen:
        print("The paper does not name its sequences: these are the ones where J&F of the strategies differs most.")
    return Answer({"run": str(plan.folder)}, {"figures": written})


VERB = Verb(reproduce, "vosbench reproduce table1 --root davis2017=DAVIS --limit 1 --threads 1", again=KEPT)
