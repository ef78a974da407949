"""The folder of a run: whose it is, what in it is finished, and nothing in it that belongs to other conditions.

It holds `records/<strategy>/<sequence>.json`, beside it `<sequence>.npz` where a trace of the memory is kept,
`masks/<strategy>/<sequence>/<frame>.png`, and, for pictures of them, where the data set is.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vosbench.base.atomic import UNFINISHED
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import DATA_ROOT, RunRecord, read_record, write_record
from vosbench.bench.suite import INCIDENTAL
from vosbench.errors import VosbenchError
from vosbench.video import Sequence

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make the folder, and hold it against other processes; the system lets go of it when this one ends, however.

    Raises VosbenchError at once if another process has it, and OSError if it cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise VosbenchError(
            f"another run{_process(path)} is at work in {folder}", "wait until it has ended, or choose another --out"
        ) from None
    try:
        path.write_text(f"{os.getpid()}\n")
        yield
    finally:
        lock.release()


def _process(lock: Path) -> str:
    """Who has a lock, as far as it is told."""
    try:
        return f" (process {int(lock.read_text())})"
    except (OSError, ValueError):
        return ""


def is_finished(task: Task) -> bool:
    """Whether there is a record of the task that still holds: nothing that determines it has changed, it did not
    fail, and the masks that it speaks of are there as they were written.
    """
    try:
        record = read_record(task.record)
    except VosbenchError:
        return False
    if task.video is None or record.identity != task.identity:
        return False
    return record.masks == masks_hash(task.masks, task.video) is not None


def masks_hash(masks: Path, sequence: Sequence) -> str | None:
    """A hash (BLAKE2b, 32 hex digits) of the masks of a sequence in the folder of a strategy; None if one is absent."""
    hasher = hashlib.blake2b(digest_size=16)
    for index in sequence.output_frames:
        path = masks / sequence.name / f"{sequence.frames[index].name}.png"
        try:
            content = path.read_bytes()
        except OSError:
            return None
        hasher.update(f"{path.name} {len(content)}\n".encode(errors="surrogateescape") + content)
    return hasher.hexdigest()


def prepare(plan: Plan, fresh: bool) -> None:
    """Clear away what a killed run left half-written, and, if `fresh`, the results of other conditions; results of the
    same strategy that has another text or label now go where they belong.

    Raises VosbenchError if there are such and it is not `fresh`: beside them the new results would mean nothing.
    """
    records = plan.folder / "records"
    own = {task.record for task in plan.tasks}
    tasks = {task.identity: task for task in plan.tasks}
    for path in sorted(records.glob("*/*.json")):
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
                if not is_finished(task):
                    _rename(plan.folder / "masks" / path.parent.name / path.stem, path, record, task)
            elif not fresh:
                raise VosbenchError(
                    f"{plan.folder} holds results of {_difference(record, plan)}",
                    "choose another --out, or give --fresh to throw them away",
                )
        path.unlink()
        path.with_suffix(".npz").unlink(missing_ok=True)
        masks = plan.folder / "masks" / path.parent.name
        shutil.rmtree(masks / path.stem, ignore_errors=True)
        for folder in (path.parent, masks):
            with suppress(OSError):  # others of the strategy's sequences are there
                folder.rmdir()
    for part in (*records.glob(f"*/.*{UNFINISHED}"), *(plan.folder / "masks").glob(f"*/.*{UNFINISHED}")):
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    if plan.suite.root is not None:
        (plan.folder / DATA_ROOT).write_bytes(os.fsencode(Path(plan.suite.root).absolute()))


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
    write_record(task.record, replace(record, policy=task.policy))


def _difference(record: RunRecord, plan: Plan) -> str:
    """What is different about the conditions of a record that are not those of a plan, in words."""
    if record.conditions == plan.conditions:
        return f"sequence {record.sequence} of other files than are there now"
    theirs, own = (_told(one) for one in (record, plan.blank_record(plan.tasks[0])))
    differing = [f"{key} {theirs[key]}, not {own[key]}" for key in own if key in theirs and theirs[key] != own[key]]
    return f"other conditions ({'; '.join(differing) or 'the source of vosbench, or a library below it'})"


def _told(record: RunRecord) -> dict[str, Any]:
    """What a record tells of its conditions; an older one tells less."""
    dataset, environment = record.dataset, record.environment
    return {
        **{key: value for key, value in record.suite.items() if key not in INCIDENTAL},
        **asdict(record.settings),
        "dataset": dataset.name,
        "split": dataset.split,
        "frame_mode": dataset.frame_mode,
        "model": f"{record.model.name} {record.model.checkpoint_hash:.8}…",
        "threads": environment.threads if environment.device == "cpu" else None,
        "torch": environment.torch,
        "numpy": environment.numpy,
    }
