"""Masks that were scored, whichever method made them, as records: what reads runs reads them too. Free of torch."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from vosbench.base.codec import encode
from vosbench.base.hashing import digest
from vosbench.bench.naming import folder_name, record_files
from vosbench.bench.record import (
    DATA_ROOT,
    DatasetInfo,
    ObjectRecord,
    PolicyInfo,
    RunRecord,
    Scores,
    read_record,
    write_record,
)
from vosbench.datasets import Dataset
from vosbench.errors import VosbenchError
from vosbench.masks.score import MaskScores
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.statistics import ObjectScore, ObjectTrace


def as_recorded(objects: Iterable[ObjectScore], traces: Iterable[ObjectTrace], protocol: Protocol) -> Scores:
    """The scores of a sequence's objects and the traces that they were made of, as a record holds them."""
    records = []
    for score, trace in zip(objects, traces, strict=True):
        j, f = tuple(trace.j.tolist()), tuple(trace.f.tolist()) if score.f else ()
        figures = score.frames, score.j, score.f
        records.append(ObjectRecord(score.object_id, *figures, j, f, score.own, trace.frames))
    return Scores(protocol.title, tuple(records))


def records_of(found: dict[str, tuple[Path, MaskScores]], dataset: Dataset, protocol: str) -> tuple[RunRecord, ...]:
    """A record for each sequence of each method: its masks' folder and their scores, by the name it is to have.

    `protocol` is the name or file of the rules. Reads every frame and mask of the data set, to say which they were.
    """
    names = dataset.sequence_names()
    faults = {name for _, scores in found.values() for name in scores.faults}
    fingerprints = {name: "" if name in faults else dataset.fingerprint(name) for name in names}
    which, in_split = (dataset.name, dataset.split, dataset.frame_mode), len(dataset.split_names())
    info = DatasetInfo(*which, sequences=len(names), in_split=in_split)
    suite = {"dataset": dataset.name, "protocol": protocol, "trust_masks": dataset.trusts_masks}
    records = []
    for position, (label, (folder, scores)) in enumerate(found.items()):
        policy = PolicyInfo(label, {}, f"{folder}/", label, "", _kind(folder), position)
        conditions = digest({"dataset": encode(info), "protocol": scores.protocol, "method": label})
        pairs: dict[str, list[tuple[ObjectScore, ObjectTrace]]] = {}
        for score, trace in zip(scores.objects, scores.traces, strict=True):
            pairs.setdefault(score.sequence, []).append((score, trace))
        for name in names:
            own = pairs.get(name, [])
            told = as_recorded([o for o, _ in own], [t for _, t in own], scores.rules) if own else None
            records.append(
                RunRecord(
                    digest({"conditions": conditions, "files": fingerprints[name], "scores": encode(told)}),
                    conditions,
                    "scored masks",
                    suite,
                    info,
                    name,
                    policy,
                    *(None, None, None, None),
                    told,
                    (),
                    None,
                    attributes=() if name in faults else dataset.attributes(name),
                    unscored=scores.unscored.get(name),
                    partial=dataset.is_partial,
                    fingerprint=fingerprints[name],
                )
            )
    return tuple(records)


def _kind(folder: Path) -> Literal["strategy", "reference", "control"]:
    """What made the masks in a folder, by the record of the run that they lie in; a strategy if there is none."""
    own = folder.resolve()
    with suppress(StopIteration, VosbenchError):
        return read_record(next((own.parent.parent / "records" / own.name).glob("*.json"))).policy.kind
    return "strategy"


def refuse_run(folder: Path) -> None:
    """Raises VosbenchError if a folder, where scores of masks are to be written, holds a run."""
    if any(read_record(path).model for path in record_files(folder)):
        raise VosbenchError(f"{folder} holds a run", "choose another --out: scores of masks would take its place")


def write_scored(folder: Path, records: Iterable[RunRecord], root: Path | None = None) -> None:
    """Write records of scored masks, in place of older ones, and where the data set is, for pictures, into a folder,
    which is then read as that of a run. Raises VosbenchError as `refuse_run`, and if it cannot be written.
    """
    refuse_run(folder)
    for path in record_files(folder):
        path.unlink()
        with suppress(OSError):  # others are still in it
            path.parent.rmdir()
    for record in records:
        write_record(folder / "records" / folder_name(record.policy) / f"{record.sequence}.json", record)
    if root is not None:
        (folder / DATA_ROOT).write_bytes(os.fsencode(root.absolute()))
