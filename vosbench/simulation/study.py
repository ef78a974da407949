"""Many settings over many sequences, on several processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from joblib import Parallel, cpu_count, delayed, parallel_config

from vosbench.errors import VosbenchError
from vosbench.memory.attention import Metric
from vosbench.memory.registry import load_policy
from vosbench.simulation.cache import load
from vosbench.simulation.measures import simulate
from vosbench.simulation.outcome import Outcome


@dataclass(frozen=True)
class Study:
    """Settings, as specs, each once; the spec of the memory against which attention is measured; how it is read, and
    where.
    """

    specs: tuple[str, ...]
    reference: str = "every-k:k=5"
    top_k: int = 20
    metric: Metric = "l2"
    device: str = "cpu"

    def shares(self, count: int) -> list["Study"]:
        """The same study in up to `count` parts with about as many settings each."""
        parts = (self.specs[start::count] for start in range(count))
        return [replace(self, specs=part) for part in parts if part]


def carry_out(
    study: Study, traces: Sequence[Path], jobs: int | None = None
) -> Iterator[dict[str, Outcome | VosbenchError]]:
    """Simulate the study over recorded traces; yields parts of the outcomes, in any order, as they are done.

    Settings share the work on a sequence, so they are spread over `jobs` processes (None: one per core) only where
    there are fewer sequences than processes. A setting that breaks the contract of a strategy gives its error.
    """
    jobs = jobs or cpu_count()
    shares = study.shares(-(-jobs // len(traces)))
    tasks = [(share, trace) for trace in traces for share in shares]
    if jobs == 1 or len(tasks) == 1:
        yield from (_simulate(*task) for task in tasks)
        return
    with parallel_config("loky", inner_max_num_threads=max(1, cpu_count() // jobs)):
        workers = Parallel(n_jobs=min(jobs, len(tasks)), return_as="generator_unordered")
        yield from workers(delayed(_simulate)(*task) for task in tasks)


def _simulate(study: Study, trace: Path) -> dict[str, Outcome | VosbenchError]:
    policies = {spec: load_policy(spec) for spec in study.specs}
    keys = load(trace, study.device)
    return simulate(keys, policies, load_policy(study.reference), top_k=study.top_k, metric=study.metric)
