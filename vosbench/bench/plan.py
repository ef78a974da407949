"""Makes a suite ready: finds everything that can be wrong with it before the first frame, and lists what to do."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from vosbench.base.hashing import digest, source_hash
from vosbench.bench.identity import environment, facts, library_versions
from vosbench.bench.naming import UNSCORED, folder_name, plain, record_files
from vosbench.bench.record import RUNS, DatasetInfo, ModelInfo, PolicyInfo, RunRecord, Settings, read_record
from vosbench.bench.suite import INCIDENTAL, Suite
from vosbench.datasets import open_dataset
from vosbench.datasets.problems import numbered_anew
from vosbench.errors import SpoiltScoreWarning, VosbenchError, first_of
from vosbench.inference.controls import CONTROLS, Control, hash_of
from vosbench.memory.spec import PolicySpec
from vosbench.metrics.fitness import advice, is_excused, misfit, nowhere
from vosbench.metrics.protocols import Protocol, find_protocol
from vosbench.models.checkpoint import check_device, read_checkpoint
from vosbench.video import GroundTruth, Sequence, inference_side


@dataclass(frozen=True)
class Task:
    """One strategy, or control, on the sequence `name`; `identity` is the hash of all that determines the outcome.

    `video` is None for a sequence that is faulty. Masks go to `masks`/<sequence>/<frame>.png, the record to `record`;
    while scores are lacking it is `unscored`. A strategy that is `timed` goes alone.
    """

    policy: PolicyInfo
    what: PolicySpec | Control
    name: str
    video: Sequence | None
    identity: str
    record: Path
    masks: Path
    timed: bool

    @property
    def trace(self) -> Path:
        """Where the trace of its memory goes, if it is kept."""
        return self.record.with_suffix(".npz")

    @property
    def unscored(self) -> Path:
        """Where its record is from when the masks are made until they are scored."""
        return self.record.with_suffix(UNSCORED)


class Plan:
    """The data set, the model and the tasks of a suite.

    Sequences by name, with the reasons: `faults` have an unusable frame list, first mask or ground truth, and are left
    out; `misfits` cannot be scored by the protocol, and run without scores, as all do where `protocol` is None; `unfit`
    are those of them that somebody expects scores of.

    Nothing is written to the run's `folder` (None: the first in `within` that is named after what determines the
    results and holds none of other files). Raises VosbenchError for whatever is wrong with the suite, the data set's
    lists, the weights, the device or a strategy, and if no sequence is sound or fits the protocol that was asked for.
    """

    def __init__(self, suite: Suite, folder: Path | None = None, within: Path = RUNS) -> None:
        self.suite = suite
        self.device = check_device(suite.device)
        policies = suite.strategies()
        self._everything = open_dataset(
            *(suite.dataset, suite.root, suite.split), frame_mode=suite.frame_mode, trust_masks=suite.trust_masks
        )
        self.dataset = self._everything.only(suite.sequences, suite.limit, suite.exclude, suite.shard)
        names, in_split = self.dataset.sequence_names(), len(self.dataset.split_names())
        told = self.dataset.name, self.dataset.split, self.dataset.frame_mode
        self.data = DatasetInfo(*told, sequences=len(names), in_split=in_split)
        self.is_partial, self.is_private = self.dataset.is_partial, self.dataset.is_private
        self.protocol: Protocol | None = None  # masks only
        rules = find_protocol(str(suite.protocol or self.dataset.default_protocol))
        if suite.score and not self.is_private:
            self.protocol = rules
        self.sequences: dict[str, Sequence] = {}
        self.truths: dict[str, GroundTruth] = {}
        self.faults: dict[str, VosbenchError] = {}
        self.misfits: dict[str, VosbenchError] = {}
        self.unfit: dict[str, str] = {}
        self._attributes: dict[str, tuple[str, ...]] = {}
        self._fingerprints: dict[str, str] = {}
        for name in names:
            try:
                self._open(name)
            except VosbenchError as error:
                self.faults[name] = error
        self._require_something()
        self.checkpoint = read_checkpoint(suite.model)
        self.model = self.checkpoint.build(self.device, suite.affinity, suite.precision)
        self.top_k = suite.top_k or self.model.spec.top_k
        side = inference_side(suite.shorter_side, self.dataset.shorter_side, self.model.spec.shorter_side)
        self._settings = Settings(self.top_k, side, self.model.affinity)
        self.environment = environment(self.device, suite.threads)
        self.conditions = digest(self._conditions())
        self.folder = folder or self._own_folder(within)
        self.tasks = tuple(self._tasks(policies))

    def _open(self, name: str) -> None:
        """Find out all about a sequence that is known before its first frame. Raises VosbenchError if it is faulty."""
        video, fingerprint = self.dataset.sequence(name), self.dataset.fingerprint(name)
        self._attributes[name] = self.dataset.attributes(name)
        if self.protocol:
            truth = self.dataset.truth(name)
            if reason := misfit(truth, self.protocol, video.object_ids):
                if not is_excused(truth, self.protocol, self.dataset.default_protocol):
                    self.unfit[name] = reason.message
                self.misfits[name] = reason
            doubts = () if reason else (nowhere(truth, self.protocol), self.protocol.objects.doubt(truth))
            for doubt in filter(None, (*doubts, numbered_anew(truth.masks))):
                warnings.warn(SpoiltScoreWarning.of(doubt), stacklevel=2)
            self.truths[name] = truth
        elif not self.is_private:
            with suppress(VosbenchError):  # of a reference, which says itself what it misses
                self.truths[name] = self.dataset.truth(name)
        self.sequences[name], self._fingerprints[name] = video, fingerprint

    def _require_something(self) -> None:
        if self.faults and not self.sequences:
            raise first_of(self.faults, "faulty too")
        if self.suite.protocol and self.sequences and not self.sequences.keys() - self.misfits.keys():
            hint = f"{self.advice(next(iter(self.misfits)))}; or ask for no scores: score=False (--no-score)"
            raise first_of(self.misfits, "not to be scored either", hint)

    def _own_folder(self, within: Path) -> Path:
        """The folder in `within` of this run, or, if there are results of other files there, such as another data set
        with the same names, the next.
        """
        run = plain(f"{self.dataset.name}-{self.dataset.split}-{self.checkpoint.name}-{self.conditions[:8]}")
        folders = (within / f"{run}{suffix}" for suffix in chain([""], (f"-{number}" for number in count(2))))
        return next(folder for folder in folders if not any(map(self.is_of_other_files, _a_record_each(folder))))

    def is_of_other_files(self, record: RunRecord) -> bool:
        """Whether a record of these conditions is a result of other files than those of its sequence are now.

        One of a sequence that was faulty is none: it is made again when the sequence is repaired.
        """
        name = record.sequence
        if record.conditions != self.conditions or name in self.faults:
            return False
        if record.failure or (record.unscored and name in self.sequences and not self.unscored(name)):
            return False
        if name not in self.dataset.split_names():
            return True
        if name not in self._fingerprints:  # it was not asked for now
            try:
                self._fingerprints[name] = self._everything.fingerprint(name)
            except VosbenchError:
                return False
        return record.fingerprint != self._fingerprints[name]

    def advice(self, name: str) -> str:
        """What to do about a sequence that the protocol cannot score."""
        return advice(self.truths[name], self.sequences[name].object_ids)

    def unscored(self, name: str) -> str | None:
        """Why a sequence will have no scores, in one line (None: it will have some)."""
        if self.is_private:
            return f"the ground truth of {self.data.name} {self.data.split} is private"
        if self.protocol is None:
            return "no scores were asked for"
        return self.misfits[name].message if name in self.misfits else None

    @property
    def timed(self) -> tuple[str, ...]:
        """The sequences in which strategies go alone, to be timed; in the others they go together."""
        return tuple(self.sequences)[: {"first": 1, "all": None, "none": 0}[self.suite.timing or "first"]]

    def passes_of(self, tasks: Iterable[Task]) -> int:
        """How often a sequence is gone through: by strategies that are timed as often as that, by others once."""
        return sum(self.suite.repeats if task.timed else 1 for task in tasks if task.video)

    def part(self, tasks: Iterable[Task]) -> "Plan":
        """The plan of some of its tasks, for another process: without the data set and the tensors of the network."""
        part = copy(self)
        part.tasks = tuple(tasks)
        names = {task.name for task in part.tasks}
        for known in ("sequences", "truths", "faults", "misfits", "_attributes", "_fingerprints"):
            setattr(part, known, {name: value for name, value in getattr(self, known).items() if name in names})
        part.checkpoint = replace(self.checkpoint, state={})
        del part.dataset, part._everything, part.model
        return part

    def _conditions(self) -> dict[str, Any]:
        """What determines the results, strategy and sequence apart: the code, and every field of the suite that is not
        known to be incidental, with what names among them stand for; device and repetitions, too: times are results.
        """
        return facts(self.suite, without=INCIDENTAL) | {
            "split": self.dataset.split,
            "frame_mode": self.dataset.frame_mode,
            "protocol": facts(self.protocol),
            "model": facts(self.checkpoint, without=frozenset({"name", "state"})),  # the hash of its file is there
            "device": self.device.type,
            "threads": self.environment.threads if self.device.type == "cpu" else None,
            "top_k": self.top_k,
            "affinity": self.model.affinity,
            "code": source_hash("vosbench.bench.runner"),
            "libraries": library_versions(),
        }

    def _sources(self) -> dict[str, str]:
        """Hashes of the code of the conditions, by what a message calls it."""
        found = {
            "the source of vosbench": source_hash("vosbench.bench.runner"),
            "the versions of libraries": digest({"versions": library_versions()}),
        }
        own = {self.suite.protocol: facts(self.protocol), self.suite.model: self.checkpoint.source_hash}
        mine = {Path(file).name: what for file, what in own.items() if file and str(file).endswith(".py")}
        return found | {f"the source of {name}": digest({"source": what}) for name, what in mine.items()}

    def _tasks(self, policies: Iterable[PolicySpec]) -> Iterator[Task]:
        entries: list[tuple[PolicyInfo, PolicySpec | Control]] = [
            (policy_info(policy, position), policy) for position, policy in enumerate(policies)
        ]
        if self.suite.controls and self.sequences.keys() - self.misfits.keys() and self.protocol:
            for name, control in CONTROLS.items():
                info = PolicyInfo(name, {}, name, name, hash_of(control), "control", len(entries))
                entries.append((info, control))
        folders: dict[str, PolicyInfo] = {}
        for info, _ in entries:
            other = folders.setdefault(folder_name(info).casefold(), info)
            if other is not info:
                hint = "give one of them another label"
                raise VosbenchError(f"{other.label} and {info.label} would share the folder {folder_name(info)}", hint)
        timed = self.timed
        for sequence in self.dataset.sequence_names():
            video, truth = self.sequences.get(sequence), self.truths.get(sequence)
            data = [sequence, self._fingerprints.get(sequence, "faulty"), facts(video), facts(truth)]
            for info, what in entries:
                name = folder_name(info)
                strategy = facts([info.name, info.parameters, info.source_hash])
                identity = digest({"conditions": self.conditions, "policy": strategy, "sequence": data})
                record = self.folder / "records" / name / f"{sequence}.json"
                alone = sequence in timed and isinstance(what, PolicySpec)
                yield Task(info, what, sequence, video, identity, record, self.folder / "masks" / name, alone)

    def blank_record(self, task: Task) -> RunRecord:
        """The record of a task before anything was measured."""
        return RunRecord(
            task.identity,
            self.conditions,
            self.folder.resolve().name,
            {**self.suite.as_json(), "sources": self._sources()},
            self.data,
            task.name,
            task.policy,
            ModelInfo(self.checkpoint.name, self.checkpoint.sha256, self.suite.precision),
            self._settings,
            self.environment,
            masks=None,
            scores=None,
            timings=(),
            memory=None,
            attributes=self._attributes.get(task.name, ()),
            unscored=self.unscored(task.name),
            partial=self.is_partial,
            fingerprint=self._fingerprints.get(task.name, ""),
        )

    def as_asked(self, task: Task, record: RunRecord) -> RunRecord:
        """The record of a task, which another suite may have asked for, with the strategies and sequences of this."""
        suite = {**record.suite, "policies": self.suite.as_json()["policies"]}
        return replace(record, suite=suite, policy=task.policy, dataset=self.data, partial=self.is_partial)


def _a_record_each(folder: Path) -> Iterator[RunRecord]:
    """Of each sequence that a run has a result of, one record."""
    seen: set[str] = set()
    for path in record_files(folder):
        if path.stem not in seen:
            with suppress(VosbenchError):  # it will be written again
                record = read_record(path)
                if not record.failure:
                    seen.add(path.stem)
                    yield record


def policy_info(spec: PolicySpec, position: int) -> PolicyInfo:
    """A strategy as records hold it."""
    told = spec.strategy.name, spec.strategy.parameters, spec.text, spec.title, spec.source_hash
    return PolicyInfo(*told, "reference" if spec.is_reference else "strategy", position)
