"""What a set of records has in common, and the refusal of sets whose figures cannot stand side by side."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from vosbench.base.codec import encode
from vosbench.base.hashing import digest
from vosbench.base.words import TRUSTED, count, data_title
from vosbench.bench.record import DatasetInfo, ModelInfo, RunRecord, Settings
from vosbench.datasets import Dataset, numbering, unpublished
from vosbench.errors import VosbenchError, a_few, unknown
from vosbench.report.lacks import lacks, usable

T = TypeVar("T")
Records = Sequence[RunRecord]  # of a run, or a part of it, in its order


@dataclass(frozen=True)
class Context:
    """The conditions under which all records of a table or figure were measured.

    `lacks` says why the result is partial (nothing: it is whole), `unscored` why there are no scores at all,
    `unpublished` that the split is not the one that was published under its name, `times` of which sequences there are
    times, if not of all, `trusted` that masks were taken as they are, though they may look smoothed,
    `numbering` how ids differ from the data set's own. Masks that no run made have neither model nor settings.
    """

    dataset: DatasetInfo
    protocol: str | None
    partial: bool
    lacks: tuple[str, ...]
    unscored: str | None
    unpublished: str | None
    model: ModelInfo | None
    settings: Settings | None
    devices: tuple[str, ...]
    times: str
    sequences: int
    objects: int
    trusted: bool
    numbering: str

    @property
    def data(self) -> str:
        """Data set, split, frame mode and protocol, in words."""
        why = f" ({self.unscored})" if self.unscored else ""
        protocol = f"protocol {self.protocol}" if self.protocol else f"not scored{why}"
        partial = f", PARTIAL ({'; '.join(self.lacks)})" if self.partial else ""
        number = count(self.sequences, "sequence") + (f", {count(self.objects, 'object')}" if self.objects else "")
        data = data_title(self.dataset.name, self.dataset.split, self.dataset.frame_mode)
        others = filter(None, (self.unpublished, TRUSTED * self.trusted, self.numbering))
        return "; ".join((data, f"{protocol}{partial}", number, *others))

    @property
    def system(self) -> str:
        """Model, settings and devices, in words; nothing of masks that no run made."""
        if self.model is None or self.settings is None:
            return ""
        settings = f"{self.settings.affinity} affinity"
        settings += "" if self.settings.top_k is None else f", top-{self.settings.top_k}"
        settings += "" if self.settings.shorter_side is None else f", shorter side {self.settings.shorter_side}"
        model = f"{self.model.name} ({self.model.checkpoint_hash[:8]}), {self.model.precision}, {settings}"
        return "; ".join(filter(None, (model, *self.devices, self.times)))

    @property
    def caption(self) -> str:
        """All of it in one line."""
        return "; ".join(filter(None, (self.data, self.system))) + "."


def context(records: Records) -> Context:
    """The common conditions of `records`, as far as they are `usable`.

    Raises VosbenchError if none is, if they differ in data set, protocol, model or settings, if a strategy has a
    sequence twice, or if the strategies were not scored on the same objects.
    """
    if not records:
        raise VosbenchError("no records to report", "run first: `vosbench run`")
    _refuse_twice(records)
    failures = [record.failure for record in records]
    missing, records = lacks(records), usable(records)
    if not records:
        why = next((f" ({failure.reason})" for failure in failures if failure), "")
        hint = "finish the run, or repair its data: `vosbench run` resumes where it was"
        raise VosbenchError(f"no sequence has a result of every strategy: {'; '.join(missing)}{why}", hint)
    dataset = _only(
        "data sets",
        [replace(r.dataset, sequences=0, in_split=0) for r in records],  # runs of several choices of sequences add up
        lambda d: f"{data_title(d.name, d.split, d.frame_mode)}, version {d.fingerprint[:8]}",
    )
    protocols = [r.scores.protocol if r.scores else None for r in records if not r.failure and not r.unscored]
    protocol = _only("protocols", protocols or [None], lambda p: p or "not scored")
    reasons = dict.fromkeys(r.unscored for r in records if r.unscored)
    model = _only(
        "models",
        [r.model for r in records],
        lambda m: f"{m.name} {m.checkpoint_hash[:8]} {m.precision}" if m else "none",
    )
    settings = _only("settings", [r.settings for r in records])
    environments = [r.environment for r in records if r.environment and (r.timings or r.memory)]
    sequences = _sequences(records)
    in_split = max(r.dataset.in_split or (0 if r.partial else r.dataset.sequences) for r in records)
    return Context(
        dataset=replace(
            dataset,
            fingerprint=version(records),
            sequences=max(r.dataset.sequences for r in records),
            in_split=max(r.dataset.in_split for r in records),
        ),
        protocol=protocol,
        partial=bool(missing),
        lacks=missing,
        unscored=None if protocol else a_few(reasons, 1) or None,
        unpublished=unpublished(dataset.name, dataset.split, in_split, sorted(sequences)),
        model=model,
        settings=settings,
        devices=tuple(dict.fromkeys(f"{e.device} ({e.machine}, {count(e.threads, 'thread')})" for e in environments)),
        times=_times(records),
        sequences=len(sequences),
        objects=sum(map(len, sequences.values())),
        trusted=any(record.suite.get("trust_masks") for record in records),
        numbering=numbering(dataset.name),
    )


def version(records: Records) -> str:
    """Which files of a data set the records are of, as a hash in hexadecimal."""
    own = {record.sequence: record.fingerprint for record in records if record.fingerprint}
    return digest(own) if own else records[0].dataset.fingerprint


def by_strategy(records: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """The `usable` records of a run grouped under the label of their strategy, in order of first appearance."""
    groups: dict[str, list[RunRecord]] = {}
    for record in usable(records):
        groups.setdefault(record.policy.label, []).append(record)
    return groups


def by_identity(records: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """The same under what determines the strategy, its name and all parameters: equal for the same strategy in another
    run, however written and labelled there; and under its label where two of a run share these (files of one name).
    """
    groups = by_strategy(records)
    named = {label: [group[0].policy.name, encode(group[0].policy.parameters)] for label, group in groups.items()}
    keys = {label: json.dumps(name, sort_keys=True) for label, name in named.items()}
    shared = [key for key, number in Counter(keys.values()).items() if number > 1]
    return {f"{keys[label]} {label}" if keys[label] in shared else keys[label]: groups[label] for label in groups}


def restrict(records: Records, names: Sequence[str]) -> tuple[RunRecord, ...]:
    """The records of those strategies, see `labels`, as if the run had no others; all if there are no names."""
    if not (chosen := labels(records, names)):
        return tuple(records)
    kept = [record for record in records if record.policy.label in chosen]
    suite = {**records[0].suite, "policies": list(dict.fromkeys(record.policy.text for record in kept))}
    return tuple(replace(record, suite=suite) for record in kept)


def restrict_each(runs: Mapping[T, Records], names: Sequence[str]) -> dict[T, tuple[RunRecord, ...]]:
    """`restrict` of several runs: each name is looked for in all of them, and runs that have none are left out. Raises
    VosbenchError for one that no run has.
    """
    known = {run: {text for r in records for text in (r.policy.spec, r.policy.label)} for run, records in runs.items()}
    for name in names:
        if not any(name in texts for texts in known.values()):
            called = {record.policy.label for records in runs.values() for record in records}
            raise unknown(f"strategy of the run{'s' if len(runs) > 1 else ''}", name, called)
    own = {run: [name for name in names if name in known[run]] for run in runs}
    return {run: restrict(records, own[run]) for run, records in runs.items() if own[run] or not names}


def labels(records: Records, names: Sequence[str]) -> tuple[str, ...]:
    """The labels of the strategies of those labels or specs. Raises VosbenchError for one that is absent."""
    known = {name: record.policy.label for record in records for name in (record.policy.spec, record.policy.label)}
    for name in names:
        if name not in known:
            raise unknown("strategy of the run", name, known)
    return tuple(dict.fromkeys(known[name] for name in names))


def require_own_files(record: RunRecord, data: Dataset) -> None:
    """Raise VosbenchError unless a data set has the files of which a record was made, as far as the record tells: older
    ones tell the number of frames alone. Reads all files of its sequence.
    """
    if record.fingerprint:
        same = data.fingerprint(record.sequence) == record.fingerprint
    else:
        same = record.memory is None or len(record.memory.tokens) == len(data.sequence(record.sequence).frames)
    if not same:
        hint = "give the folder of the run's own data set, with --root; or run again, on this one"
        raise VosbenchError(f"{data.root} holds other frames or masks than the run had under the same names", hint)


def _only(kind: str, values: Sequence[T], describe: Callable[[T], str] | None = None) -> T:
    """The value that all of `values` equal, or the error that names two that differ, or what differs in them."""
    for value in values:
        if value != values[0]:
            apart = f"{describe(values[0])} and {describe(value)}" if describe else differing(values[0], value)
            hint = "give the records of one run at a time"
            raise VosbenchError(f"records of different {kind} cannot share a table: {apart}", hint)
    return values[0]


_CALLED = {"checkpoint_hash": "weights", "name": "model"}


def differing(one: Any, other: Any, names: Collection[str] | None = None) -> str:
    """The fields of those names (None: all) in which two dataclasses differ, with both values: `top-k 20 and 50`."""
    if one is None or other is None:
        return "" if one is other else f"{'none' if one is None else 'some'} and {'none' if other is None else 'some'}"
    apart = []
    for name in (field.name for field in fields(one) if names is None or field.name in names):
        ours, theirs = getattr(one, name), getattr(other, name)
        if ours != theirs:
            if name == "checkpoint_hash":
                ours, theirs = ours[:8], theirs[:8]
            apart.append(f"{_CALLED.get(name, name.replace('_', '-'))} {ours} and {theirs}")
    return ", ".join(apart)


def _refuse_twice(records: Records) -> None:
    for (label, sequence), number in Counter((record.policy.label, record.sequence) for record in records).items():
        if number > 1:
            hint = "delete the records of earlier runs from the folder"
            raise VosbenchError(f"strategy {label} has more than one record of sequence {sequence}", hint)


def _sequences(records: Records) -> dict[str, set[int]]:
    """Each sequence and its scored objects, if all strategies were scored on the same; one that failed, on nothing."""
    found: dict[str, set[int]] = {}
    for record in records:
        ids = {score.object_id for score in record.objects}
        if not record.failure and (first := found.setdefault(record.sequence, ids)) != ids:
            apart = f"{sorted(first)} and, by {record.policy.label}, {sorted(ids)}"
            message = f"the strategies are not scored on the same objects of sequence {record.sequence}: {apart}"
            raise VosbenchError(message, "score the run again")
    return {record.sequence: found.get(record.sequence, set()) for record in records}


def _times(records: Records) -> str:
    """Of which sequences there are times, in words, if not of all; and if others were at work beside them."""
    timed = dict.fromkeys(record.sequence for record in records if record.timings)
    shared = any(timing.shared for record in records for timing in record.timings)
    beside = "taken while other runs were at work on the machine" if shared else ""
    if all(record.timings for record in records if record.memory):
        return f"times were {beside}" if shared else ""
    those = f"times are of {a_few(timed)}, where each strategy ran alone"
    return f"{those}, {beside}" if shared else those if timed else "not timed"
