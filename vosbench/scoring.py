"""Score a folder of masks against a data set, in parallel, and write the results in the official layout."""

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from vosbench.datasets.base import Dataset
from vosbench.datasets.files import some
from vosbench.errors import VosbenchError, unknown
from vosbench.metrics.evaluate import object_scores, plan, score_frames
from vosbench.metrics.protocols import find_protocol
from vosbench.metrics.statistics import ObjectScore, ObjectTrace, Summary, summary
from vosbench.metrics.traces import FrameScores, Plan, traces
from vosbench.types import GroundTruth

PART = 48  # frames to a task: some 0.1 s of work, so that processes end together and workers hold little


@dataclass(frozen=True)
class Scores:
    """The scores of one folder of masks. `protocol` is name and version; `partial` if sequences were left out."""

    dataset: str
    split: str
    protocol: str
    partial: bool
    objects: tuple[ObjectScore, ...]
    traces: tuple[ObjectTrace, ...]

    @property
    def summary(self) -> Summary:
        """Means over all objects."""
        return summary(self.objects)

    def require_comparable(self, other: "Scores") -> None:
        """Raise VosbenchError if the two were not measured by the same rules on the same sequences."""
        for kind, mine, theirs in (
            ("protocol", self.protocol, other.protocol),
            ("data set", f"{self.dataset} {self.split}", f"{other.dataset} {other.split}"),
        ):
            if mine != theirs:
                raise VosbenchError(
                    f"results of different {kind} cannot be compared: {mine} and {theirs}",
                    "score both sets of masks again with the same protocol and split",
                )
        names = [{f"{o.sequence}_{o.object_id}" for o in scores.objects} for scores in (self, other)]
        if names[0] != names[1]:
            raise VosbenchError(
                f"results of different objects cannot be compared: only one has {some(sorted(names[0] ^ names[1]))}",
                "score both sets of masks again with the same sequences",
            )


def score(
    predictions: Path,
    dataset: Dataset,
    protocol: str | None = None,
    jobs: int | None = None,
    sequences: Iterable[str] | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Scores:
    """Score the masks `<predictions>/<sequence>/<frame>.png` against the ground truth of a data set.

    protocol: one of `metrics.protocols.PROTOCOLS` (None: the data set's own).
    jobs: processes (None: one per core). 1 works in this process.
    sequences, limit: score only these sequences, only the first so many; the result is then marked partial.
    progress: called with the number of frames done and the number of all.

    Raises VosbenchError for a missing sequence or frame and for every other fault of a mask, naming the file, and
    if a worker process dies.
    """
    rules = find_protocol(protocol or dataset.default_protocol)
    everything = tuple(dataset.sequence_names())
    chosen = _choose(everything, sequences, limit)
    for name in chosen:
        if not (predictions / name).is_dir():
            raise VosbenchError(
                f"predictions lack the sequence {name}: {predictions / name} is no folder",
                "masks are expected as <sequence>/<frame>.png, for every sequence of the split",
            )
    truths = [dataset.truth(name) for name in chosen]
    plans = [plan(truth, rules) for truth in truths]
    scored = _score_parts(plans, truths, predictions, jobs, progress)
    found = tuple(trace for planned, frames in zip(plans, scored, strict=True) for trace in traces(planned, frames))
    if not found:
        raise VosbenchError(
            f"no object of {dataset.name} {dataset.split} counts under the protocol {rules.name}",
            "check the annotations, or choose another protocol",
        )
    return Scores(
        dataset=dataset.name,
        split=dataset.split,
        protocol=rules.title,
        partial=chosen != everything,
        objects=object_scores(found, rules),
        traces=found,
    )


def _choose(everything: tuple[str, ...], sequences: Iterable[str] | None, limit: int | None) -> tuple[str, ...]:
    """The sequences asked for, in the order of the data set."""
    wanted = everything if sequences is None else tuple(sequences)
    for name in wanted:
        if name not in everything:
            raise unknown("sequence", name, everything)
    chosen = tuple(name for name in everything if name in set(wanted))[:limit]
    if not chosen:
        raise VosbenchError("there is no sequence to score", "the split, --sequences or --limit leaves none")
    return chosen


def _score_parts(
    plans: Sequence[Plan],
    truths: Sequence[GroundTruth],
    predictions: Path,
    jobs: int | None,
    progress: Callable[[int, int], None] | None,
) -> list[list[FrameScores]]:
    """The scores of all planned frames, per sequence, computed in parts of `PART` frames on `jobs` processes."""
    parts = [
        (index, slice(start, start + PART))
        for index, planned in enumerate(plans)
        for start in range(0, len(planned.frames), PART)
    ]
    total, done = sum(len(planned.frames) for planned in plans), 0
    scored: list[list[FrameScores]] = [[] for _ in plans]
    workers = joblib.Parallel(n_jobs=min(jobs or joblib.cpu_count(), len(parts)), batch_size=1, return_as="generator")
    tasks = (joblib.delayed(score_frames)(plans[i], truths[i], predictions, part) for i, part in parts)
    try:
        for (index, _), frames in zip(parts, workers(tasks), strict=True):
            scored[index].extend(frames)
            done += len(frames)
            if progress is not None:
                progress(done, total)
    except BrokenProcessPool as error:
        how = re.search(r"\{.*\}", str(error))  # e.g. {SIGKILL(-9)}
        raise VosbenchError(
            f"a worker process died while scoring {predictions}{f', {how[0]}' if how else ''}",
            "most often the machine ran out of memory: use fewer jobs",
        ) from None
    return scored


def write_official_csv(scores: Scores, folder: Path, split: str) -> tuple[Path, Path]:
    """Write `global_results-<split>.csv` and `per-sequence_results-<split>.csv` as the DAVIS 2017 evaluator does.

    Scale 0 to 1, three decimals; one row per object, `<sequence>_<id>`. Each file is complete or not there.
    Raises VosbenchError if it cannot be written.
    """
    total = scores.summary
    overall = (total.j_and_f, total.j.mean, total.j.recall, total.j.decay, total.f.mean, total.f.recall, total.f.decay)
    rows = [f"{o.sequence}_{o.object_id},{_figure(o.j.mean)},{_figure(o.f.mean)}" for o in scores.objects]
    return (
        _write(
            folder / f"global_results-{split}.csv",
            ["J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay", ",".join(map(_figure, overall))],
        ),
        _write(folder / f"per-sequence_results-{split}.csv", ["Sequence,J-Mean,F-Mean", *rows]),
    )


def _figure(value: float) -> str:
    return "" if value != value else f"{value:.3f}"  # an undefined decay is an empty cell, as pandas writes it


def _write(path: Path, lines: Sequence[str]) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise VosbenchError(
            f"cannot write {path}: {error.strerror}", "free some space or choose another folder"
        ) from None
    return path
