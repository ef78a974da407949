"""The folder of a report: which pages there are, and what is on them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vosbench.base.atomic import replacing_folder
from vosbench.base.processes import Crew
from vosbench.bench.record import RunRecord, read_record
from vosbench.errors import VosbenchError, a_few
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import pair_up
from vosbench.report.compare.tables import difference_table
from vosbench.report.context import Context, Records, by_strategy, context, restrict_each
from vosbench.report.makers import applicable
from vosbench.report.measures import accuracy_of, name_and_kind, pooled_jf
from vosbench.report.pages.failures import chosen
from vosbench.report.pages.leaderboard import Grid, gains, leaderboard, too_few
from vosbench.report.pages.sequence import Page, Source, make_page, thumbnail_name
from vosbench.report.pages.writer import MARK, OWN, Writer
from vosbench.report.pictures.footage import data_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Run:
    """A run of the report: name, folder, records, the folder of its pages (`` where it is the only run, or `x/`), and
    what is on these.
    """

    name: str
    folder: Path
    records: tuple[RunRecord, ...]
    place: str
    common: Context
    pages: dict[str, Page] = field(default_factory=dict)

    @property
    def sequences(self) -> dict[str, str]:
        """Each sequence with the name of its page, which is a number: names of sequences may hold anything."""
        names = sorted({record.sequence for record in self.records})
        return {name: f"{number:0{len(str(len(names)))}d}" for number, name in enumerate(names, 1)}

    @property
    def titles(self) -> dict[str, str]:
        """What each strategy is called where it is shown, by label."""
        kinds = {record.policy.label: record.policy.kind for record in self.records}
        return {label: name_and_kind({"strategy": label, "kind": kind}) for label, kind in kinds.items()}

    @property
    def faults(self) -> list[str]:
        """What its pages lack and should have, each with the sequences of which it is said."""
        where: dict[str, list[str]] = {}
        for sequence, page in self.pages.items():
            for fault in page.faults:
                where.setdefault(fault, []).append(sequence)
        return [f"{a_few(sorted(sequences))}: {fault}" for fault, sequences in where.items()]


def build(
    runs: Mapping[Path, Records],
    out: Path,
    *,
    root: Path | None = None,
    policies: Sequence[str] = (),
    baseline: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], object] = print,
) -> Path:
    """Write the report of one run or several into the folder `out`, and return its first page.

    runs: the records of each run under its folder, or whatever else they come from, which then has no masks.
    root: of the data set (None: where it was for each run).
    policies: labels or specs of the strategies to show (none: all); runs that have none of them are left out.
    baseline: the label of the strategy with which others are compared at first (None: the first of the run).
    jobs: processes, no more than cores (None: one per core).
    progress: called with the number of pages done and the number of all.
    tell: takes a line about what of a run is damaged or gone, such as masks; the rest is shown.

    The folder appears whole, or stays as it was; a report that is there already is replaced, other files beside it
    stay. Raises VosbenchError as `context` does, for an unknown strategy, for a folder that holds no report but
    something else, and for a `root` that is not that of the runs.
    """
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise VosbenchError(f"{out} holds something else than a report", "choose another --out")
    chosen = restrict_each(runs, policies)
    restrict_each(chosen, [] if baseline is None else [baseline])
    found, names = [], Counter(folder.resolve().name for folder in chosen)
    for number, (folder, records) in enumerate(chosen.items(), 1):
        place = f"run-{number}/" if len(chosen) > 1 else ""
        name = folder.resolve().name if names[folder.resolve().name] == 1 else str(folder)
        found.append(Run(name, folder, records, place, context(records)))
        _require_data(found[-1], root)
    with replacing_folder(out, "the report", "free space, or choose another --out", OWN) as part:
        writer, sources = Writer(part), [(run, source) for run in found for source in _sources(run, root)]
        with Crew(make_page, len(sources), jobs) as crew:
            for done, (number, page) in enumerate(crew.share([(source,) for _, source in sources]), 1):
                run, source = sources[number]
                _write_page(writer, run, source.sequence, page)
                if progress is not None:
                    progress(done, len(sources))
        for run in found:
            _write_run(writer, run, baseline)
        if len(found) > 1:
            _write_runs(writer, found)
        writer.assets()
    for run in found:
        if run.faults:
            more = f" (and {len(run.faults) - 1} more, which the report names)" if len(run.faults) > 1 else ""
            tell(f"{run.name}: {run.faults[0]}{more}")
    return out / "index.html"


def _require_data(run: Run, root: Path | None) -> None:
    """Open the data set once, in this process: it may have to be generated. Raises VosbenchError if a `root` that is
    given is not that of the run; without the data there are no pictures, which is said later.
    """
    try:
        there = data_of(run.folder, run.records[0], root).sequence_names()
    except VosbenchError:
        if root is None:
            return
        raise
    if root is not None and (absent := sorted(run.sequences.keys() - {*there})):
        data = run.common.dataset
        hint = f"give the folder of {data.name} {data.split}"
        raise VosbenchError(f"{root} does not hold {a_few(absent)} of {run.name}", hint)


def _sources(run: Run, root: Path | None) -> Iterator[Source]:
    traces: dict[str, dict[str, Path]] = {}
    for path in sorted((run.folder / "records").rglob("*.npz")):
        if (beside := path.with_suffix(".json")).exists():
            record = read_record(beside)
            traces.setdefault(record.sequence, {})[record.policy.label] = path
    for name in run.sequences:
        records = tuple(record for record in run.records if record.sequence == name)
        yield Source(run.folder, name, records, traces.get(name, {}), root)


def _write_page(writer: Writer, run: Run, sequence: str, page: Page) -> None:
    number, names = run.sequences[sequence], list(run.sequences)
    at = names.index(sequence)
    folder = f"{run.place}sequences/{number}"
    for name, data in page.files.items():
        writer.file(f"{folder}/{name}", data)
    writer.data(f"{folder}/data.js", page.data | {"folder": number, "looks": looks(run)})
    writer.page(
        f"{folder}.html",
        "sequence",
        title=sequence,
        run=run,
        page=page,
        number=number,
        before=names[at - 1] if at else None,
        after=names[at + 1] if at + 1 < len(names) else None,
    )
    page.data.clear()  # written: a report of many pages need not hold them
    page.files.clear()
    run.pages[sequence] = page


def _write_run(writer: Writer, run: Run, baseline: str | None) -> None:
    from vosbench.report.plots import FIGURES  # with matplotlib, which takes a second to load

    made, left_out = applicable(FIGURES, [run.records])
    differing, failing = chosen([moment for page in run.pages.values() for moment in page.moments])
    shots = {}
    for moment in (*differing, *failing):
        name = thumbnail_name(moment)
        if picture := run.pages[moment.sequence].thumbnails.get(name):
            shots[moment] = f"sequences/{run.sequences[moment.sequence]}/{name}"
            writer.file(f"{run.place}{shots[moment]}", picture)
    groups = by_strategy(run.records)
    first = baseline if baseline in groups else next(iter(groups))
    writer.data(f"{run.place}data.js", {"gains": gains(run.records), "baseline": first, "looks": looks(run)})
    writer.page(
        f"{run.place}index.html",
        "run",
        title=run.name,
        run=run,
        accuracy=accuracy_of(run.records),
        board=leaderboard(run.records, run.common),
        figures=writer.figures(run.place, made),
        left_out=left_out,
        too_few=too_few(run.common.sequences, len(groups) - 1),
        titles=[run.titles[label] for label in groups],
        by_sequence={
            name: [pooled_jf([r for r in group if r.sequence == name]) for group in groups.values()]
            for name in run.sequences
        },
        differing=differing,
        failing=failing,
        shots=shots,
    )


def _write_runs(writer: Writer, runs: Sequence[Run]) -> None:
    """The first page of several runs: what they are, and what can be said of all together."""
    from vosbench.report.plots import FIGURES

    notes: list[str] = []
    made: dict[str, Figure] = {}
    table = None
    try:
        made, _ = applicable(FIGURES, [run.records for run in runs])
    except VosbenchError as error:
        notes.append(f"There is no figure of all runs together: {error.message}.")
    try:
        table = Grid(difference_table(differences(pair_up({run.name: run.records for run in runs}))))
    except VosbenchError as error:
        notes.append(f"There is no table of the differences between runs: {error.message}.")
    figures = writer.figures("", made)
    writer.page("index.html", "runs", title="Runs", runs=runs, figures=figures, table=table, notes=notes)


def looks(run: Run) -> dict[str, Any]:
    """Colour and dashes of each strategy that the run has, as in figures, and its name with what it is, in order."""
    from vosbench.report.drawing.style import looks_of

    return {
        label: [look.colour, [] if look.dash == "-" else list(look.dash[1]), run.titles[label]]
        for label, look in looks_of(run.titles).items()
    }
