"""Who is compared with whom: strategies of one run, or the same strategies in several.

A baseline and what is compared with it must be scored on the same objects of the same data by the same protocol;
model, settings, strategy and code may differ, since they are what is compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError, unknown
from vosbench.metrics.statistics import j_and_f
from vosbench.report.context import Context, Records, by_identity, context, version
from vosbench.report.measures import figures_of

Runs = Mapping[str, Records]  # by the name that is shown


@dataclass(frozen=True)
class Entrant:
    """A strategy of a run, its records by sequence; `strategy` as in `context.by_identity`, `lacks` as in `Context`."""

    run: str
    strategy: str
    records: tuple[RunRecord, ...]
    lacks: tuple[str, ...] = ()

    @property
    def first(self) -> RunRecord:
        """A record, for what all of them share."""
        return self.records[0]

    @property
    def label(self) -> str:
        """What its run calls it."""
        return self.first.policy.label

    @property
    def name(self) -> str:
        """Strategy and run, in words."""
        return f"{self.label} of {self.run}"

    @property
    def protocol(self) -> str:
        """The protocol that scored it, or `none`."""
        return next((record.scores.protocol for record in self.records if record.scores), "none")

    def members(self, objects: Sequence[tuple[str, int]]) -> np.ndarray:
        """Which of these objects belong to each group that weighs alike (`Figures.groups`): float64 [G,N], 0 or 1."""
        scored = [score for record in self.records for score in record.objects]
        group_of = dict(zip(self.objects(), figures_of(self.records).groups(scored), strict=True))
        there = dict.fromkeys(group for group in group_of.values() if group is not None)
        return np.array([[float(group_of[key] == group) for key in objects] for group in there])

    def objects(self) -> dict[tuple[str, int], float]:
        """J&F, 0 to 1, of each scored object, by sequence and id; J where there is no F."""
        return {(r.sequence, score.object_id): j_and_f(score) for r in self.records for score in r.objects}


def pair_up(runs: Runs, names: Sequence[str] | None = None) -> tuple[tuple[Entrant, Entrant], ...]:
    """Each baseline with what is compared to it, of the strategies `names` or of all, see `select`.

    Within one run the baseline is the first strategy. Of several runs the first is the baseline, strategy by strategy;
    where it has one strategy only, all are compared with that. A strategy that only the baseline has is an error: it
    may have gone by mistake. One that the baseline lacks is left out, unless it is named. Of a run and masks that
    were scored, which are no second try of the same strategies, all are compared with the first of all instead. Raises
    VosbenchError if there is nothing to compare, too.
    """
    entrants = select(runs, names)
    if len(entrants) < 2:
        message = "there is nothing to compare: one strategy of one run" if entrants else "the runs hold no strategy"
        raise VosbenchError(message, "give two runs, or a run of several strategies")
    with_first = tuple((entrants[0], entrant) for entrant in entrants[1:])
    first = entrants[0].run
    baselines = {entrant.strategy: entrant for entrant in entrants if entrant.run == first}
    if len(baselines) == 1 or len(runs) == 1:
        return with_first
    for run in (run for run in runs if run != first):
        others = {entrant.strategy: entrant for entrant in entrants if entrant.run == run}
        if gone := [baseline for key, baseline in baselines.items() if key not in others]:
            if len({entrant.first.model is None for entrant in entrants}) > 1:
                return with_first
            for other in others.values():
                same_data(gone[0], other)
            hint = "run it too, or choose others with --policies"
            raise VosbenchError(f"strategy {gone[0].name} is not in {run}", hint)
    found = []
    for entrant in (entrant for entrant in entrants if entrant.run != first):
        if entrant.strategy in baselines:
            found.append((baselines[entrant.strategy], entrant))
        elif names is not None:
            same_data(entrants[0], entrant)
            known = ", ".join(one.label for one in baselines.values())
            hint = "choose with --policies which to compare"
            raise VosbenchError(f"strategy {entrant.name} has no counterpart among those of {first}: {known}", hint)
    return tuple(found)


def select(runs: Runs, names: Sequence[str] | None = None) -> tuple[Entrant, ...]:
    """The strategies of all runs, or those of the labels or specs `names` in that order, run by run.

    Controls are taken only if they are named. What is named in one run is found in the others whatever its label there.
    Raises VosbenchError as `context` does for each run, and for a name that no run has.
    """
    missing = {run: context(records).lacks for run, records in runs.items()}
    groups = {run: by_identity(records) for run, records in runs.items()}
    named: dict[str, list[str]] = {}
    for run in groups.values():
        for key, group in run.items():
            for name in {group[0].policy.label, group[0].policy.spec}:
                named.setdefault(name, []).append(key)
    for name in names or ():
        if name not in named:
            raise unknown("strategy of the run" if len(runs) == 1 else "strategy of the runs", name, named)
    wanted = None if names is None else dict.fromkeys(key for name in names for key in named[name])
    return tuple(
        Entrant(run, key, tuple(sorted(group[key], key=lambda record: record.sequence)), missing[run])
        for run, group in groups.items()
        for key in (wanted if wanted is not None else group)
        if key in group and (wanted is not None or group[key][0].policy.kind != "control")
    )


def same_objects(baseline: Entrant, entrant: Entrant) -> None:
    """Raises VosbenchError, naming the first that only one has, unless both are scored on the same objects."""
    if unshared := sorted(baseline.objects().keys() ^ entrant.objects().keys()):
        sequence, object_id = unshared[0]
        apart = f"{len(unshared)} are in one only, such as {sequence} object {object_id}"
        message = f"{baseline.name} and {entrant.name} are not scored on the same objects: {apart}"
        raise VosbenchError(message, "run both on the same sequences")


def common_context(compared: Sequence[tuple[Entrant, Entrant]]) -> Context:
    """The conditions of the baselines, and what any of the runs lacks."""
    baselines = {(baseline.run, baseline.strategy): baseline for baseline, _ in compared}.values()
    entrants = {entrant.run: entrant for pair in compared for entrant in pair}
    missing = [f"{run}: {reason}" if len(entrants) > 1 else reason for run, e in entrants.items() for reason in e.lacks]
    found = context([record for baseline in baselines for record in baseline.records])
    return replace(found, partial=bool(missing), lacks=tuple(missing))


def same_data(baseline: Entrant, entrant: Entrant) -> None:
    """Raises VosbenchError, naming what differs, unless both ran on the same files and are scored by one protocol."""
    old, new = baseline.first.dataset, entrant.first.dataset
    shared = {record.sequence for record in baseline.records} & {record.sequence for record in entrant.records}
    files = [version([r for r in e.records if r.sequence in shared] or e.records) for e in (baseline, entrant)]
    for what, ours, theirs in (
        ("data sets", f"{old.name} {old.split}", f"{new.name} {new.split}"),
        ("frames", old.frame_mode or "all", new.frame_mode or "all"),
        ("versions of the data", files[0][:8], files[1][:8]),
        ("protocols", baseline.protocol, entrant.protocol),
    ):
        if ours != theirs:
            message = f"{baseline.run} and {entrant.run} cannot be compared, their {what} differ: {ours} and {theirs}"
            raise VosbenchError(message, f"repeat one of the runs with the {what} of the other")
