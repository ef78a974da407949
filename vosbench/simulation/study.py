"""Many settings over many sequences, on several processes."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Self

from joblib import Parallel, cpu_count, delayed, parallel_config

from vosbench.base.processes import end_with, starting
from vosbench.errors import VosbenchError
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.models.base import Network
from vosbench.models.checkpoint import load_model
from vosbench.simulation.cache import load
from vosbench.simulation.measures import measure
from vosbench.simulation.outcome import Outcome
from vosbench.simulation.settings import settings


@dataclass(frozen=True)
class Study:
    """Settings, as specs, each once; the spec of the memory against which attention is measured; the network that made
    the keys, as `load_model` takes it; how memory is read, and where.
    """

    specs: tuple[str, ...]
    reference: str = "every-k:k=5"
    model: str = "stcn-tiny"
    top_k: int | None = None
    affinity: str | None = None
    device: str = "cpu"

    @classmethod
    def of(
        cls,
        policies: Sequence[str | PolicySpec],
        capacity: str | Sequence[float] | None = None,
        reference: str = "every-k:k=5",
        model: str = "stcn-tiny",
        top_k: int | None = None,
        affinity: str | None = None,
        device: str = "cpu",
    ) -> Self:
        """The study of strategies, or of each at each capacity; raises VosbenchError as `settings` does."""
        specs = tuple(map(str, settings(policies, capacity)))
        return cls(specs, str(PolicySpec.parse(reference)), model, top_k, affinity, device)

    @property
    def network(self) -> Network:
        """The network; each process loads it once."""
        return _network(self.model, self.device, self.affinity)


@dataclass(frozen=True)
class ReplayTask:
    """Settings to simulate over the trace of one sequence, in a file."""

    study: Study
    trace: Path

    def carry_out(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Outcome | VosbenchError]:
        """See `measure`."""
        study = self.study
        policies = {spec: load_policy(spec) for spec in study.specs}
        return measure(
            load(self.trace, study.device),
            policies,
            load_policy(study.reference),
            study.network,
            top_k=study.top_k,
            progress=progress,
        )


@cache
def _network(model: str, device: str, affinity: str | None) -> Network:
    return load_model(model, device, affinity=affinity)


def plan(study: Study, traces: Sequence[Path], jobs: int | None = None) -> list[ReplayTask]:
    """The study over recorded traces as tasks for `jobs` processes (None: one per core).

    Settings share the work on a sequence, so they are divided only where there are fewer sequences than processes.
    """
    count = -(-(jobs or cpu_count()) // len(traces))
    parts = [replace(study, specs=specs) for start in range(count) if (specs := study.specs[start::count])]
    return [ReplayTask(part, trace) for trace in traces for part in parts]


def carry_out(
    tasks: Sequence[ReplayTask], jobs: int | None = None, progress: Callable[[ReplayTask, int, int], None] | None = None
) -> Iterator[tuple[ReplayTask, dict[str, Outcome | VosbenchError]]]:
    """The tasks with their outcomes, in any order, as they are done on up to `jobs` processes.

    A setting that breaks the contract of a strategy gives its error. `progress` is told frames done and frames in
    all, by tasks that this process does itself.
    """
    workers = min(jobs or cpu_count(), len(tasks))
    if workers == 1:
        for task in tasks:
            yield task, task.carry_out(None if progress is None else partial(progress, task))
        return
    threads = max(1, cpu_count() // workers)
    with parallel_config("loky", inner_max_num_threads=threads, initializer=end_with, initargs=(os.getpid(),)):
        parallel = Parallel(n_jobs=workers, return_as="generator_unordered")
        with starting():
            results = parallel(delayed(_apart)(task, Path.cwd()) for task in tasks)
        yield from results


def _apart(task: ReplayTask, folder: Path) -> tuple[ReplayTask, dict[str, Outcome | VosbenchError]]:
    with chdir(folder):  # joblib keeps its processes: this one may have started while the working folder was another
        return task, task.carry_out()
