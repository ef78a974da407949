"""Strategies replayed over the recorded keys of a data set: in one call, or step by step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from vosbench.base.values import Count, Side, Threads, checked
from vosbench.base.words import count
from vosbench.datasets import Dataset
from vosbench.errors import SequenceError, VosbenchError
from vosbench.inference.threads import threads as torch_threads
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.models.checkpoint import read_checkpoint
from vosbench.simulation.cache import keep, load
from vosbench.simulation.history import History, history
from vosbench.simulation.outcome import TRACES, Conditions, Outcome, Simulation
from vosbench.simulation.study import ReplayTask, Study, carry_out, plan, settings
from vosbench.video import inference_side

DEFAULT_POLICIES = ("lfu", "lru", "fifo")
Progress = Callable[[str, str, int, int], None]  # what is done, sequence, frames done, frames in all


@checked('vosbench.simulate(vosbench.open_dataset("synthetic"), ["lfu", "fifo"], capacity="1..8")')
def simulate(
    dataset: Dataset,
    policies: Sequence[str | Path | PolicySpec] = DEFAULT_POLICIES,
    *,
    capacity: str | float | Sequence[float] | None = None,
    reference: str | Path = "every-k:k=5",
    model: str | Path = "stcn-tiny",
    device: str = "cpu",
    top_k: Count | None = None,
    affinity: str | None = None,
    shorter_side: Side | None = None,
    jobs: Count | None = None,
    threads: Threads | None = None,
    cache: Path | str = TRACES,
    progress: Progress | None = None,
) -> Simulation:
    """What strategies keep of the attention of an unbounded memory, and for how long, without a run.

    The key encoder alone goes over the videos; then only memories are read and written. A strategy that looks at no
    mask holds the very tokens that it holds in a run.

    policies, capacity: the strategies, or each of them at each capacity in frames: `1..16`, `2,4,8`, a number, or a
        list of numbers.
    reference: the memory against which attention is measured.
    model, device, affinity: as in `load_model`. top_k: tokens that count for a query pixel; shorter_side: of frames at
        inference, in pixels (None: the data set's or the model's; 0: their own).
    jobs: processes, no more than cores (None: one per core; one on a GPU). threads: of torch on a CPU, in each of them
        (None: torch's own, or what the cores allow). cache: the folder where recorded keys are kept.

    A sequence with a frame or first mask that cannot be read is left out, see `Simulation.faulty`. Raises VosbenchError
    for whatever else is wrong with the data set, the weights or a strategy, and the first fault if no sequence is sound
    or all settings broke their contract.
    """
    specs = tuple(map(str, settings(policies, capacity)))
    study = Study(specs, str(reference), str(model), top_k, affinity, device, threads)
    simulator = Simulator(dataset, study, shorter_side, Path(cache))
    return simulator.replay(simulator.record(progress), jobs, progress)


class Simulator:
    """The steps of `simulate`: keys are recorded, then replayed. `conditions` are known before the first step, but for
    sequences that turn out to be faulty, which are in `faulty`, each with its reason.
    """

    def __init__(self, dataset: Dataset, study: Study, shorter_side: int | None = None, cache: Path = TRACES) -> None:
        self.dataset, self.study, self.shorter_side, self.cache = dataset, study, shorter_side, cache
        self.faulty: dict[str, VosbenchError] = {}
        checkpoint, spec = read_checkpoint(study.model), study.network.spec
        self.conditions = Conditions(
            dataset=dataset.name,
            split=dataset.split,
            frame_mode=dataset.frame_mode,
            sequences=tuple(dataset.sequence_names()),
            partial=dataset.is_partial,
            model=checkpoint.name,
            checkpoint_hash=checkpoint.sha256,
            device=study.device,
            top_k=study.top_k or spec.top_k,
            affinity=study.network.affinity,
            shorter_side=inference_side(shorter_side, dataset.shorter_side, spec.shorter_side),
            reference=study.reference,
            source_hashes={spec: PolicySpec.parse(spec).source_hash for spec in study.specs},
            trust_masks=dataset.trusts_masks,
        )

    def record(self, progress: Progress | None = None) -> dict[str, Path]:
        """The file of the trace of each sound sequence, recorded unless it is cached. The first fault if none is."""
        traces: dict[str, Path] = {}
        for name in self.conditions.sequences:
            try:
                sequence, fingerprint = self.dataset.sequence(name), self.dataset.fingerprint(name)
            except VosbenchError as error:
                self.faulty[name] = error
                continue
            network, weights = self.study.network, self.conditions.checkpoint_hash
            told = None if progress is None else partial(progress, "keys", name)
            try:
                with torch_threads(self.study.threads):
                    traces[name] = keep(self.cache, network, weights, sequence, fingerprint, self.shorter_side, told)
            except SequenceError as error:
                self.faulty[name] = error
        if not traces:
            raise next(iter(self.faulty.values()))
        self.conditions = replace(self.conditions, sequences=tuple(traces), faulty=tuple(self.faulty))
        return traces

    def parts(self, jobs: int | None = None) -> int:
        """How many parts of work `replay` tells `progress` of."""
        return len(plan(self.study, [self.cache] * len(self.conditions.sequences), jobs))

    def replay(
        self, traces: Mapping[str, Path], jobs: int | None = None, progress: Progress | None = None
    ) -> Simulation:
        """What becomes of each setting, see `carry_out`. Raises the first fault if no setting has an outcome."""
        names = {trace: name for name, trace in traces.items()}
        faults: dict[str, VosbenchError] = {}
        outcomes: list[Outcome] = []

        def follow(task: ReplayTask, done: int, total: int, ended: bool = False) -> None:
            if progress is not None and (ended or done < total):  # the last frame is told when the task has ended
                progress(count(len(task.study.specs), "setting"), names[task.trace], done, total)

        for task, found in carry_out(plan(self.study, list(names), jobs), jobs, follow):
            for spec, outcome in found.items():
                if isinstance(outcome, VosbenchError):
                    faults.setdefault(spec, outcome)
                else:
                    outcomes.append(outcome)
            frames = max((len(o.tokens) for o in found.values() if isinstance(o, Outcome)), default=0)
            follow(task, frames, frames, ended=True)
        kept = [outcome for outcome in outcomes if outcome.spec not in faults]
        if not kept:
            raise next(iter(faults.values()))
        kept.sort(key=lambda o: (self.study.specs.index(o.spec), self.conditions.sequences.index(o.sequence)))
        return Simulation(self.conditions, tuple(kept), faults, self.faulty)

    def watch(self, traces: Mapping[str, Path], at: int | None = None) -> History:
        """What the one strategy holds of the one sequence; `at` is a frame from 0 (None: the last)."""
        (trace,), (spec,) = traces.values(), self.study.specs
        keys = load(trace, self.study.device)
        return history(keys, spec, load_policy(spec), self.study.network, at, self.study.top_k)
