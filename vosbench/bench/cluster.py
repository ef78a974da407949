"""A run shared out among worker processes, of this machine or of many, by Dask distributed.

The unit is a sequence under a group of strategies.
"""

import asyncio
import json
import logging
import os
import re
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import current_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from loky import cpu_count

from vosbench.base.processes import starting, useful
from vosbench.base.signals import held
from vosbench.base.text import read_text
from vosbench.base.values import Count, checked
from vosbench.bench.dispatch import START, TRIES, Dispatch, cut, gone
from vosbench.bench.folder import finished, forget, sweep
from vosbench.bench.forkserver import get_ready
from vosbench.bench.passes import Progress, Recorded
from vosbench.bench.plan import Plan, Task
from vosbench.bench.suite import Suite
from vosbench.bench.unit import TOKEN
from vosbench.errors import VosbenchError

if TYPE_CHECKING:
    from distributed import Client

LONELY = 30  # seconds that a scheduler has to answer


class Cluster:
    """Who carries out a run: `workers` processes of this machine, one for each GPU or for an equal share of the cores;
    or those of a Dask scheduler that is there, at `address`, or as its `scheduler_file` says. Of this machine no more
    start than a run has units, or, on a CPU, than there are cores.

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
        if getattr(current_process(), "_inheriting", False):  # a worker, that imports the script which starts it
            raise SystemExit(1)
        given = [workers, address, scheduler_file]
        way = "--workers 8, --cluster tcp://HOST:8786 or --scheduler-file FILE"
        if dashboard and given == [None] * 3:
            raise VosbenchError("a dashboard shows what workers do, and there are none", f"give {way} as well")
        if given.count(None) != 2:
            what = "a cluster is a number of workers of this machine, or the address or the file of a scheduler"
            raise VosbenchError(what, f"give one of them: {way}")
        if find_spec("distributed") is None:
            raise VosbenchError("workers need Dask", "pip install 'vosbench[cluster]'")
        self._workers, self._address, self._file = workers, address, scheduler_file
        self._dashboard, self._say = dashboard, say
        self._open = ExitStack()
        self._started: Client | None = None
        self._running = 0  # workers of this machine

    def adapted(self, suite: Suite) -> Suite:
        """The suite with the GPU that each worker has, or with the threads of the share of a CPU that it has."""
        share = max(1, cpu_count() // self._workers) if self._workers else 1
        if self._workers:
            suite = replace(suite, jobs=min(suite.jobs, share))
        if suite.device != "cpu":
            return replace(suite, device=suite.device.partition(":")[0])
        return replace(suite, threads=suite.threads or share)

    def work_off(self, plan: Plan, todo: list[Task], to_score: list[Recorded], progress: Progress) -> None:
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
            own = useful(self._workers, len(tasks), plan.device.type == "cuda") if self._workers else 0
            units = cut(tasks, own)
            client = self._client(plan, min(own, len(units)))
            if not own:
                units = cut(tasks, len(client.nthreads()))
            if not client.nthreads():
                where = self._file or self._address
                self._say(f"the scheduler at {where} has no workers yet: waiting for some (dask worker --nthreads 1)")
            Dispatch(client, plan, token, progress, self._say).carry_out(units, todo)
            sweep(plan.tasks)
        except OSError as error:
            if type(error).__name__ == "CommClosedError":  # Dask's, which may not be imported yet
                raise gone() from None
            raise
        finally:
            (plan.folder / TOKEN).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        if self._workers:
            get_ready()
        return self

    def __exit__(self, *_: object) -> None:
        with held():
            self._open.close()
            self._started, self._running = None, 0

    def _client(self, plan: Plan, count: int) -> "Client":
        """The client, whose workers, so many of this machine, are started now if they have not been yet; all are
        started anew where one before had use for fewer.
        """
        if count > self._running:
            self.__exit__()
        if self._started is None:
            with held():  # what was imported by half cannot end in peace
                import dask
                from distributed import Client

            settings = {
                "scheduler.allowed-failures": TRIES - 1,
                "scheduler.worker-saturation": 1.0,
                "nanny.pre-spawn-environ": {},  # the process that they are forked from has it
                "worker.profile.enabled": False,
                "worker.multiprocessing-method": "forkserver",  # torch is imported once for all
                "deploy.lost-worker-timeout": START,
                "admin.tick.interval": "1s",  # that and the next took 5% of a core
                "admin.system-monitor.interval": "10s",
            }
            self._open.enter_context(dask.config.set({f"distributed.{key}": v for key, v in settings.items()}))
            for name in ("distributed", "distributed.client"):
                logging.getLogger(name).setLevel(logging.CRITICAL)  # deaths are told by `say`
            own = self._open.enter_context(self._own(plan, count)) if count else None
            self._running = count
            where = own or answering(self._address, self._file)
            self._started = self._open.enter_context(Client(where, timeout=LONELY, set_as_default=False))
            if self._dashboard:
                self._say(f"dashboard: {self._started.dashboard_link}")
        return self._started

    def _own(self, plan: Plan, count: int) -> Any:
        """A scheduler in this process, and so many workers, which end with it."""
        from distributed import Nanny, Scheduler
        from distributed.deploy.spec import SpecCluster

        get_ready()
        gpus = [*map(str, range(torch.cuda.device_count()))] if plan.device.type == "cuda" else []
        if visible := os.environ.get("CUDA_VISIBLE_DEVICES"):
            gpus = visible.split(",")[: len(gpus)]
        own = [{"env": {"CUDA_VISIBLE_DEVICES": gpu}} for gpu in gpus] or [{}]  # of each worker in turn
        options = {
            "nthreads": 1,
            "memory_limit": None,  # the system's business: a worker that Dask pauses would wait for ever
            "death_timeout": START,
            "silence_logs": logging.CRITICAL,
            "dashboard": False,
        }
        workers = {number: {"cls": Nanny, "options": options | own[number % len(own)]} for number in range(count)}
        pages = {"dashboard": self._dashboard, "dashboard_address": "127.0.0.1:0"}
        scheduler = {"cls": Scheduler, "options": {"protocol": "tcp://", "host": "127.0.0.1", "port": 0, **pages}}
        try:
            with starting():  # what a terminal sends to all of them is this process's business
                return SpecCluster(workers, scheduler, silence_logs=logging.CRITICAL)
        except RuntimeError:
            raise VosbenchError(
                'a worker did not start: a script must start them under `if __name__ == "__main__":`',
                "workers import the script that starts them; if it does so, run again when the machine is less busy",
            ) from None


def answering(address: str | None, file: Path | str | None) -> str:
    """The address of the scheduler at an address, or of that whose file it is; it answers. A client that is made where
    none does leaves threads behind.

    Raises VosbenchError if none does within `LONELY` seconds, and for what is no address or no such file.
    """
    from distributed.core import rpc
    from distributed.security import Security

    async def identity(where: str) -> Any:
        async with rpc(where, timeout=LONELY, connection_args=Security().get_connection_args("client")) as scheduler:
            return await scheduler.identity()

    found = str(address) if file is None else _address_in(Path(file))
    if not re.search(r":\d+$", found):
        raise VosbenchError(f"{found} names no port, so it is no scheduler's address", "give one as tcp://HOST:8786")
    try:
        if asyncio.run(asyncio.wait_for(identity(found), LONELY))["type"] != "Scheduler":
            raise ValueError("what answers is another part of Dask")
    except Exception as error:  # of many kinds: whatever is there may answer
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = "start one: dask scheduler, and workers: dask worker --nthreads 1"
        raise VosbenchError(f"no scheduler answers at {file or address}: {reason}", hint) from None
    return found


def _address_in(file: Path) -> str:
    """The address that a scheduler wrote into its file."""
    hint = "give the file of dask scheduler --scheduler-file FILE, once it is written"
    try:
        return str(json.loads(read_text(file, hint))["address"])
    except (ValueError, LookupError, TypeError):
        raise VosbenchError(f"{file} is not the file of a scheduler", hint) from None
