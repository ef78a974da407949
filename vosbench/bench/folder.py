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
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vosbench.base.atomic import UNFINISHED
from vosbench.bench.naming import record_files
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import DATA_ROOT, RunRecord, read_record, write_record
from vosbench.bench.suite import INCIDENTAL
from vosbench.errors import VosbenchError, a_few
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
    hand; and, if `fresh`, the results of other conditions. Results of the same strategy that has another text or label
    now go where they belong.

    Raises VosbenchError if there are such and it is not `fresh`: beside them the new results would mean nothing.
    """
    if (plan.folder / "curve.csv").exists():
        raise VosbenchError(f"{plan.folder} is the folder of a training", "choose another for the run: --out FOLDER")
    own = {path for task in plan.tasks for path in (task.record, task.unscored)}
    tasks = {task.identity: task for task in plan.tasks}
    for path in record_files(plan.folder):
        masks = plan.folder / "masks" / path.parent.name
        try:
            record = read_record(path)
        except VosbenchError:
            if path in own:
                continue  # it will be written again
            if not fresh:
                raise
        else:
            if record.conditions == plan.conditions and not plan.is_of_other_files(record):
                if path in own or (task := tasks.get(record.identity)) is None:
                    continue
                if not finished(task):
                    _rename(masks / path.stem, path, plan.as_asked(task, record), task)
            elif not fresh:
                other = "choose another folder (--out), or throw them away: fresh=True (--fresh)"
                if plan.suite.score and not record.suite.get("score", True):
                    root = f" --root {shlex.quote(str(plan.suite.root))}" if plan.suite.root else ""
                    where = f"--dataset {plan.data.name}{root} --split {plan.data.split}"
                    quoted = shlex.quote(str(plan.folder / "masks"))
                    other = f"score its masks: `vosbench score {quoted}/* {where}`; or {other}"
                theirs = difference(record, plan.blank_record(plan.tasks[0]))
                raise VosbenchError(f"{plan.folder} holds results of {theirs}", other)
        path.unlink()
        path.with_suffix(".npz").unlink(missing_ok=True)
        shutil.rmtree(masks / path.stem, ignore_errors=True)
        for folder in (path.parent, masks):
            with suppress(OSError):  # others of the strategy's sequences are there
                folder.rmdir()
    sweep(plan.tasks, only_finished=True)
    if plan.suite.root is not None:
        (plan.folder / DATA_ROOT).write_bytes(os.fsencode(Path(plan.suite.root).absolute()))


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
