"""The folder of a run: whose it is, what in it is finished, and nothing in it that belongs to other conditions.

It holds `records/<strategy>/<sequence>.json` (`<sequence>.unscored` until the masks are scored), beside it
`<sequence>.npz` where a trace of the memory is kept, `masks/<strategy>/<sequence>/<frame>.png`, and, for pictures of
them, where the data set is.
"""

import glob
import hashlib
import os
import shlex
import shutil
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vosbench.base.atomic import UNFINISHED
from vosbench.base.hashing import digest
from vosbench.bench.naming import record_files
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import DATA_ROOT, PolicyInfo, RunRecord, read_record, write_record
from vosbench.bench.suite import INCIDENTAL
from vosbench.errors import VosbenchError, a_few
from vosbench.memory.strategy import Strategy
from vosbench.video import Sequence


def finished(task: Task) -> RunRecord | None:
    """The record of the task, or the one whose masks are not scored yet, if it still holds: nothing that determines it
    has changed, it did not fail, has times if it is to have some, and its masks are there as they were written.
    """
    for path in (task.record, task.unscored):
        try:
            record = read_record(path)
        except VosbenchError:
            continue
        if task.video is None or record.identity != task.identity or (task.timed and not record.timings):
            continue
        if record.masks == masks_hash(task.masks, task.video) is not None:
            return record
    return None


def unfinished(task: Task) -> Path:
    """The folder of the masks of a task while they are made."""
    return task.masks / f".{task.name}{UNFINISHED}"


def forget(task: Task) -> None:
    """Delete the older record, masks and trace of a task."""
    for path in (task.record, task.unscored, task.trace):
        path.unlink(missing_ok=True)
    if (folder := task.masks / task.name).exists():
        shutil.rmtree(folder)


def masks_hash(masks: Path, sequence: Sequence) -> str | None:
    """A hash (BLAKE2b, 32 hex digits) of the masks of a sequence in the folder of a strategy; None if one is absent."""
    return hash_of(masks / sequence.name / f"{sequence.frames[i].name}.png" for i in sequence.output_frames)


def hash_of(masks: Iterable[Path]) -> str | None:
    """A hash (BLAKE2b, 32 hex digits) of the files of masks, in the order of frames; None if one is absent."""
    hasher = hashlib.blake2b(digest_size=16)
    for path in masks:
        try:
            content = path.read_bytes()
        except OSError:
            return None
        hasher.update(f"{path.name} {len(content)}\n".encode(errors="surrogateescape") + content)
    return hasher.hexdigest()


def prepare(plan: Plan, fresh: bool) -> None:
    """Clear away what a killed run left half-written, but for masks that are to be made, which tell what it had in
    hand; and, if `fresh`, the results of other conditions. A strategy that has another text or label now has it in all
    sequences, also in those that are not asked for, but for those of other shards.

    Raises VosbenchError, before anything is changed, if there are such and it is not `fresh`: beside them the new
    results would mean nothing; and if a strategy is to have the name that another has there.
    """
    if (plan.folder / "curve.csv").exists():
        raise VosbenchError(f"{plan.folder} is the folder of a training", "choose another for the run: --out FOLDER")
    own = {path for task in plan.tasks for path in (task.record, task.unscored)}
    names = {task.record.parent: task.policy for task in plan.tasks}
    as_named_now = _names_now(plan)
    away: list[Path] = []
    stale: list[str] = []
    moves: list[tuple[Path, RunRecord, Task]] = []
    for path in record_files(plan.folder):
        try:
            record = read_record(path)
        except VosbenchError:
            if path in own:
                continue  # it will be written again
            if not fresh:
                raise
            away.append(path)
            continue
        task, now = as_named_now(record), names.get(path.parent)
        if record.conditions != plan.conditions or plan.is_of_other_files(record):
            if not fresh:
                raise _of_other_conditions(plan, record)
            away.append(path)
        elif task and task.record.parent != path.parent:
            moves.append((path, record, task))
        elif now and _strategy(now) != _strategy(record.policy):
            if now.text != record.policy.text and not fresh:
                raise _taken(plan, record)
            if path not in own and not plan.suite.shard:
                away.append(path)  # of a file of one's own that is another now
                stale.append(f"{record.policy.label} on {record.sequence}")
    leaving = {path: record for path, record, _ in moves}
    swapped = [other for *_, task in moves if (other := leaving.get(task.record) or leaving.get(task.unscored))]
    if swapped and not fresh:
        raise _taken(plan, swapped[0])
    if stale:
        warnings.warn(f"thrown away, as other code had made it: {a_few(stale)}", stacklevel=2)
    for path, record, task in () if swapped else moves:
        taken = finished(task) if task.video else task.record.exists() or task.unscored.exists()
        if not taken:
            named = plan.as_asked(task, record) if task.video else replace(record, policy=task.policy)
            _rename(plan.folder / "masks" / path.parent.name / path.stem, path, named, task)
    for path in (*away, *(path for path, *_ in moves)):
        _delete(path, plan.folder / "masks" / path.parent.name)
    sweep(plan.tasks, only_finished=True)
    if plan.suite.root is not None:
        (plan.folder / DATA_ROOT).write_bytes(os.fsencode(Path(plan.suite.root).absolute()))


def _names_now(plan: Plan) -> Callable[[RunRecord], Task | None]:
    """Finds the task of a record, and one like it for that of a sequence which is not asked for, but is of a strategy
    that is.
    """
    tasks = {task.identity: task for task in plan.tasks}
    strategies = {} if plan.suite.shard else {_strategy(task.policy): task for task in plan.tasks}

    def find(record: RunRecord) -> Task | None:
        if (asked := tasks.get(record.identity)) or not (like := strategies.get(_strategy(record.policy))):
            return asked
        return replace(like, name=record.sequence, video=None, record=like.record.with_name(f"{record.sequence}.json"))

    return find


def _strategy(policy: PolicyInfo) -> str:
    """What is the same for all texts and labels of a strategy."""
    return digest(asdict(Strategy(policy.name, policy.parameters)) | {"source": policy.source_hash})


def _taken(plan: Plan, record: RunRecord) -> VosbenchError:
    told = f"{plan.folder} holds results of {record.policy.spec} under the name {record.policy.label}"
    hint = "give another label, choose another folder (--out), or throw them away: fresh=True (--fresh)"
    return VosbenchError(told, hint)


def _of_other_conditions(plan: Plan, record: RunRecord) -> VosbenchError:
    hint = "choose another folder (--out), or throw them away: fresh=True (--fresh)"
    if plan.suite.score and not record.suite.get("score", True):
        root = f" --root {shlex.quote(str(plan.suite.root))}" if plan.suite.root else ""
        where = f"--dataset {plan.data.name}{root} --split {plan.data.split}"
        quoted = shlex.quote(str(plan.folder / "masks"))
        hint = f"score its masks: `vosbench score {quoted}/* {where}`; or {hint}"
    theirs = difference(record, plan.blank_record(plan.tasks[0]))
    return VosbenchError(f"{plan.folder} holds results of {theirs}", hint)


def _delete(path: Path, masks: Path) -> None:
    """Delete a record, with its trace and masks, and the folders of its strategy if nothing is left there."""
    path.unlink(missing_ok=True)
    path.with_suffix(".npz").unlink(missing_ok=True)
    shutil.rmtree(masks / path.stem, ignore_errors=True)
    for folder in (path.parent, masks):
        with suppress(OSError):  # others of the strategy's sequences are there
            folder.rmdir()


def sweep(tasks: Iterable[Task], only_finished: bool = False) -> None:
    """Clear away what killed processes left half-written; masks `only_finished`: of tasks that are."""
    for task in tasks:
        if (part := unfinished(task)).exists() and (not only_finished or finished(task)):
            shutil.rmtree(part, ignore_errors=True)
        for part in task.record.parent.glob(f".{glob.escape(task.name)}.*{UNFINISHED}"):
            part.unlink(missing_ok=True)


def _rename(masks: Path, path: Path, record: RunRecord, task: Task) -> None:
    """Give the record in `path` and the masks of a task, which it has under another name, its own."""
    target = task.masks / task.name
    shutil.rmtree(target, ignore_errors=True)
    if masks.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        masks.rename(target)
    if (trace := path.with_suffix(".npz")).exists():
        task.trace.parent.mkdir(parents=True, exist_ok=True)
        trace.replace(task.trace)
    write_record(task.record.with_suffix(path.suffix), record)


def difference(theirs: RunRecord, own: RunRecord) -> str:
    """What is different about a record that cannot stand in one folder with another, `own`."""
    if theirs.model is None or own.model is None:
        return "masks that were scored and no run made"
    if theirs.conditions == own.conditions:
        return f"sequence {theirs.sequence} of other files than are there now"
    one, other = _told(theirs), _told(own)
    differing = [f"{key} {one[key]}, not {other[key]}" for key in other if key in one and one[key] != other[key]]
    places = (record.environment for record in (theirs, own))
    commits = [place.commit for place in places if place and place.commit]
    named = f", of commit {commits[0]:.8}, not {commits[1]:.8}" if len({*commits}) == 2 else ""
    before, now = (record.suite.get("sources", {}) for record in (theirs, own))  # which older records do not have
    changed = [name for name in now if before and before.get(name) != now[name]]
    changed = changed or ["the source of vosbench", "of files of one's own", "or a library below it"]
    code = a_few(f"{name}{named}" if name.endswith("vosbench") else name for name in changed)
    return f"other conditions ({'; '.join(differing) or code})"


def _told(record: RunRecord) -> dict[str, Any]:
    """What a record tells of its conditions; an older one tells less."""
    dataset, model, environment = record.dataset, record.model, record.environment
    assert model is not None  # a run made it
    assert record.settings is not None
    assert environment is not None
    told: dict[str, Any] = {"scored by": record.scores.protocol} if record.scores else {}
    told |= {key: value for key, value in record.suite.items() if key not in {*INCIDENTAL, "sources"}}
    told |= {"protocol": told["protocol"] or "the data set's own"} if "protocol" in told else {}
    return told | {
        **asdict(record.settings),
        "dataset": dataset.name,
        "split": dataset.split,
        "frame_mode": dataset.frame_mode,
        "model": f"{model.name} {model.checkpoint_hash:.8}…",
        "threads": environment.threads if environment.device == "cpu" else None,
        "torch": environment.torch,
        "numpy": environment.numpy,
    }
