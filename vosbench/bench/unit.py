"""One unit of a run that is shared out: the tasks of a sequence, or some of them, in whatever process it is done.

The parcel holds all that the process must know. Where it sees the folder of the run, records and masks are written
there as always; where it does not, they are sent back. What is finished and valid is not done again, whoever asks.
"""

import io
import os
import pickle
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from vosbench.base.atomic import replacing
from vosbench.base.hashing import source_hash
from vosbench.base.own_files import contents_of, load, own_modules, renew
from vosbench.bench.folder import forget, sweep, unfinished
from vosbench.bench.identity import environment, library_versions
from vosbench.bench.passes import Progress
from vosbench.bench.plan import Plan, Task
from vosbench.bench.runner import to_do, work_off
from vosbench.bench.scoring import AtOnce
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.inference.threads import threads
from vosbench.models.base import Network
from vosbench.models.checkpoint import read_checkpoint

TOKEN = ".shared"  # a file by whose content a process knows that it sees the folder of the run
Files = dict[str, bytes]  # a record, its trace and its masks by their names
_environment, _dataset = cache(environment), cache(open_dataset)


@dataclass(frozen=True)
class Parcel:
    """A unit on its way. `plan` is pickled, and needs some of `modules`, which are files; `contents` tells what these
    and those that they import are to hold.
    """

    modules: dict[str, str]
    contents: dict[str, str]
    here: str
    folder: str
    token: str
    code: tuple[str, ...]
    plan: bytes


class _Unpickler(pickle.Unpickler):
    """Reads the plan of a parcel; loads the files that it needs."""

    def __init__(self, parcel: Parcel) -> None:
        super().__init__(io.BytesIO(parcel.plan))
        self._modules = parcel.modules

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name in self._modules:
            load(module_name, Path(self._modules[module_name]))  # which `renew` has looked at
        return super().find_class(module_name, global_name)


def pack(plan: Plan, tasks: Iterable[Task], token: str) -> bytes:
    """The parcel of some tasks of a plan; `token` is what the file `TOKEN` in the folder of the run holds."""
    part, folder = plan.part(tasks), str(plan.folder.absolute())
    content = pickle.dumps(part)
    named = {Path(one).absolute() for one in (plan.suite.model, plan.suite.dataset)}
    modules = {n: f for n, f in own_modules().items() if n.encode() in content or Path(f).absolute() in named}
    contents = contents_of(map(Path, modules.values()))
    return pickle.dumps(Parcel(modules, contents, os.getcwd(), folder, token, _code(), content))


def carry_out(content: bytes, progress: Progress) -> list[Files] | None:
    """Carry out a parcel; None where what it made lies in the folder of the run, else that of each of its tasks.

    Raises VosbenchError as `runner.execute` does, and if the code, the libraries, the weights or the files are others
    here.
    """
    parcel: Parcel = pickle.loads(content)
    if parcel.code != _code():
        told = f"{', '.join(_code())}, not {', '.join(parcel.code)}"
        message = f"a worker has other code of vosbench or other libraries: {told}"
        raise VosbenchError(message, "install the same on all machines")
    with suppress(OSError):
        os.chdir(parcel.here)
    if renew(parcel.contents):
        _network.cache_clear()
        _dataset.cache_clear()
    plan: Plan = _Unpickler(parcel).load()
    # What it was sent without, and what is this process's own.
    suite, weights = plan.suite, (plan.checkpoint.sha256, plan.checkpoint.source_hash)
    plan.model = _network(suite.model, *weights, str(plan.device), suite.affinity, suite.precision)
    plan.environment = _environment(plan.device, plan.environment.threads)
    is_seen = False
    with suppress(OSError):
        is_seen = (Path(parcel.folder) / TOKEN).read_text() == parcel.token
    with threads(plan.environment.threads), tempfile.TemporaryDirectory() as folder:
        if not is_seen:
            plan.tasks = tuple(_moved(plan, task, Path(folder)) for task in plan.tasks)
        sweep(plan.tasks)  # of what kills workers the scheduler takes care
        work_off(plan, *to_do(plan, False), progress, AtOnce() if suite.jobs == 1 else None)
        return None if is_seen else [_read(task) for task in plan.tasks]


def unpack(task: Task, files: Files) -> None:
    """Write what was sent back of a task, the record last."""
    forget(task)
    part = unfinished(task)
    for name, content in files.items():
        if name.endswith(".png"):
            with replacing(part / name, "mask") as temporary:
                temporary.write_bytes(content)
    if part.exists():
        part.rename(task.masks / task.name)
    for path in (task.trace, task.record):
        if path.name in files:
            with replacing(path, "record", durable=True) as temporary:
                temporary.write_bytes(files[path.name])


def _code() -> tuple[str, ...]:
    return (source_hash("vosbench.bench.unit"), *library_versions())


@lru_cache(1)
def _network(model: str, sha256: str, source: str, device: str, affinity: Any, precision: Any) -> Network:
    checkpoint = read_checkpoint(model)
    if (checkpoint.sha256, checkpoint.source_hash) != (sha256, source):
        raise VosbenchError(f"a worker has other weights under {model}", "give all machines the same weights")
    return checkpoint.build(device, affinity, precision)


def _moved(plan: Plan, task: Task, folder: Path) -> Task:
    """A task whose results go to another folder, and whose files are those of this machine."""
    if task.video is not None:
        suite, fingerprint = plan.suite, plan.blank_record(task).fingerprint
        shown = {"frame_mode": suite.frame_mode, "trust_masks": suite.trust_masks}
        dataset = _dataset(suite.dataset, suite.root, suite.split, **shown)
        if dataset.fingerprint(task.name) != fingerprint:
            raise VosbenchError(f"a worker has other files of {task.name}", "give all machines the same data")
        task = replace(task, video=dataset.sequence(task.name))
        if task.name in plan.truths:
            plan.truths[task.name] = dataset.truth(task.name)
    name = task.record.parent.name
    return replace(task, record=folder / "records" / name / task.record.name, masks=folder / "masks" / name)


def _read(task: Task) -> Files:
    paths = [task.record, task.trace, *(task.masks / task.name).glob("*.png")]
    return {path.name: path.read_bytes() for path in paths if path.exists()}
