"""Score a folder of masks against a data set, in parallel, and write the results in the official layout."""

import csv
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TypeVar

from vosbench.base.atomic import replacing
from vosbench.base.processes import Crew
from vosbench.base.text import write_text
from vosbench.base.values import Count, checked
from vosbench.datasets.base import Dataset
from vosbench.datasets.problems import numbered_anew, smoothed
from vosbench.errors import SequenceError, SpoiltScoreWarning, VosbenchError, first_of
from vosbench.masks import cache as score_cache
from vosbench.masks.check import elsewhere, no_folder, unusable
from vosbench.metrics.evaluate import missing_traces, object_scores, plan, split_plan, traces
from vosbench.metrics.figures import MEANS, STATISTICS
from vosbench.metrics.fitness import advice, blame_truth, nowhere, score_or_fault
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.protocols import Protocol, find_protocol
from vosbench.metrics.rules.base import ScoringPlan
from vosbench.metrics.stability import ObjectStability, object_stability
from vosbench.metrics.statistics import ObjectScore, ObjectTrace
from vosbench.video import GroundTruth, MaskSource

T = TypeVar("T")
FRAMES_PER_TASK = 8  # frames to a task: some 0.03 s of work, so that processes end together


@dataclass(frozen=True)
class MaskScores:
    """The scores of one folder of masks by the `rules` of a protocol; `partial` if sequences were left out, those of
    `unscored`: sequence -> why. Of these, `faults` have faulty ground truth; the others the rules cannot score.

    `missing` are sequences without predicted masks, under a protocol by which these score 0.
    """

    dataset: str
    split: str
    rules: Protocol
    partial: bool
    objects: tuple[ObjectScore, ...]
    traces: tuple[ObjectTrace, ...]
    missing: tuple[str, ...]
    unscored: Mapping[str, str]
    faults: Mapping[str, VosbenchError]

    @property
    def protocol(self) -> str:
        """Name and version of the protocol."""
        return self.rules.title

    @property
    def summary(self) -> dict[str, float]:
        """What the protocol tells of all objects together (`Figures.of_all`)."""
        return self.rules.figures.of_all(self.objects)


@checked('vosbench.score("masks", vosbench.open_dataset("davis2017", "DAVIS"))')
def score(
    predictions: Path | str,
    dataset: Dataset,
    protocol: Protocol | str | Path | None = None,
    jobs: Count | None = None,
    progress: Callable[[int, int], None] | None = None,
    cache: Path | str | None = None,
) -> MaskScores:
    """Score the masks `<predictions>/<sequence>/<frame>.png` against the ground truth of a data set.

    The result is marked partial if `dataset` is a choice of its split (`Dataset.only`), or if the rules cannot score
    some of its sequences, or their ground truth or, where masks lack, their frames are faulty: these are left out.

    protocol: the rules, the name of a protocol or one's own file of it (None: the data set's own).
    jobs: processes, no more than cores (None: one per core). 1 works in this process.
    progress: called with the number of frames done and the number of all.
    cache: the folder where scores of unchanged masks are looked up and kept (None: nowhere).

    Raises VosbenchError for a missing sequence or frame and for every other fault of a predicted mask, naming the file,
    if no sequence can be scored, and if a worker process dies. Warns if scores cannot be kept, of objects that the
    rules count and no mask holds, and where the predicted mask in the middle of a sequence looks smoothed.
    """
    rules = protocol if isinstance(protocol, Protocol) else find_protocol(str(protocol or dataset.default_protocol))
    # Worker processes stay in the folder where they started, whatever the caller does meanwhile.
    predictions, cache = Path(predictions), None if cache is None else Path(cache).absolute()
    names, placed = dataset.sequence_names(), dataset.absolute()
    if dataset.is_private:
        dataset.truth(names[0])  # raises
    truths: dict[str, GroundTruth] = {}
    unscored: dict[str, VosbenchError] = {}  # of a faulty sequence SequenceError
    for name in names:
        try:
            truths[name] = placed.truth(name)
        except VosbenchError as error:
            unscored[name] = SequenceError(error.message, error.hint)
    if not truths:
        raise first_of(unscored, "faulty too")
    if not predictions.is_dir():
        raise no_folder(predictions)
    missing = tuple(name for name in truths if not (predictions / name).is_dir())
    all_missing = len(missing) == len(truths)
    if all_missing or not rules.missing_is_zero:
        for name in missing:
            if all_missing or (fault := unusable(placed, name)) is None:
                expected = "masks are expected as <sequence>/<frame>.png, for every sequence of the split"
                message = f"predictions lack the sequence {name}: {predictions / name} is no folder"
                raise VosbenchError(message, elsewhere(predictions, names) or expected)
            unscored[name] = fault
            del truths[name]
        missing = ()
    found, faults = _of_each(missing_traces, [truths.pop(name) for name in missing], rules)
    unscored |= faults
    masks = {name: dataset.predicted(predictions.absolute() / name, truth.masks) for name, truth in truths.items()}
    keys = {name: score_cache.key(truth, masks[name], rules) for name, truth in truths.items()} if cache else {}
    kept = {name: score_cache.read(cache, key) for name, key in keys.items()} if cache else {}
    found |= {name: traced for name, traced in kept.items() if traced is not None}
    plans, unplanned = _of_each(plan, [truth for name, truth in truths.items() if name not in found], rules)
    unscored |= unplanned
    if unplanned and not plans and not found:
        name, reason = next(iter(unplanned.items()))
        raise first_of(unplanned, "not to be scored either", _advice(reason, truths[name]))
    todo = [(planned, masks[name]) for name, planned in plans.items()]
    for _, predicted in todo if not dataset.trusts_masks else ():
        if (odd := smoothed(predicted)) is not None:
            warnings.warn(SpoiltScoreWarning.of(odd), stacklevel=3)
    for name, traced in _score(todo, jobs, progress):
        if isinstance(traced, VosbenchError):
            unscored[name] = traced
            continue
        found[name] = traced
        # A mask may have been written anew meanwhile.
        if cache and keys[name] == score_cache.key(truths[name], masks[name], rules):
            try:
                score_cache.write(cache, keys[name], traced)
            except VosbenchError as error:
                warnings.warn(f"{error.message}: the next run will score these masks again", stacklevel=2)
    if cache and todo:
        score_cache.prune(cache)
    for truth in [truth for name, truth in truths.items() if name in found]:
        for doubt in (nowhere(truth, rules), rules.objects.doubt(truth), numbered_anew(truth.masks)):
            if doubt is not None:
                warnings.warn(SpoiltScoreWarning.of(doubt), stacklevel=3)
    everything = tuple(trace for name in names for trace in found.get(name, ()))
    if unscored and not everything:
        name, reason = next(iter(unscored.items()))
        raise VosbenchError(f"no sequence can be scored: {reason.message}", _advice(reason, truths.get(name)))
    reasons = {name: unscored[name].message for name in names if name in unscored}
    reasons |= {name: f"in sequence {name} no object counts" for name, traced in found.items() if not traced}
    if not everything:
        hint = "check the annotations, or choose another protocol"
        raise VosbenchError(f"no object of {dataset.name} {dataset.split} counts under the protocol {rules.name}", hint)
    objects = object_scores(everything, rules)
    partial = dataset.is_partial or bool(reasons)
    faults = {name: error for name, error in unscored.items() if isinstance(error, SequenceError)}
    return MaskScores(dataset.name, dataset.split, rules, partial, objects, everything, missing, reasons, faults)


def _advice(error: VosbenchError, truth: GroundTruth | None) -> str:
    return error.hint if truth is None or isinstance(error, SequenceError) else advice(truth)


def _of_each(
    make: Callable[[GroundTruth, Protocol], T], truths: Iterable[GroundTruth], rules: Protocol
) -> tuple[dict[str, T], dict[str, VosbenchError]]:
    """What is made of the sequences that the rules can score, and why they cannot score the others, by name."""
    made, faults = {}, {}
    for truth in truths:
        try:
            made[truth.sequence] = make(truth, rules)
        except VosbenchError as error:
            faults[truth.sequence] = blame_truth(truth, rules, error)
    return made, faults


def _score(
    todo: Sequence[tuple[ScoringPlan, Mapping[str, MaskSource]]],
    jobs: int | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[str, tuple[ObjectTrace, ...] | VosbenchError]]:
    """The traces of each sequence, as soon as all of its frames are scored, `FRAMES_PER_TASK` frames at a time; or why
    it cannot be scored, which only shows in its true masks. Raises the faults of predictions.
    """
    tasks = sum(len(planned.truth.masks) for planned, _ in todo) // FRAMES_PER_TASK
    with Crew(score_or_fault, tasks, jobs) as crew:
        parts = [(index, part) for index, one in enumerate(todo) for part in split_plan(*one, FRAMES_PER_TASK)]
        waiting = Counter(index for index, _ in parts)
        scored: dict[int, dict[int, list[FrameScores]]] = {index: {} for index in waiting}
        total, done = sum(len(planned.frames) for planned, _ in todo), 0
        for number, frames in crew.share([part for _, part in parts]):
            index, (part, _) = parts[number]
            planned, _ = todo[index]
            done += len(part.frames)
            if progress is not None:
                progress(done, total)
            if (own := scored.get(index)) is None:
                continue  # another part of it was refused
            found: tuple[ObjectTrace, ...] | VosbenchError
            try:
                if isinstance(frames, VosbenchError):
                    raise frames
                own[number] = frames
                if len(own) < waiting[index]:
                    continue
                found = traces(planned, [frame for _, part in sorted(own.items()) for frame in part])
            except VosbenchError as error:
                found = blame_truth(planned.truth, planned.protocol, error)
            del scored[index]
            yield planned.sequence, found


def temporal_stability(
    scores: MaskScores,
    predictions: Path,
    dataset: Dataset,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ObjectStability, ...]:
    """T (`metrics.stability`) of every object of `scores`, which are those of `predictions` on `dataset`.

    It reads every mask of every object again and takes a hundred times as long as J and F. `jobs` are as in `score`;
    `progress` is called with the number of objects done and the number of all. Raises VosbenchError as `score` does,
    and where predicted ids are not those of the objects: for a protocol that matches proposals.
    """
    rules = scores.rules
    if not rules.objects.keeps_ids:
        raise VosbenchError(
            f"the protocol {rules.name} has no temporal stability: a proposal need not be the same object throughout",
            "leave the stability out, or choose another protocol",
        )
    folder = predictions.absolute()
    tasks = [(t, dataset.predicted(folder / t.sequence, t.frames), rules) for t in scores.traces]
    with Crew(object_stability, len(tasks), jobs) as crew:
        return tuple(crew.map(tasks, progress))


def write_official_csv(scores: MaskScores, folder: Path, split: str) -> tuple[Path, Path]:
    """Write `global_results-<split>.csv` and `per-sequence_results-<split>.csv` as the DAVIS 2017 evaluator does.

    Scale 0 to 1, three decimals; one row per object, `<sequence>_<id>`. What the protocol tells beside J and F follows
    in further columns; where the result is partial, the last is `partial`, and is 1. Each file is complete or not
    there. Raises VosbenchError if it cannot be written.
    """
    names = {"jf": "J&F-Mean"} | {f"{m}_{s}": f"{m.upper()}-{s.capitalize()}" for m in "jf" for s in STATISTICS}
    total = scores.summary
    overall = sorted(total, key=[*names, *total].index)
    own = dict.fromkeys(key for o in scores.objects for key in o.own)
    per_object = [key for key in ("j_mean", "f_mean", *own) if key in total]
    mark, marks = (["partial"], ["1"]) if scores.partial else ([], [])
    rows = [
        (f"{o.sequence}_{o.object_id}", *(_figure(told.get(key, math.nan)) for key in per_object), *marks)
        for o in scores.objects
        for told in [MEANS.of_all([o])]
    ]
    heads = [(*(names.get(key, key) for key in keys), *mark) for keys in (overall, per_object)]
    means = (*(_figure(total[key]) for key in overall), *marks)
    of_all, of_each = (folder / f"{kind}_results-{split}.csv" for kind in ("global", "per-sequence"))
    return _write(of_all, [heads[0], means]), _write(of_each, [("Sequence", *heads[1]), *rows])


def write_per_frame_csv(scores: MaskScores, path: Path) -> Path:
    """Write J, F and what else the protocol measures of each object in each scored frame, in full precision,
    and whether the truth shows it. Raises VosbenchError if the file cannot be written.
    """
    extra = scores.rules.measure.extra
    rows = [
        (t.sequence, t.object_id, frame, j, "" if f != f else f, int(visible), *more)
        for t in scores.traces
        for frame, j, f, visible, *more in zip(
            t.frames, t.j.tolist(), t.f.tolist(), t.visible, *(t.extra[name].tolist() for name in extra), strict=True
        )
    ]
    return _write(path, [("sequence", "object", "frame", "j", "f", "visible", *extra), *rows])


def _figure(value: float) -> str:
    return "" if value != value else f"{value:.3f}"  # an undefined decay is an empty cell, as pandas writes it


def _write(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with replacing(path) as temporary:
        write_text(temporary, text.getvalue())
    return path
