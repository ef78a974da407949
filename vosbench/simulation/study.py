"""Many settings, strategies at ranges of capacities, over many sequences, on several processes."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from joblib import Parallel, cpu_count, delayed, parallel_config

from vosbench.base.own_files import contents_of, folders_beside
from vosbench.base.processes import accompany, starting
from vosbench.errors import VosbenchError
from vosbench.inference.threads import threads as torch_threads
from vosbench.memory.spec import PolicySpec, load_policy, parse_policies
from vosbench.models.base import Network
from vosbench.models.checkpoint import load_model
from vosbench.simulation.cache import load
from vosbench.simulation.measures import measure
from vosbench.simulation.outcome import Outcome

LONGEST_RANGE = 1000  # capacities in a range: more is a slip of the keyboard


def capacities(given: str | float | Sequence[float]) -> tuple[float, ...]:
    """Capacities in frames, ascending, of `1..4,8`, a number or several. VosbenchError for none, or one twice."""
    found: list[float] = [] if isinstance(given, str) else [given] if isinstance(given, int | float) else [*given]
    for part in given.split(",") if isinstance(given, str) else ():
        low, dots, high = part.strip().partition("..")
        try:
            if not dots:
                found.append(float(low))
                continue
            first, last = int(low), int(high)
        except ValueError:
            raise VosbenchError(f"{part!r} is no capacity", "write a range, 1..16, or a list, 2,4,8") from None
        if not 0 <= last - first < LONGEST_RANGE:
            hint = f"write 1..16; at most {LONGEST_RANGE}"
            raise VosbenchError(f"the range {part} holds {max(last - first + 1, 0)} capacities", hint)
        found += range(first, last + 1)
    if not found:
        raise VosbenchError("the list of capacities is empty", "name one, or leave capacity out")
    if len(set(found)) < len(found):
        raise VosbenchError(f"capacity {given} names a capacity twice", "name each once")
    return tuple(sorted(found))


def settings(
    policies: Sequence[str | Path | PolicySpec], capacity: str | float | Sequence[float] | None
) -> tuple[PolicySpec, ...]:
    """The strategies, or each at each capacity. Raises as `parse_policies`, and for one without, or with its own."""
    found = parse_policies(policies)
    if capacity is None:
        return found
    sizes = capacities(capacity)
    for spec in found:
        if spec.owner("capacity") is None:
            raise VosbenchError(f"strategy {spec} has no capacity", "leave out the strategy, or the capacity")
        if not spec.takes("capacity"):
            raise VosbenchError(f"strategy {spec} names a capacity itself", "leave out one of the two")
    return parse_policies(varied for spec in found for varied in spec.sweep({"capacity": sizes}))


@dataclass(frozen=True)
class Study:
    """Settings, as specs, each once; the spec of the memory against which attention is measured; the network that made
    the keys, as `load_model` takes it; how memory is read, where, and with how many threads on a CPU (None: torch's
    own, or what the cores allow for each process). Raises VosbenchError for a bad reference.
    """

    specs: tuple[str, ...]
    reference: str = "every-k:k=5"
    model: str = "stcn-tiny"
    top_k: int | None = None
    affinity: str | None = None
    device: str = "cpu"
    threads: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reference", str(PolicySpec.parse(self.reference)))

    def processes(self, jobs: int | None) -> int:
        """How many share the work: one per core at most, or one on a GPU, which would hold the state of each, unless
        more are asked for.
        """
        return min(jobs or (1 if self.device.startswith("cuda") else cpu_count()), cpu_count())

    @property
    def network(self) -> Network:
        """The network; each process loads it once, and again when its file has changed."""
        return _network(self.model, self.device, self.affinity, _version(self.model))


@dataclass(frozen=True)
class ReplayTask:
    """Settings to simulate over the trace of one sequence, in a file."""

    study: Study
    trace: Path

    def carry_out(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Outcome | VosbenchError]:
        """See `measure`."""
        study, trace = self.study, load(self.trace, self.study.device)
        policies, reference = {spec: load_policy(spec) for spec in study.specs}, load_policy(study.reference)
        with torch_threads(study.threads):
            return measure(trace, policies, reference, study.network, top_k=study.top_k, progress=progress)


@lru_cache(2)
def _network(model: str, device: str, affinity: str | None, version: object) -> Network:  # noqa: ARG001
    return load_model(model, device, affinity=affinity)


def _version(model: str) -> object:
    """What tells a network's file from what it was before: of source code its content, of weights size and time."""
    file = Path(model)
    if file.suffix == ".py":
        return tuple(contents_of([file], as_loaded=False).items())
    return (file.stat().st_ino, file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else None


def plan(study: Study, traces: Sequence[Path], jobs: int | None = None) -> list[ReplayTask]:
    """The study as tasks for `jobs` processes. Settings are divided only where sequences are fewer than processes."""
    count = -(-study.processes(jobs) // len(traces))
    parts = [replace(study, specs=specs) for start in range(count) if (specs := study.specs[start::count])]
    return [ReplayTask(part, trace) for trace in traces for part in parts]


def carry_out(
    tasks: Sequence[ReplayTask], jobs: int | None = None, progress: Callable[[ReplayTask, int, int], None] | None = None
) -> Iterator[tuple[ReplayTask, dict[str, Outcome | VosbenchError]]]:
    """The tasks with what `measure` finds, in any order, as they are done on up to `jobs` processes. `progress` is told
    frames done and frames in all, by tasks that this process does itself.
    """
    workers = min(tasks[0].study.processes(jobs), len(tasks))
    if workers == 1:
        yield from ((task, task.carry_out(None if progress is None else partial(progress, task))) for task in tasks)
        return
    threads = tasks[0].study.threads or max(1, cpu_count() // workers)
    apart = [replace(task, study=replace(task.study, threads=threads)) for task in tasks]
    begin = {"initializer": accompany, "initargs": (os.getpid(), folders_beside())}
    with parallel_config("loky", inner_max_num_threads=threads, **begin):
        parallel = Parallel(n_jobs=workers, return_as="generator_unordered")
        with starting():
            results = parallel(delayed(_apart)(task, Path.cwd()) for task in apart)
        yield from results


def _apart(task: ReplayTask, folder: Path) -> tuple[ReplayTask, dict[str, Outcome | VosbenchError]]:
    with chdir(folder):  # joblib keeps its processes: this one may have started while the working folder was another
        return task, task.carry_out()
