"""Everything that is wrong with a folder of predicted masks, before it is scored or submitted."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from vosbench.base.processes import Crew
from vosbench.base.values import Count, checked
from vosbench.datasets.base import Dataset
from vosbench.datasets.files import MASKS, entries, explain_no_pictures, subfolders
from vosbench.datasets.label_pngs import binary_pngs, label_pngs
from vosbench.datasets.placed import placed
from vosbench.datasets.problems import Problem
from vosbench.errors import SequenceError, VosbenchError, a_few
from vosbench.images import VOID, Picture, read_size
from vosbench.metrics.evaluate import plan
from vosbench.metrics.fitness import advice, is_excused, misfit, nowhere, require_sound
from vosbench.metrics.protocols import Protocol, find_protocol
from vosbench.metrics.reading import read_prediction
from vosbench.video import MaskSource, ObjectMasks

LEAK_SHARE = 0.5  # of a sequence's scored frames: a prediction equal to the truth in more is suspicious


@dataclass(frozen=True)
class Expected:
    """What the predictions of a sequence are held against.

    frames: names that must be there. known: all names that may. truth: true masks, where they are to be compared.
    pictures: what else gives a mask's size. layouts: in which masks are looked for, in order. rules: None for a server.
    listed: ids that may be predicted beside those of the masks, `object_ids`. trusted: masks are taken as they are,
    though they look smoothed.
    """

    sequence: str
    frames: tuple[str, ...]
    known: frozenset[str]
    object_ids: frozenset[int]
    layouts: tuple[Callable[[Path], Mapping[str, MaskSource]], ...]
    truth: Mapping[str, MaskSource] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    rules: Protocol | None = None
    listed: frozenset[int] = frozenset()
    trusted: bool = False


@checked('vosbench.check_predictions("masks", vosbench.open_dataset("davis2017", "DAVIS"))')
def check_predictions(
    predictions: Path | str,
    dataset: Dataset,
    protocol: Protocol | str | Path | None = None,
    jobs: Count | None = None,
    progress: Callable[[int, int], None] | None = None,
    for_server: bool = False,
) -> list[Problem]:
    """Every problem of the masks `<predictions>/<sequence>/<frame>.png`, each in one line with what to do.

    Missing and unexpected sequences and frames, unreadable files, colour pictures, wrong sizes, 0/255 and anti-aliased
    masks, unknown ids, objects never predicted, masks that equal the ground truth, and faults of the data set itself.
    Raises VosbenchError for an unknown protocol.

    protocol, jobs: as in `score.score`. progress: called with the number of sequences done and the number of all.
    for_server: hold them against what a server wants, `Sequence.output_frames`, not the truth; so for private splits.
    """
    predictions = Path(predictions)
    if not predictions.is_dir():
        return [Problem.of(predictions, no_folder(predictions))]
    rules = protocol if isinstance(protocol, Protocol) else find_protocol(str(protocol or dataset.default_protocol))
    names = dataset.sequence_names()
    absent = [name for name in names if not (predictions / name).is_dir()]
    faults = {name: unusable(dataset, name) if len(absent) < len(names) else None for name in absent}
    missing = [name for name, fault in faults.items() if fault is None]
    extra = sorted(set(subfolders(predictions)) - set(dataset.split_names()))
    found = [Problem.of(dataset.mask_folder(name), fault) for name, fault in faults.items() if fault]
    if missing:
        message = f"{predictions} lacks {len(missing)} of {len(names)} sequences: {a_few(missing)}"
        hint = "" if len(missing) < len(names) else elsewhere(predictions, names)
        otherwise = "run the missing sequences, or score a choice: dataset.only([…]) (--sequences)"
        found.append(Problem(predictions, message, hint or otherwise))
        extra = [] if hint else extra
    if extra:
        message = f"{predictions} holds folders that are no sequence of {dataset.name} {dataset.split}: {a_few(extra)}"
        found.append(Problem(predictions, message, "these are never scored; check the split and the spelling"))
    present = [name for name in names if name not in faults]
    with Crew(check_sequence, len(present), jobs) as crew:
        for_server = for_server or dataset.is_private
        tasks = []
        for name in present:
            try:
                tasks.append((predictions / name, _expected(dataset, name, None if for_server else rules)))
            except VosbenchError as error:  # of the data set: others are checked all the same
                found.append(Problem.of(dataset.mask_folder(name), error))
        return found + [problem for of_sequence in crew.map(tasks, progress) for problem in of_sequence]


def no_folder(predictions: Path) -> VosbenchError:
    """The error for what is given as a folder of masks and is none."""
    unpack = explain_no_pictures(predictions, MASKS) if predictions.exists() else ""
    return VosbenchError(f"{predictions} is not a folder", unpack or "give the folder of <sequence>/<frame>.png")


def elsewhere(predictions: Path, names: Iterable[str]) -> str:
    """What to do about a folder without the sequences `names` where it is one of them, or they are below it, as in that
    of a run; "" if neither.
    """
    wanted = list(names)
    for folder in (predictions / "masks", predictions):
        if found := [inner for inner in subfolders(folder) if any((folder / inner / n).is_dir() for n in wanted)]:
            beside = f"; or {a_few(found[1:])} beside it" if found[1:] else ""
            return f"give the folder of one method: {folder / found[0]}{beside}"
    if predictions.resolve().name in wanted:
        return f"that is the folder of one sequence: give the folder above it, {predictions.resolve().parent}"
    return ""


def unusable(dataset: Dataset, name: str) -> SequenceError | None:
    """Why no method can have masks of a sequence: its frames or its true masks, all of which it reads, cannot be used.

    Frames do not count where no sequence has any, since scores need none.
    """
    framed = any(dataset.frame_folder(other).is_dir() for other in dataset.split_names())
    sizes: set[tuple[int, ...]] = set()
    try:
        if not dataset.is_private:
            require_sound(dataset.truth(name))
        for frame in dataset.sequence(name).frames if framed else ():
            sizes.add(frame.load().shape)
            if len(sizes) > 1:
                message = f"frame {frame.name} of {name} is of another size than those before it"
                raise VosbenchError(message, "all frames of a sequence must have one size")
    except VosbenchError as error:
        return SequenceError(error.message, error.hint)
    return None


def truth_problems(dataset: Dataset, name: str, rules: Protocol) -> list[Problem]:
    """Why the ground truth of a sequence that is sound cannot be scored by a protocol, or would give a false score."""
    if dataset.is_private:
        return []
    try:
        truth = dataset.truth(name)
        with warnings.catch_warnings(action="ignore"):  # of masks that were told of as those of the data set
            ids = dataset.sequence(name).object_ids
        if (reason := misfit(truth, rules, ids)) is not None:
            fault = Problem(dataset.mask_folder(name), reason.message, advice(truth, ids))
            if not is_excused(truth, rules, dataset.default_protocol):
                return [fault]
            return [replace(fault, message=f"{fault.message}: it will not be scored", warning=True)]
        gap, doubt = nowhere(truth, rules), rules.objects.doubt(truth)
    except VosbenchError as error:
        return [Problem.of(dataset.mask_folder(name), error)]
    found = [] if gap is None else [Problem.of(dataset.mask_folder(name), gap)]
    return found if doubt is None else [*found, Problem.of(dataset.mask_folder(name), doubt, warning=True)]


def _expected(dataset: Dataset, name: str, rules: Protocol | None) -> Expected:
    """What a protocol scores; what a server wants if there is none, or none of it can be scored."""
    readers, trusted = (dataset.read_masks, label_pngs), dataset.trusts_masks
    if rules is None or misfit(dataset.truth(name), rules):
        video = dataset.sequence(name)
        wanted = tuple(video.frames[index].name for index in video.output_frames)
        pictures = {f.name: f.source for f in video.frames if not isinstance(f.source, np.ndarray)}
        known, ids = frozenset(f.name for f in video.frames), frozenset(video.object_ids)
        listed = frozenset(dataset.about_objects(name).get("listed") or ())
        return Expected(name, wanted, known, ids, readers, pictures=pictures, listed=listed, trusted=trusted)
    truth = dataset.truth(name)
    planned = plan(truth, rules)
    ids = frozenset(planned.object_ids)
    if not rules.objects.first_frame_decides:
        ids |= {i for source in truth.masks.values() for i in source.load().present()}
        ids -= {VOID} if rules.void == "background" else set()
    known, layouts = frozenset(truth.frame_names), (binary_pngs,) if rules.binary else readers
    return Expected(name, planned.frames, known, ids, layouts, truth.masks, rules=rules, trusted=trusted)


def check_sequence(folder: Path, expected: Expected) -> list[Problem]:
    """Every problem of the predicted masks of one sequence."""
    try:
        masks = next(filter(None, (layout(folder) for layout in expected.layouts)), {})
        masks = placed(expected.sequence, masks, expected.trusted)
    except VosbenchError as error:
        return [Problem.of(folder, error)]
    found = list(_name_problems(folder, masks, expected))
    seen: dict[int, str] = {}
    shown: set[int] = set()  # by the truth
    equal = usable = refused = 0
    scored = set(expected.frames)
    for name, source in masks.items():
        if name not in expected.known:
            continue
        try:
            truth = _read(expected.truth[name].load(), expected) if name in expected.truth else None
            size = truth.size if truth else read_size(picture) if (picture := expected.pictures.get(name)) else None
            checked = source.check(size)
            predicted = _read(checked, expected)
        except VosbenchError as error:
            found.append(Problem.of(Path(source.where), error))
            refused += 1
            continue
        if checked.doubt:
            found.append(Problem.of(Path(source.where), checked.doubt, warning=True))
        shown.update(truth.present() if truth else expected.object_ids)
        for object_id in predicted.present():
            if expected.rules is None or name in scored or object_id in expected.object_ids:
                seen.setdefault(object_id, name)
        if truth is not None and truth.covered().any() and name in scored:
            usable += 1
            equal += predicted.equals(truth)
    if seen or not refused:  # masks that are refused are not empty
        found += _id_problems(folder, seen, shown, expected)
    if usable >= 3 and equal > LEAK_SHARE * usable:
        message = f"{folder} equals the ground truth in {equal} of {usable} scored frames"
        found.append(Problem(folder, message, "did the method get the annotations as input? Scores would mean nothing"))
    return found


def _read(masks: ObjectMasks, expected: Expected) -> ObjectMasks:
    return masks if expected.rules is None else read_prediction(masks, expected.rules)


def _name_problems(folder: Path, masks: Mapping[str, MaskSource], expected: Expected) -> Iterable[Problem]:
    if missing := [name for name in expected.frames if name not in masks]:
        message = f"{folder} lacks {len(missing)} of {len(expected.frames)} masks: frames {a_few(missing)}"
        yield Problem(folder, message, "every scored frame needs a mask, an empty one where nothing is seen")
    if extra := sorted(masks.keys() - expected.known):
        message = f"{folder} holds masks of frames that the video does not have: {a_few(extra)}"
        yield Problem(folder, message, "these are never scored; check the names and the frame mode")
    files = [path for source in masks.values() for path in source.files()]
    if expected.rules is None and (no_png := [path.name for path in files if path.suffix.lower() in MASKS - {".png"}]):
        yield Problem(folder, f"{folder} holds masks that are no PNG: {a_few(no_png)}", "a server takes PNGs only")
    used = {path.relative_to(folder).parts[0] for path in files}
    if other := [path.name for path in entries(folder) if path.name not in used]:
        yield Problem(folder, f"{folder} holds what is no mask: {a_few(other)}", "masks must be PNGs; JPEG blurs ids")


def _id_problems(folder: Path, seen: dict[int, str], shown: set[int], expected: Expected) -> Iterable[Problem]:
    """`seen` maps each predicted id to the first frame that holds it; `shown` are those that are to be seen."""
    if not seen:
        message = f"{folder}: every mask is empty"
        yield Problem(folder, message, "nothing was predicted: did the method get the first mask?")
        return
    if expected.rules is not None and not expected.rules.objects.keeps_ids:
        return  # any id goes
    if extra := sorted(set(seen) - expected.object_ids - expected.listed):
        ids = a_few(map(str, extra))
        message = f"{folder} holds ids that the ground truth does not have: {ids}, first in {seen[extra[0]]}"
        yield Problem(folder, message, "an object keeps the id of its first annotation, everything else is 0")
    if never := sorted(expected.object_ids.intersection(shown).difference(seen)):
        message = f"{folder}: no mask holds object {a_few(map(str, never))}"
        hint = "the object scores 0 wherever it is to be seen; were ids renumbered?"
        yield Problem(folder, message, hint, warning=expected.rules is None)  # a server takes them
