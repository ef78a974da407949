"""A run shared out among worker processes, of this machine or of many, by Dask distributed.

The unit is a sequence under a group of strategies. A worker that dies costs its unit another try elsewhere; one that
kills its worker again and again is taken apart, so that the strategy alone that does it fails on that sequence.
"""

import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import current_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from loky import cpu_count

from vosbench.base.processes import starting
from vosbench.base.signals import held
from vosbench.base.values import Count, checked
from vosbench.bench.cutting import Unit, cut
from vosbench.bench.folder import finished, forget, sweep
from vosbench.bench.passes import Progress
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import Failure, RunRecord, write_record
from vosbench.bench.scheduler import answering
from vosbench.bench.suite import Suite
from vosbench.bench.unit import TOKEN, Files, carry_out, pack, unpack
from vosbench.errors import VosbenchError
from vosbench.memory.blame import gpu_failed

if TYPE_CHECKING:
    from distributed import Client

TRIES = 3  # so many workers may die of a unit
LONELY = 30  # seconds after which a worker ends that has lost its scheduler
TOPIC = "vosbench"
EVERY = 1.0  # seconds between two messages of a worker about frames


class Cluster:
    """Who carries out a run: `workers` processes of this machine, one for each GPU or for an equal share of the cores;
    or those of a Dask scheduler that is there, at `address`, or as its `scheduler_file` says.

    They start with the first run, and end with the context that this manages. `say` is told, line by line, what a user
    wants to know of them; with a `dashboard`, where Dask serves its pages.

    Raises VosbenchError unless exactly one of the first three is given, and where Dask is not installed.
    """

    @checked("vosbench.Cluster(workers=8)")
    def __init__(
        self,
        workers: Count | None = None,
        address: str | None = None,
        scheduler_file: Path | str | None = None,
        dashboard: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        if dashboard and workers is address is scheduler_file is None:
            raise VosbenchError(
                "a dashboard shows what workers do, and there are none",
                "give --workers 8, --cluster tcp://HOST:8786 or --scheduler-file FILE as well",
            )
        if sum(one is not None for one in (workers, address, scheduler_file)) != 1:
            raise VosbenchError(
                "a cluster is a number of workers of this machine, or the address or the file of a scheduler",
                "give one of them: --workers 8, --cluster tcp://HOST:8786 or --scheduler-file FILE",
            )
        if find_spec("distributed") is None:
            raise VosbenchError("workers need Dask", "pip install 'vosbench[cluster]'")
        self._workers, self._address, self._file = workers, address, scheduler_file
        self._dashboard, self._say = dashboard, say
        self._open = ExitStack()
        self._started: Client | None = None

    def adapted(self, suite: Suite) -> Suite:
        """The suite with the GPU that each worker has, or with the threads of the share of a CPU that it has."""
        if suite.device != "cpu":
            return replace(suite, device=suite.device.partition(":")[0])
        share = max(1, cpu_count() // self._workers) if self._workers else 1
        return replace(suite, threads=suite.threads or share)

    def work_off(
        self, plan: Plan, todo: list[Task], to_score: list[tuple[Task, RunRecord]], progress: Progress | None
    ) -> None:
        """Do the tasks in `todo`, and score those in `to_score` again.

        Raises VosbenchError if the scheduler is lost, and what a unit raises.
        """
        for task in todo:
            if finished(task):  # and done again all the same
                forget(task)
        tasks = todo + [task for task, _ in to_score]
        order = {name: place for place, name in enumerate(dict.fromkeys(task.name for task in plan.tasks))}
        tasks.sort(key=lambda task: order[task.name])
        token = secrets.token_hex(8)
        (plan.folder / TOKEN).write_text(token)
        try:
            client = self._client(plan)
            if not self._workers and not client.nthreads():
                where = self._file or self._address
                self._say(f"the scheduler at {where} has no workers yet: waiting for some (dask worker --nthreads 1)")
            units = cut(tasks, self._workers or len(client.nthreads()))
            _Dispatch(client, plan, token, progress, self._say).carry_out(units)
            sweep(plan.tasks)
        except OSError as error:
            if type(error).__name__ == "CommClosedError":  # Dask's, which may not be imported yet
                raise _gone() from None
            raise
        finally:
            (plan.folder / TOKEN).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with held():
            self._open.close()
            self._started = None

    def _client(self, plan: Plan) -> "Client":
        """The client, whose workers are started now if they have not been yet."""
        if self._started is None:
            import dask

            settings = {
                "scheduler.allowed-failures": TRIES - 1,
                "scheduler.worker-saturation": 1.0,
                # Threads share the heap of the process, which keeps what torch will ask for again.
                "nanny.pre-spawn-environ": {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
                "worker.profile.enabled": False,
                "worker.multiprocessing-method": "forkserver",  # torch is imported once for all
            }
            self._open.enter_context(dask.config.set({f"distributed.{key}": v for key, v in settings.items()}))
            with held():  # what was imported by half cannot end in peace
                from distributed import Client
                from distributed.utils import get_mp_context

            get_mp_context().set_forkserver_preload([__name__, "distributed.nanny", "vosbench.bench.forkserver"])
            for name in ("distributed", "distributed.client"):
                logging.getLogger(name).setLevel(logging.CRITICAL)  # deaths are told by `say`
            where = (
                self._open.enter_context(self._own(plan))
                if self._workers
                else answering(self._address, self._file, LONELY)
            )
            self._started = self._open.enter_context(Client(where, timeout=LONELY, set_as_default=False))
            if self._dashboard:
                self._say(f"dashboard: {self._started.dashboard_link}")
        return self._started

    def _own(self, plan: Plan) -> Any:
        """A scheduler in this process, and workers, which end with it."""
        from distributed import Nanny, Scheduler
        from distributed.deploy.spec import SpecCluster

        gpus = [*map(str, range(torch.cuda.device_count()))] if plan.device.type == "cuda" else []
        if visible := os.environ.get("CUDA_VISIBLE_DEVICES"):
            gpus = visible.split(",")[: len(gpus)]
        options = {
            "nthreads": 1,
            "memory_limit": None,  # the system's business: a worker that Dask pauses would wait for ever
            "death_timeout": LONELY,
            "silence_logs": logging.CRITICAL,
            "dashboard": False,
        }
        workers = {
            number: {
                "cls": Nanny,
                "options": options | {"env": {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}},
            }
            for number in range(self._workers or 0)
        }
        pages = {"dashboard": self._dashboard, "dashboard_address": "127.0.0.1:0"}
        scheduler = {"cls": Scheduler, "options": {"protocol": "tcp://", "host": "127.0.0.1", "port": 0, **pages}}
        with starting():  # what a terminal sends to all of them is this process's business
            return SpecCluster(workers, scheduler, silence_logs=logging.CRITICAL)


class _Dispatch:
    """Hands out the units of a plan and takes what comes back."""

    def __init__(
        self, client: "Client", plan: Plan, token: str, progress: Progress | None, say: Callable[[str], None]
    ) -> None:
        self._client, self._plan, self._token, self._progress, self._say = client, plan, token, progress, say
        self._units: dict[Any, Unit] = {}
        self._starts = Counter[str]()
        self._told = Counter[tuple[str, str]]()
        self._passes = {(t.policy.label, t.name): plan.suite.repeats if t.timed else 1 for t in plan.tasks}

    def carry_out(self, units: Sequence[Unit]) -> None:
        """Return when all is done. Raises VosbenchError if the scheduler is lost, and what a unit raises."""
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        self._client.subscribe_topic(TOPIC, self._hear)
        try:
            completed = as_completed([self._submit(unit) for unit in units], loop=self._client.loop)
            for future in completed:
                unit = self._units.pop(future)
                try:
                    files = future.result()
                except KilledWorker:
                    for part in self._after_deaths(unit, self._starts[future.key]):
                        completed.add(self._submit(part))
                except CancelledError:
                    raise _gone() from None
                else:
                    self._take(unit, files)
                future.release()
        finally:
            self._client.cancel([*self._units])
            self._client.unsubscribe_topic(TOPIC)

    def _submit(self, unit: Unit) -> Any:
        key = f"{unit.tasks[0].name}-{secrets.token_hex(4)}"
        content = pack(self._plan, unit.tasks, self._token)
        future = self._client.submit(_work, content, key=key, pure=False, priority=unit.cost)
        self._units[future] = unit
        return future

    def _take(self, unit: Unit, files: list[Files] | None) -> None:
        for task, content in zip(unit.tasks, files or (), strict=False):
            unpack(task, content)

    def _after_deaths(self, unit: Unit, starts: int) -> Iterator[Unit]:
        """What is to be tried again of a unit whose workers died: each task alone. One that was alone has failed.

        Dask blames all that was assigned to a worker: what did not begin `TRIES` times is innocent, the first time.
        """
        left = [task for task in unit.tasks if task.unscored.exists() or not finished(task)]
        if starts < TRIES and not unit.blamed:
            yield Unit(left, unit.blamed + 1)
        elif len(left) > 1:
            yield from (Unit([task]) for task in left)
        elif left:
            reason = f"its process died {TRIES} times: it crashed, was killed, or was out of memory"
            record = replace(self._plan.blank_record(left[0]), unscored=None, failure=Failure(reason, 0, 0))
            forget(left[0])
            write_record(left[0].record, record)

    def _hear(self, event: tuple[float, Any]) -> None:
        """What a worker says: the key of its unit and its name, and what `Progress` takes."""
        key, worker, label, sequence, frame, frames = event[1]
        if not label:
            self._starts[key] += 1
            if self._starts[key] > 1:
                self._say(f"a worker died at {sequence}; worker {worker} tries again")
        elif self._progress is not None:
            done = self._told[label, sequence] + (frame == frames)
            if done <= self._passes.get((label, sequence), 0):  # more of it is a further try
                self._told[label, sequence] = done
                self._progress(f"worker {worker}: {label}", sequence, frame, frames)


def _gone() -> VosbenchError:
    return VosbenchError("the scheduler is gone", "start it and this run again: what is finished is kept")


class _AbandonedError(Exception):
    """Nobody waits for this unit any more."""


def _work(content: bytes) -> list[Files] | None:
    """Carry out a parcel on a worker, which says how far it is; for as long as somebody waits for it."""
    from distributed import Status, get_worker
    from distributed.worker import thread_state

    current_process().daemon = False  # it may have processes that score
    worker, key = get_worker(), thread_state.key
    said = 0.0

    def tell(label: str, sequence: str, frame: int, frames: int) -> None:
        nonlocal said
        state = worker.state.tasks.get(key)
        if worker.status not in (Status.running, Status.paused) or state is None or state.state == "cancelled":
            raise _AbandonedError
        if frame == frames or time.monotonic() - said > EVERY:
            said = time.monotonic()
            worker.log_event(TOPIC, [key, worker.name, label, sequence, frame, frames])

    worker.log_event(TOPIC, [key, worker.name, "", key.rpartition("-")[0], 0, 0])
    try:
        return carry_out(content, tell)
    except VosbenchError as error:
        if isinstance(error.__cause__, Exception) and gpu_failed(error.__cause__):
            os._exit(1)  # nothing works on that GPU in this process any more
        raise VosbenchError(f"worker {worker.name}: {error.message}", error.hint) from None
