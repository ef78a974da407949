"""A page for each sequence: curves, events, and the scrubber."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vosbench.bench.record import RunRecord
from vosbench.datasets import Dataset
from vosbench.errors import VosbenchError
from vosbench.memory.trace import MemoryTrace
from vosbench.report.context import require_own_files
from vosbench.report.measures import latency_ms, who
from vosbench.report.pages.encoding import webp
from vosbench.report.pages.failures import Moment, moments_of
from vosbench.report.pages.scrubber import pictures
from vosbench.report.pages.series import ObjectSeries, series_of
from vosbench.report.pictures.footage import FaultyMasksError, Footage, data_of, footage_of, mask_folders
from vosbench.report.pictures.overlay import overlay, resized
from vosbench.video import GroundTruth

THUMBNAIL = 220  # pixels, the width


@dataclass(frozen=True)
class Source:
    """What a page is made of: the folder of the run, its records of the sequence in the order of the run, the files of
    traces by label, and the root of the data set (None: where it was for the run).
    """

    run: Path
    sequence: str
    records: tuple[RunRecord, ...]
    traces: Mapping[str, Path]
    root: Path | None = None


@dataclass(frozen=True)
class Page:
    """What was found for a page: `data` for its scripts, `files` beside it by name, moments for the gallery with their
    `thumbnails` by name, `notes` that say what is not there and how to have it, `faults` those of what should be.
    """

    data: dict[str, Any] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    thumbnails: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def make_page(source: Source) -> Page:
    """Everything that the page of a sequence shows. What cannot be read is a note on the page, never an error."""
    page, records = Page(), source.records
    notes = page.notes
    data, names, truth = _video(source, page)
    series = series_of(records, names, truth)
    strategies = [r.policy.label for r in records if r.policy.kind == "strategy"]
    page.moments.extend(moments_of(source.sequence, series, strategies))
    traces = _traces(source, page)
    page.data.update(
        sequence=source.sequence,
        frames=max([len(names), *(len(r.memory.tokens) for r in records if r.memory)]),
        objects=[_object(one) for one in series],
        strategies=[_strategy(record) for record in records],
    )
    if not series:
        notes.append(_why_no_curves(records))
    elif any(one.frames is None for one in series):
        notes.append("J and F stand against the number of the scored frame; the data set would tell which these are.")
    if any(record.memory for record in records) and not any(record.timings for record in records):
        notes.append("There is no latency: this sequence was not timed; `vosbench run --timing all` times every one.")
    if data:
        _add_pictures(page, source, data, names, traces)
    notes[:0] = page.faults
    return page


def _add_pictures(
    page: Page, source: Source, data: Dataset, names: Sequence[str], traces: Mapping[str, MemoryTrace]
) -> None:
    """The frames, the truth, and the masks of every strategy whose masks are sound; of others a note."""
    found = _masks(source)
    if not found:
        why = "no strategy has finished this sequence" if _has_masks(source) else "published results have none"
        page.notes.append(f"There are no masks: {why}.")
    while True:
        try:
            footage = footage_of(source.sequence, found, data)
            shown, files = pictures(footage, names, traces, [m.frame for m in page.moments if m.in_video])
            page.thumbnails.update(_thumbnails(footage, names, page.moments))
            page.files.update(files)
            page.data.update(shown)
            return
        except FaultyMasksError as error:
            page.faults.append(f"There are no masks of {error.strategy}: {error.message} ({error.hint}).")
            del found[error.strategy]
        except VosbenchError as error:
            page.faults.append(_no_pictures(error))
            return


def _masks(source: Source) -> dict[str, tuple[RunRecord, Path]]:
    """The records of the strategies that should have masks, and the folders of these, by label."""
    if not _has_masks(source):
        return {}
    done = {r.policy.label: r for r in source.records if not r.failure and (r.masks or r.model is None)}
    if source.records[0].model is None:  # they may come from a file
        return {label: (record, Path(record.policy.spec) / source.sequence) for label, record in done.items()}
    there = mask_folders(source.run, source.sequence)
    return {label: (record, there[label][1]) for label, record in done.items()}


def _has_masks(source: Source) -> bool:
    """Whether masks should be there: those of a run that was not published, or those that were scored."""
    return (source.run / "masks").is_dir() or source.records[0].model is None


def _video(source: Source, page: Page) -> tuple[Dataset | None, list[str], GroundTruth | None]:
    """The data set of the run, the names of all frames of the video, and the truth, as far as they are there."""
    try:
        data = data_of(source.run, source.records[0], source.root)
        require_own_files(source.records[0], data)
        names = [frame.name for frame in data.sequence(source.sequence).frames]
        if data.is_private:
            page.notes.append("There is no truth to compare with: it is on a server only.")
        return data, names, None if data.is_private else data.truth(source.sequence)
    except VosbenchError as error:
        (page.faults if _has_masks(source) else page.notes).append(_no_pictures(error))
        return None, [], None


def _no_pictures(error: VosbenchError) -> str:
    return f"There are no pictures: {error.message} ({error.hint})."


def _why_no_curves(records: Sequence[RunRecord]) -> str:
    if failed := next((record.failure for record in records if record.failure), None):
        return f"There are no curves of J and F: {failed.reason}."
    why = next((record.unscored for record in records if record.unscored), "the records hold no scores frame by frame")
    return f"There are no curves of J and F: {why}."


def _traces(source: Source, page: Page) -> dict[str, MemoryTrace]:
    """The traces of this sequence that fit their records, by label."""
    found, missing = {}, []
    for record in source.records:
        if record.memory is None:
            continue
        label = record.policy.label
        try:
            trace = MemoryTrace.read(source.traces[label]) if label in source.traces else None
        except VosbenchError as error:
            page.faults.append(f"The trace of the memory of {label} is damaged: {error.message} ({error.hint}).")
            continue
        changes = [len(come) - len(gone) for gone, come in trace.events()] if trace else []
        if trace and np.cumsum(changes).tolist() == list(record.memory.tokens):
            found[label] = trace
        else:
            missing.append(label)
    if missing:
        of = f" of {', '.join(missing)}" if found else ""
        page.notes.append(
            f"There is no trace of the memory{of}: the same `vosbench run` with --keep-memory-trace leaves one, which "
            "shows what was held at each frame."
        )
    return found


def _object(one: ObjectSeries) -> dict[str, Any]:
    return {
        "id": one.object_id,
        "frames": list(one.places),
        "in_video": one.frames is not None,
        "j": {label: _rounded(values) for label, values in one.j.items()},
        "f": {label: _rounded(values) for label, values in one.f.items()},
    }


def _strategy(record: RunRecord) -> dict[str, Any]:
    """What a strategy cost, frame by frame; nothing of a control."""
    return {
        "label": record.policy.label,
        "kind": who([record])["kind"],
        "failure": record.failure.reason if record.failure else None,
        "latency": [round(value, 1) for value in latency_ms(record)],
        "tokens": list(record.memory.tokens) if record.memory else [],
        "tokens_per_frame": record.memory.tokens_per_frame if record.memory else None,
    }


def _rounded(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 3) for value in values]


def thumbnail_name(moment: Moment) -> str:
    """The file of the pictures of a moment, beside those of its sequence."""
    return f"moment-{moment.object_id}-{moment.frame}.webp"


def _thumbnails(footage: Footage, names: Sequence[str], moments: Sequence[Moment]) -> dict[str, bytes]:
    """Truth, best and worst strategy side by side, of each moment."""
    files = {}
    frames = {frame.name: frame for frame in footage.frames}
    for moment in (moment for moment in moments if moment.in_video):
        name = names[moment.frame]
        sound = {moment.best, moment.worst} <= footage.masks.keys()
        if sound and name in frames and thumbnail_name(moment) not in files:
            rgb, truth = _small(frames[name].load()), footage.true_labels(name)
            true = None if truth is None else _small(truth)
            drawn = [] if true is None else [overlay(rgb, true)]
            drawn += [overlay(rgb, _small(footage.labels(s, name)), true) for s in (moment.best, moment.worst)]
            files[thumbnail_name(moment)] = webp(np.concatenate(drawn, 1), 70)
    return files


def _small(pixels: np.ndarray) -> np.ndarray:
    across = min(THUMBNAIL, pixels.shape[1])
    return resized(pixels, (max(1, round(pixels.shape[0] * across / pixels.shape[1])), across))
