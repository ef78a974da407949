"""Makes a suite ready: finds everything that can be wrong with it before the first frame, and lists what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosbench.base.hashing import source_hash
from vosbench.bench.identity import digest, environment, facts, library_versions
from vosbench.bench.naming import folder_name
from vosbench.bench.record import RUNS, DatasetInfo, ModelInfo, PolicyInfo, RunRecord, Settings
from vosbench.bench.suite import INCIDENTAL, Suite
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.inference.controls import CONTROLS, Control, hash_of
from vosbench.memory.spec import PolicySpec, parse_policies
from vosbench.metrics.protocols import Protocol, find_protocol
from vosbench.models.checkpoint import check_device, read_checkpoint
from vosbench.video import Sequence, inference_side


@dataclass(frozen=True)
class Task:
    """One strategy, or control, on one sequence; `identity` is the hash of all that determines the outcome.

    Masks go to `masks`/<sequence>/<frame>.png, the record to `record`.
    """

    policy: PolicyInfo
    what: PolicySpec | Control
    sequence: Sequence
    identity: str
    record: Path
    masks: Path


class Plan:
    """The data set, the model and the tasks of a suite.

    The run's `folder` (None: one in `within`, named after what determines the results) is neither read nor written.
    Raises VosbenchError for whatever is wrong with the suite, the data set's lists and first masks, the weights,
    the device or a strategy.
    """

    def __init__(self, suite: Suite, folder: Path | None = None, within: Path = RUNS) -> None:
        self.suite = suite
        self.device = check_device(suite.device)
        policies = parse_policies(suite.policies)
        everything = open_dataset(suite.dataset, suite.root, suite.split, frame_mode=suite.frame_mode)
        self.dataset = everything.only(suite.sequences, suite.limit)
        self.partial = self.dataset.is_partial
        self.protocol: Protocol | None = None  # private ground truth: masks only
        if not self.dataset.is_private:
            self.protocol = find_protocol(suite.protocol or self.dataset.default_protocol)
        names = self.dataset.sequence_names()
        self.sequences = {name: self.dataset.sequence(name) for name in names}
        self.truths = {name: self.dataset.truth(name) for name in names} if self.protocol else {}
        self._attributes = {name: self.dataset.attributes(name) for name in names}
        self.checkpoint = read_checkpoint(suite.model)
        self.model = self.checkpoint.build(self.device, suite.affinity)
        self.top_k = suite.top_k or self.model.spec.top_k
        self._fingerprints = {name: self.dataset.fingerprint(name) for name in names}
        self.environment = environment(self.device, suite.threads)
        self.conditions = digest(self._conditions())
        run = f"{self.dataset.name}-{self.dataset.split}-{self.checkpoint.name}-{self.conditions[:8]}"
        self.folder = folder or within / run
        self.tasks = tuple(self._tasks(policies))

    @property
    def passes(self) -> int:
        """How often a sequence is gone through: strategies as often as they are timed, controls once."""
        return sum(self.suite.repeats if isinstance(task.what, PolicySpec) else 1 for task in self.tasks)

    def _conditions(self) -> dict[str, Any]:
        """What determines the results, the strategy apart; device and repetitions, too, since times are results.

        That is every field of the suite that is not known to be incidental, what the names among them stand for, and
        the code.
        """
        sequences = {
            name: [self._fingerprints[name], facts(sequence), facts(self.truths.get(name))]
            for name, sequence in self.sequences.items()
        }
        return facts(self.suite, without=INCIDENTAL) | {
            "split": self.dataset.split,
            "frame_mode": self.dataset.frame_mode,
            "sequences": sequences,
            "limit": self.partial,
            "protocol": facts(self.protocol),
            "model": facts(self.checkpoint, without=frozenset({"name", "state"})),  # the hash of its file is there
            "device": self.device.type,
            "threads": self.environment.threads if self.device.type == "cpu" else None,
            "top_k": self.top_k,
            "affinity": self.model.affinity,
            "code": source_hash("vosbench.bench.runner"),
            "libraries": library_versions(),
        }

    def _tasks(self, policies: Iterable[PolicySpec]) -> Iterator[Task]:
        entries: list[tuple[PolicyInfo, PolicySpec | Control]] = [
            (policy_info(policy, position), policy) for position, policy in enumerate(policies)
        ]
        if self.suite.controls and self.protocol:
            for name, control in CONTROLS.items():
                info = PolicyInfo(name, {}, name, name, hash_of(control), "control", len(entries))
                entries.append((info, control))
        folders: dict[str, PolicyInfo] = {}
        for info, _ in entries:
            other = folders.setdefault(folder_name(info).casefold(), info)
            if other is not info:
                raise VosbenchError(
                    f"{other.label} and {info.label} would share the folder {folder_name(info)}",
                    "give one of them another label",
                )
        for sequence in self.sequences.values():
            for info, what in entries:
                name = folder_name(info)
                identity = digest(
                    {
                        "conditions": self.conditions,
                        "policy": facts([info.name, info.parameters, info.source_hash]),
                        "sequence": sequence.name,
                    }
                )
                record = self.folder / "records" / name / f"{sequence.name}.json"
                yield Task(info, what, sequence, identity, record, self.folder / "masks" / name)

    def blank_record(self, task: Task) -> RunRecord:
        """The record of a task before anything was measured."""
        suite, dataset = self.suite, self.dataset
        version = digest(self._fingerprints)
        side = inference_side(suite.shorter_side, dataset.shorter_side, self.model.spec.shorter_side)
        return RunRecord(
            task.identity,
            self.conditions,
            self.folder.name,
            suite.as_json(),
            DatasetInfo(dataset.name, dataset.split, dataset.frame_mode, version, len(self.sequences)),
            task.sequence.name,
            task.policy,
            ModelInfo(self.checkpoint.name, self.checkpoint.sha256, "fp32"),
            Settings(self.top_k, side, self.model.affinity),
            self.environment,
            masks=None,
            scores=None,
            timings=(),
            memory=None,
            attributes=self._attributes[task.sequence.name],
        )


def policy_info(spec: PolicySpec, position: int) -> PolicyInfo:
    """A strategy as records hold it."""
    strategy = spec.strategy
    return PolicyInfo(strategy.name, strategy.parameters, spec.text, spec.title, spec.source_hash, "strategy", position)
