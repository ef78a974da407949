"""Which of two is better: strategies of one run, or the same strategies in several, object by object.

A baseline and what is compared with it must be scored on the same objects of the same data by the same protocol;
model, settings, strategy and code may differ, since they are what is compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError, unknown
from vosbench.report.compare.significance import holm, interval, rank_biserial, signed_rank
from vosbench.report.context import by_strategy, context

Runs = Mapping[str, Sequence[RunRecord]]  # by the name that is shown


@dataclass(frozen=True)
class Entrant:
    """One strategy of one run, with its records in the order of their sequences."""

    run: str
    spec: str
    records: tuple[RunRecord, ...]

    @property
    def first(self) -> RunRecord:
        """A record, for what all of them share."""
        return self.records[0]

    @property
    def name(self) -> str:
        """Strategy and run, in words."""
        return f"{self.spec} of {self.run}"

    @property
    def protocol(self) -> str:
        """The protocol that scored it, or `none`."""
        return next((record.scores.protocol for record in self.records if record.scores), "none")

    def objects(self) -> dict[tuple[str, int], float]:
        """J&F, 0 to 1, of each scored object, by sequence and id."""
        return {
            (record.sequence, score.object_id): (score.j.mean + score.f.mean) / 2
            for record in self.records
            for score in (record.scores.objects if record.scores else ())
        }


@dataclass(frozen=True)
class Difference:
    """`entrant` minus `baseline` in J&F, 0 to 1, of each object: `values`, float64 [N], in the order of `objects`.

    `low` and `high` are the 95% interval of the mean, see `significance.interval`; `p` is that of the clustered
    signed-rank test, corrected by Holm for all differences that were asked for together; `effect` is the rank-biserial
    correlation. Differences below 1e-12, which rounding leaves, are 0.
    """

    baseline: Entrant
    entrant: Entrant
    objects: tuple[tuple[str, int], ...]
    values: np.ndarray
    low: float
    high: float
    p: float
    effect: float

    @property
    def mean(self) -> float:
        """The difference of the two pooled J&F; NaN where one of the two failed on a sequence."""
        return float(np.mean(self.values)) if len(self.values) else np.nan

    @property
    def mark(self) -> str:
        """`*`, `**`, `***` for p below 0.05, 0.01, 0.001; `=` where no object differs at all."""
        if len(self.values) and not self.values.any():
            return "="
        return "*" * sum(self.p < bound for bound in (0.05, 0.01, 0.001))


def select(runs: Runs, specs: Sequence[str] | None = None) -> tuple[Entrant, ...]:
    """The strategies of all runs, or those called `specs` in that order, run by run; controls only if they are named.

    Raises VosbenchError as `context` does for each run, and for a spec that no run has.
    """
    found: list[Entrant] = []
    everything: set[str] = set()
    for run, records in runs.items():
        context(records)
        groups = by_strategy(records)
        everything |= groups.keys()
        chosen = specs if specs is not None else [s for s, g in groups.items() if g[0].policy.kind == "strategy"]
        found += [
            Entrant(run, spec, tuple(sorted(groups[spec], key=lambda record: record.sequence)))
            for spec in chosen
            if spec in groups
        ]
    for spec in specs or ():
        if spec not in everything:
            raise unknown("strategy of the run" if len(runs) == 1 else "strategy of the runs", spec, everything)
    return tuple(found)


def pairs(entrants: Sequence[Entrant]) -> tuple[tuple[Entrant, Entrant], ...]:
    """Each baseline with what is compared to it.

    Within one run the baseline is the first strategy. Of several runs the first is the baseline, strategy by strategy;
    where it has one strategy only, all are compared with that. Raises VosbenchError if there is nothing to compare or
    a strategy has no counterpart.
    """
    first = [entrant for entrant in entrants if entrants and entrant.run == entrants[0].run]
    rest = [entrant for entrant in entrants if entrant.run != entrants[0].run]
    if len(entrants) < 2:
        raise VosbenchError(
            "there is nothing to compare: one strategy of one run" if entrants else "the runs hold no strategy",
            "give two runs, or a run of several strategies",
        )
    if not rest:
        return tuple((first[0], entrant) for entrant in first[1:])
    counterparts = {entrant.spec: entrant for entrant in first}
    found = []
    for entrant in rest:
        baseline = counterparts.get(entrant.spec, first[0] if len(first) == 1 else None)
        if baseline is None:
            raise VosbenchError(
                f"strategy {entrant.name} has no counterpart among those of {first[0].run}: {', '.join(counterparts)}",
                "choose with --policies which to compare",
            )
        found.append((baseline, entrant))
    return tuple(found)


def differences(compared: Sequence[tuple[Entrant, Entrant]]) -> tuple[Difference, ...]:
    """The differences of all pairs of baseline and entrant.

    Raises VosbenchError if a pair is not scored, or not on the same objects of the same data by the same protocol.
    """
    found = [_difference(baseline, entrant) for baseline, entrant in compared]
    corrected = holm(np.array([difference.p for difference in found]))
    return tuple(replace(difference, p=float(p)) for difference, p in zip(found, corrected, strict=True))


def same_data(baseline: Entrant, entrant: Entrant) -> None:
    """Raises VosbenchError, naming what differs, unless both ran on the same files and are scored by one protocol."""
    pairs_of = (
        ("data sets", *(f"{r.dataset.name} {r.dataset.split}" for r in (baseline.first, entrant.first))),
        ("frames", *(r.dataset.frame_mode for r in (baseline.first, entrant.first))),
        ("versions of the data", *(r.dataset.fingerprint[:8] for r in (baseline.first, entrant.first))),
        ("protocols", *(e.protocol for e in (baseline, entrant))),
    )
    for what, ours, theirs in pairs_of:
        if ours != theirs:
            raise VosbenchError(
                f"{baseline.run} and {entrant.run} cannot be compared, their {what} differ: {ours} and {theirs}",
                f"repeat one of the runs with the {what} of the other",
            )


def _difference(baseline: Entrant, entrant: Entrant) -> Difference:
    same_data(baseline, entrant)
    if any(record.failure for record in (*baseline.records, *entrant.records)):
        return Difference(baseline, entrant, (), np.array([]), np.nan, np.nan, np.nan, np.nan)
    before, after = baseline.objects(), entrant.objects()
    if not before:
        raise VosbenchError(f"{baseline.name} has no scores", "compare runs on data with ground truth")
    if lone := sorted(before.keys() ^ after.keys()):
        sequence, object_id = lone[0]
        raise VosbenchError(
            f"{baseline.name} and {entrant.name} are not scored on the same objects: "
            f"{len(lone)} in one only, such as {sequence} object {object_id}",
            "run both on the same sequences",
        )
    objects = tuple(sorted(before))
    values = np.array([after[key] - before[key] for key in objects])
    values[np.abs(values) < 1e-12] = 0
    sequences = np.array([sequence for sequence, _ in objects])
    low, high = interval(values, sequences)
    p = signed_rank(values, sequences)
    return Difference(baseline, entrant, objects, values, low, high, p, rank_biserial(values))
