"""Everything that is wrong with a folder of predicted masks, before it is scored or submitted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np

from vosbench.datasets.base import Dataset
from vosbench.datasets.files import MASKS, pictures, some
from vosbench.datasets.problems import Problem
from vosbench.errors import VosbenchError
from vosbench.images import VOID, check_labels, present_labels, read_labels
from vosbench.metrics.evaluate import plan
from vosbench.metrics.protocols import Protocol, find_protocol

LEAK_SHARE = 0.5  # of a sequence's scored frames: a prediction equal to the truth in more is suspicious


@dataclass(frozen=True)
class Expected:
    """What the predictions of a sequence are held against.

    frames: names that must be there. known: all names that may. truth: true masks, as far as they are public.
    """

    sequence: str
    frames: tuple[str, ...]
    known: frozenset[str]
    object_ids: frozenset[int]
    truth: dict[str, Path] = field(default_factory=dict)
    binary: bool = False
    proposals: int = 0


def check_predictions(
    predictions: Path, dataset: Dataset, protocol: str | None = None, jobs: int | None = None
) -> list[Problem]:
    """Every problem of the masks `<predictions>/<sequence>/<frame>.png`, each in one line with what to do.

    Missing and unexpected sequences and frames, unreadable files, colour pictures, wrong sizes, 0/255 and
    anti-aliased masks, unknown ids, objects never predicted, and masks that equal the ground truth. Works for
    private splits too, with what can be known there. Raises VosbenchError if the data set itself is faulty.
    """
    if not predictions.is_dir():
        return [Problem(predictions, f"{predictions} is not a folder", "give the folder of <sequence>/<frame>.png")]
    rules = find_protocol(protocol or dataset.default_protocol)
    names = dataset.sequence_names()
    missing = [name for name in names if not (predictions / name).is_dir()]
    extra = sorted(path.name for path in predictions.iterdir() if path.is_dir() and path.name not in set(names))
    found = []
    if missing:
        message = f"{predictions} lacks {len(missing)} of {len(names)} sequences: {some(missing)}"
        found.append(Problem(predictions, message, "run the missing sequences, or score a choice with --sequences"))
    if extra:
        message = f"{predictions} holds folders that are no sequence of {dataset.name} {dataset.split}: {some(extra)}"
        found.append(Problem(predictions, message, "these are never scored; check the split and the spelling"))
    expected = (_expected(dataset, name, rules) for name in names if name not in set(missing))
    workers = joblib.Parallel(n_jobs=jobs or joblib.cpu_count(), batch_size=1, return_as="generator")
    for problems in workers(joblib.delayed(check_sequence)(predictions / e.sequence, e) for e in expected):
        found.extend(problems)
    return found


def _expected(dataset: Dataset, name: str, rules: Protocol) -> Expected:
    if dataset.is_private:
        video = dataset.sequence(name)
        frames = tuple(video.frames[index].name for index in video.output_frames)
        return Expected(
            name, frames, frozenset(f.name for f in video.frames), frozenset(video.object_ids), binary=dataset.binary
        )
    truth = dataset.truth(name)
    planned = plan(truth, rules)
    ids = set(planned.object_ids)
    if not rules.first_frame_decides:
        ids |= {i for path in truth.masks.values() for i in present_labels(read_labels(path)).tolist()}
        ids -= {VOID} if rules.void == "background" else set()
    known = frozenset(truth.frame_names)
    return Expected(
        name, planned.frames, known, frozenset(ids), dict(truth.masks), planned.binary, rules.most_proposals
    )


def check_sequence(folder: Path, expected: Expected) -> list[Problem]:
    """Every problem of the predicted masks of one sequence."""
    try:
        masks = pictures(folder, MASKS)
    except VosbenchError as error:
        return [Problem.of(folder, error)]
    found = list(_name_problems(folder, masks, expected))
    seen: dict[int, str] = {}
    equal = usable = 0
    for name, path in masks.items():
        if name not in expected.known:
            continue
        try:
            labels = read_labels(path)
            truth = read_labels(expected.truth[name]) if name in expected.truth else None
            check_labels(labels, path, size=None if truth is None else truth.shape, binary=expected.binary)
        except VosbenchError as error:
            found.append(Problem.of(path, error))
            continue
        for label in present_labels(labels).tolist():
            seen.setdefault(1 if expected.binary else label, name)
        if truth is not None and truth.any() and name in set(expected.frames):
            usable += 1
            equal += np.array_equal(labels != 0, truth != 0) if expected.binary else np.array_equal(labels, truth)
    found += _id_problems(folder, seen, expected)
    if usable >= 3 and equal > LEAK_SHARE * usable:
        message = f"{folder} equals the ground truth in {equal} of {usable} scored frames"
        found.append(Problem(folder, message, "did the method get the annotations as input? Scores would mean nothing"))
    return found


def _name_problems(folder: Path, masks: Iterable[str], expected: Expected) -> Iterable[Problem]:
    present = set(masks)
    missing = [name for name in expected.frames if name not in present]
    if missing:
        message = f"{folder} lacks {len(missing)} of {len(expected.frames)} masks: frames {some(missing)}"
        yield Problem(folder, message, "every scored frame needs a mask, an empty one where nothing is seen")
    extra = sorted(present - expected.known)
    if extra:
        message = f"{folder} holds masks of frames that the video does not have: {some(extra)}"
        yield Problem(folder, message, "these are never scored; check the names and the frame mode")
    other = sorted(path.name for path in folder.iterdir() if path.suffix.lower() not in MASKS and path.name[0] != ".")
    if other:
        yield Problem(
            folder, f"{folder} holds files that are no PNG: {some(other)}", "masks must be PNGs; JPEG blurs ids"
        )


def _id_problems(folder: Path, seen: dict[int, str], expected: Expected) -> Iterable[Problem]:
    """`seen` maps each predicted id to the first frame that holds it."""
    if not seen:
        message = f"{folder}: every mask is empty"
        yield Problem(folder, message, "nothing was predicted: did the method get the first mask?")
        return
    if expected.proposals:
        return  # any id goes
    extra = sorted(set(seen) - expected.object_ids)
    if extra:
        ids = some(map(str, extra))
        message = f"{folder} holds ids that the ground truth does not have: {ids}, first in {seen[extra[0]]}"
        yield Problem(folder, message, "an object keeps the id of its first annotation, everything else is 0")
    never = sorted(expected.object_ids - set(seen))
    if never:
        message = f"{folder}: no mask holds object {some(map(str, never))}"
        yield Problem(folder, message, "the object scores 0 wherever it is to be seen; were ids renumbered?")
