"""Cuts a run into units, hands them out to Dask's workers, and takes what comes back.

A unit is a sequence under a group of strategies. A worker that dies costs its unit another try elsewhere; a unit that
kills its worker again and again is taken apart, so that the strategy alone that does it fails on that sequence.
"""

import os
import secrets
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from multiprocessing import current_process
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

from vosbench.base.words import count
from vosbench.bench.folder import finished, forget
from vosbench.bench.machine import WaitingWarning
from vosbench.bench.passes import Progress
from vosbench.bench.plan import Plan, Task
from vosbench.bench.record import Failure, read_record, write_record
from vosbench.bench.unit import Files, carry_out, pack, unpack
from vosbench.errors import VosbenchError
from vosbench.memory.blame import gpu_failed

if TYPE_CHECKING:
    from distributed import Client

TRIES = 3  # so many workers may die of a unit
BLAMED = 10  # times that Dask may give a unit up which has not begun as often as that
START = 300  # seconds that a worker has to start, on a busy machine, too
LOOK = 5  # seconds between two looks whether there are workers
TOPIC = "vosbench"
EVERY = 1.0  # seconds between two messages of a worker about frames


@dataclass
class Unit:
    """Tasks of one sequence; `blamed` counts how often Dask gave it up, since workers died that it was assigned to, and
    `starts` how often it had begun by then.
    """

    tasks: list[Task]
    blamed: int = 0
    starts: int = 0

    @property
    def timed(self) -> bool:
        """Whether it needs its machine alone."""
        return any(task.timed for task in self.tasks)

    @property
    def cost(self) -> int:
        """How long it takes, roughly: as long for the frame as for each object in it. First of all come those that are
        timed, for which others may have to wait.
        """
        video = self.tasks[0].video
        pictures = len(video.frames) * (1 + len(video.object_ids)) if video else 0
        return pictures * len(self.tasks) + 10**9 * self.timed


def cut(tasks: Iterable[Task], workers: int) -> list[Unit]:
    """All tasks of a sequence are one unit, in which strategies go through the video together.

    Where there are fewer units than workers, the largest are halved; not so if they are timed, one strategy after the
    other. The most costly unit is the first.
    """
    units = [Unit(list(group)) for _, group in groupby(tasks, lambda task: task.name)]
    while len(units) < workers:
        largest = max((u for u in units if len(u.tasks) > 1 and not u.timed), key=lambda unit: unit.cost, default=None)
        if largest is None:
            break
        half = len(largest.tasks) // 2
        units.append(Unit(largest.tasks[half:]))
        largest.tasks = largest.tasks[:half]
    return sorted(units, key=lambda unit: unit.cost, reverse=True)


class Dispatch:
    """The units of a plan on their way."""

    def __init__(
        self, client: "Client", plan: Plan, token: str, progress: Progress, say: Callable[[str], None]
    ) -> None:
        self._client, self._plan, self._token, self._progress, self._say = client, plan, token, progress, say
        self._units: dict[Any, Unit] = {}
        self._done = SimpleQueue[Any]()
        self._starts = Counter[str]()
        self._frames = dict[tuple[str, str], int]()
        self._left = Counter[tuple[str, str]]()  # passes that progress was not told of
        self._telling = Lock()  # Dask's thread tells, too
        self._waits = set[str]()

    def carry_out(self, units: Sequence[Unit], todo: Iterable[Task]) -> None:
        """Return when all is done; `todo` are the tasks that have no masks yet. Raises VosbenchError if the scheduler
        is lost, and what a unit raises.
        """
        from distributed.scheduler import KilledWorker

        self._left.update({(task.policy.label, task.name): self._plan.passes_of([task]) for task in todo})
        self._client.subscribe_topic(TOPIC, self._hear)
        try:
            for unit in units:
                self._submit(unit)
            while self._units:
                future = self._next()
                unit = self._units.pop(future)
                try:
                    files = future.result()
                except KilledWorker:
                    unit.starts += self._starts[future.key]
                    self._tell_rest(unit.tasks)
                    for part in self._after_deaths(unit):
                        self._submit(part)
                except CancelledError:
                    raise gone() from None
                except RuntimeError as error:
                    if "deserialization" not in str(error):
                        raise
                    what = "the scheduler or a worker cannot load vosbench"
                    raise VosbenchError(what, "install the same on all machines") from None
                except FileNotFoundError:
                    if unit.blamed:
                        raise
                    # A worker that was given up may live on for a moment, and clear away what another writes.
                    self._submit(Unit(unit.tasks, 1, unit.starts))
                else:
                    for task, content in zip(unit.tasks, files or (), strict=False):
                        unpack(task, content)
                    self._tell_rest(unit.tasks)
                future.release()
        finally:
            self._client.cancel([*self._units])
            self._client.unsubscribe_topic(TOPIC)

    def _next(self) -> Any:
        """The next future that is done. Raises VosbenchError if no worker of this machine has been there for long."""
        seen = time.monotonic()
        while True:
            with suppress(Empty):
                return self._done.get(timeout=LOOK)
            if self._client.cluster is None or self._client.nthreads():
                seen = time.monotonic()
            elif time.monotonic() - seen > START:
                hint = "run again: what is finished is kept"
                raise VosbenchError("all workers have ended, and none starts again", hint)

    def _submit(self, unit: Unit) -> None:
        # Of a group that is larger than the cluster Dask assigns no more to a worker than it does at once.
        key = (TOPIC, f"{unit.tasks[0].name}-{secrets.token_hex(4)}")
        content = pack(self._plan, unit.tasks, self._token)
        future = self._client.submit(work, content, key=key, pure=False, priority=unit.cost)
        self._units[future] = unit
        future.add_done_callback(self._done.put)

    def _after_deaths(self, unit: Unit) -> Iterator[Unit]:
        """What is to be tried again of a unit whose workers died: each task alone. One that was alone has failed.

        Dask blames all that was assigned to a worker: what did not begin `TRIES` times is innocent.
        """
        left = [task for task in unit.tasks if task.unscored.exists() or not finished(task)]
        if left and unit.starts < TRIES and unit.blamed < BLAMED:
            yield Unit(left, unit.blamed + 1, unit.starts)
        elif len(left) > 1:
            yield from (Unit([task]) for task in left)
        elif left:
            (task,) = left
            frames = self._frames.get((task.policy.label, task.name))
            heard = f" (it had done at least {count(frames, 'frame')})" if frames else ""
            reason = f"its process died {TRIES} times{heard}: it crashed, was killed, or was out of memory"
            record = replace(self._plan.blank_record(task), unscored=None, failure=Failure(reason, None, 0))
            forget(task)
            write_record(task.record, record)

    def _hear(self, event: tuple[float, Any]) -> None:
        """What a worker says: its name and its wait; or the key of its unit, its name, and what `Progress` takes."""
        if len(event[1]) == 2:
            worker, reason = event[1]
            if reason not in self._waits:  # all may wait, and again and again
                self._waits.add(reason)
                self._say(f"worker {worker}: {reason}")
            return
        key, worker, label, sequence, frame, frames = event[1]
        if not label:
            self._starts[key] += 1
            units = (unit for future, unit in [*self._units.items()] if future.key == key)
            if self._starts[key] > 1 and (unit := next(units, None)):
                under = f" under {unit.tasks[0].policy.label}" if len(unit.tasks) == 1 else ""
                tries = unit.starts + self._starts[key]
                self._say(f"a worker died at {sequence}{under}; worker {worker} tries again (try {tries})")
            return
        self._frames[label, sequence] = max(frame, self._frames.get((label, sequence), 0))
        self._tell(f"worker {worker}: ", label, sequence, frame, frames)

    def _tell(self, who: str, label: str, sequence: str, frame: int, frames: int) -> None:
        with self._telling:
            if self._progress is not None and self._left[label, sequence] > 0:  # more of it is a further try
                self._left[label, sequence] -= frame == frames
                self._progress(f"{who}{label}", sequence, frame, frames)

    def _tell_rest(self, tasks: Iterable[Task]) -> None:
        """Tell of what is done though no worker lived to say so."""
        for task in tasks:
            with suppress(VosbenchError):  # it has no record
                frames = len(task.video.frames) if task.video else 0
                if (left := self._left[task.policy.label, task.name]) and not read_record(task.record).failure:
                    for _ in range(left):
                        self._tell("", task.policy.label, task.name, frames, frames)


def gone() -> VosbenchError:
    return VosbenchError("the scheduler is gone", "start it and this run again: what is finished is kept")


class _AbandonedError(Exception):
    """Nobody waits for this unit any more."""


def work(content: bytes) -> list[Files] | None:
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

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if category is WaitingWarning:
            worker.log_event(TOPIC, [worker.name, str(message)])
        else:
            others(message, category, *where, **more)

    worker.log_event(TOPIC, [key, worker.name, "", key[1].rpartition("-")[0], 0, 0])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", WaitingWarning)
            others, warnings.showwarning = warnings.showwarning, show
            return carry_out(content, tell)
    except VosbenchError as error:
        if isinstance(error.__cause__, Exception) and gpu_failed(error.__cause__):
            os._exit(1)  # nothing works on that GPU in this process any more
        raise VosbenchError(f"worker {worker.name}: {error.message}", error.hint) from None
    except Exception:
        raise
    except BaseException as error:  # SystemExit, as a rule, of which Dask never tells
        raise RuntimeError(f"{type(error).__name__}: {error}").with_traceback(error.__traceback__) from None
