"""Did it get worse or slower? Each strategy of a new run against itself in a baseline, quantity by quantity.

Accuracy and counts are exact, so they are held to a tolerance. Time is not: it fails on a ratio and a rank test
together (`speed`), and where it cannot be trusted only the counts decide, which stand for the work that is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from vosbench.errors import VosbenchError
from vosbench.report.compare.pairing import Entrant, same_data, same_objects
from vosbench.report.compare.speed import speed
from vosbench.report.context import differing
from vosbench.report.measures import measures

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Tolerance:
    """How much worse a new run may be without failing.

    accuracy: points of J or F that may be lost.
    speed: by what factor time, tokens read and bytes may grow.
    timed: whether time is checked too; the machine must then be the same.
    both_ways: whether gains fail as losses do, except in time.

    Raises VosbenchError for a tolerance that means nothing.
    """

    accuracy: float = 0.1
    speed: float = 1.1
    timed: bool = True
    both_ways: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.accuracy <= 100:
            raise VosbenchError(f"a tolerance of {self.accuracy} points means nothing", "give 0 to 100 points of J, F")
        if not 1 <= self.speed < float("inf"):
            hint = "give a ratio of times, such as 1.1 for 10% slower"
            raise VosbenchError(f"a speed tolerance of {self.speed} means nothing", hint)


@dataclass(frozen=True)
class Check:
    """One quantity of one strategy: whether it passed (None: undecided), and the figures in words."""

    strategy: str
    quantity: str
    passed: bool | None
    detail: str

    @property
    def result(self) -> str:
        """`passed`, `FAILED` or `undecided`."""
        return {True: "passed", False: "FAILED", None: "undecided"}[self.passed]


def gate(compared: Sequence[tuple[Entrant, Entrant]], tolerance: Tolerance) -> tuple[Check, ...]:
    """The checks of all pairs of baseline and entrant. Raises VosbenchError for a pair of other data, protocol, weights
    or settings, or, with times, another machine, device or number of threads.
    """
    checks: list[Check] = []
    for baseline, entrant in compared:
        _comparable(baseline, entrant, tolerance.timed)
        checks += _finished(baseline, entrant)
        failed = {r.sequence for r in (*baseline.records, *entrant.records) if r.failure}
        old, new = (
            replace(e, records=tuple(r for r in e.records if r.sequence not in failed)) for e in (baseline, entrant)
        )
        if not old.records:
            continue
        same_objects(old, new)
        checks += [*_accuracy(old, new, tolerance), *_counts(old, new, tolerance)]
        if tolerance.timed:
            checks.append(_time(old, new, tolerance))
    return tuple(checks)


def _comparable(baseline: Entrant, entrant: Entrant, timed: bool) -> None:
    same_data(baseline, entrant)
    old, new = baseline.first, entrant.first
    cannot = f"{baseline.run} and {entrant.run} cannot be compared"
    there = "make a baseline there, or give --speed counts"
    weights = "make a baseline with these weights and precision, or repeat the run with those of the old one"
    compared: tuple[tuple[Any, Any, Sequence[str] | None, str], ...] = (
        (old.model, new.model, ("checkpoint_hash", "precision"), weights),
        (old.settings, new.settings, None, "repeat the run with those of the baseline"),
        (old.environment, new.environment, ("machine", "device", "threads"), there),
    )
    for ours, theirs, names, remedy in compared if timed else compared[:2]:
        if ours and theirs and (apart := differing(ours, theirs, names)):  # masks that no run made have none
            raise VosbenchError(f"{cannot}: {apart}", remedy)
    before, after = ({record.sequence for record in e.records} for e in (baseline, entrant))
    if unshared := sorted(before ^ after):
        raise VosbenchError(f"{cannot}: only one has the sequence {unshared[0]}", "run both on the same sequences")


def _finished(baseline: Entrant, entrant: Entrant) -> list[Check]:
    """A failed check for each sequence that failed now and not before."""
    before = {record.sequence for record in baseline.records if record.failure}
    return [
        Check(entrant.label, "finished", False, f"{record.sequence}: {record.failure.reason}")
        for record in entrant.records
        if record.failure and record.sequence not in before
    ]


def _accuracy(old: Entrant, new: Entrant, tolerance: Tolerance) -> list[Check]:
    checks = []
    if not old.objects():
        return []  # no ground truth: there are counts and times only
    before, after = measures(old.records), measures(new.records)
    for measure in "jf" if "f_mean" in before else "j":
        change = 100 * (after[f"{measure}_mean"] - before[f"{measure}_mean"])
        loss = abs(change) if tolerance.both_ways else -change
        detail = (
            f"{100 * before[f'{measure}_mean']:.2f} to {100 * after[f'{measure}_mean']:.2f} ({change:+.3g} points, "
            f"tolerance {tolerance.accuracy:g})"
        )
        checks.append(Check(new.label, measure.upper(), bool(loss <= tolerance.accuracy + _ROUNDING), detail))
    return checks


def _counts(old: Entrant, new: Entrant, tolerance: Tolerance) -> list[Check]:
    """Work and storage, which no machine changes: tokens that all memory reads went through, and peak bytes."""
    checks = []
    for name, before, after in zip(("tokens read", "bank bytes"), _work(old), _work(new), strict=True):
        if not before:
            continue  # a control, or a sequence of one frame
        ratio = after / before
        worst = max(ratio, 1 / ratio) if tolerance.both_ways and ratio else ratio
        detail = f"{before:,} to {after:,} (x {ratio:.4g}, tolerance x {tolerance.speed:g})"
        checks.append(Check(new.label, name, bool(worst <= tolerance.speed + _ROUNDING), detail))
    return checks


def _work(entrant: Entrant) -> tuple[int, int]:
    """Tokens read over all frames, each of which reads what the frame before left; and the most bytes held."""
    memories = [record.memory for record in entrant.records if record.memory]
    return sum(sum(m.tokens[:-1]) for m in memories), max((m.bytes_peak for m in memories), default=0)


def _time(old: Entrant, new: Entrant, tolerance: Tolerance) -> Check:
    found = speed(old.records, new.records)
    doubt = found.doubt(tolerance.speed)
    if doubt is not None and not found.is_slower(tolerance.speed):
        return Check(new.label, "time", None, f"{doubt}; the counts decide")
    detail = (
        f"x {found.ratio:.3f} (95% interval {found.low:.3f} to {found.high:.3f}, {found.passes} passes, "
        f"p {found.p:.2g}, tolerance x {tolerance.speed:g})"
    )
    return Check(new.label, "time", not found.is_slower(tolerance.speed), detail)
