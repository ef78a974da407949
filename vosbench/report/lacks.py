"""What a run lacks, so that its result is partial; and which of its records can stand side by side all the same."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from vosbench.bench.record import PolicyInfo, RunRecord
from vosbench.errors import a_few
from vosbench.memory.grammar import read

FAILED = "failed: "  # in front of the strategies that failed, which is a result too


def usable(records: Iterable[RunRecord]) -> list[RunRecord]:
    """The records of the sequences that are not faulty and that every strategy has.

    A sequence that is not scored for all strategies is scored for none, and one that is not timed for all for none.
    """
    records = list(records)
    strategies = len({record.policy.label for record in records})
    have = Counter(sequence for sequence, _ in {(record.sequence, record.policy.label) for record in records})
    out = set(_faulty(records)) | {sequence for sequence, number in have.items() if number < strategies}
    reasons = {record.sequence: record.unscored for record in records if record.unscored}
    kept = [record for record in records if record.sequence not in out]
    untimed = {record.sequence for record in kept if record.memory and not record.timings}
    return [_without(record, reasons.get(record.sequence), record.sequence in untimed) for record in kept]


def _without(record: RunRecord, unscored: str | None, untimed: bool) -> RunRecord:
    """A record without scores, for that reason if there is one, and without times if others have none."""
    if record.scores and unscored is not None:
        record = replace(record, scores=None, unscored=unscored)
    return replace(record, timings=()) if record.timings and untimed else record


def lacks(records: Iterable[RunRecord]) -> tuple[str, ...]:
    """Why the result of a run is partial, in words; nothing if it is whole."""
    records = list(records)
    kept, faulty = usable(records), _faulty(records)
    done = len({record.sequence for record in kept})
    present = len({record.sequence for record in records})
    total = max(present, *(record.dataset.sequences for record in records))
    whole = present == max(record.dataset.in_split for record in records)  # be it in several runs
    unscored = sorted({record.sequence for record in kept if record.unscored})
    some_scored = any(record.scores for record in kept)
    have = {record.policy.text: record.policy for record in records}.values()
    asked = dict.fromkeys(text for record in records for text in record.suite.get("policies", ()))  # by any suite
    absent = [text for text in asked if not any(_is(policy, text) for policy in have)]
    codes = {(r.policy.label, r.policy.name, str(r.policy.parameters), r.policy.source_hash) for r in records}
    mixed = sorted(label for label, number in Counter(label for label, *_ in codes).items() if number > 1)
    failed = dict.fromkeys(record.policy.label for record in kept if record.failure)
    found = {
        "sequences were left out": not whole and any(record.partial for record in records),
        f"{done} of {total} sequences are done": done + len(faulty) < total,
        f"not run yet: {a_few(absent)}": absent,
        f"made by different code: {a_few(mixed)}": mixed,
        f"faulty: {a_few(faulty)}": faulty,
        f"not scored: {a_few(unscored)}": some_scored and unscored,
        f"{FAILED}{a_few(failed)}": failed,
    }
    return tuple(words for words, holds in found.items() if holds)


def _is(policy: PolicyInfo, text: str) -> bool:
    """Whether a suite that asked for `text` has this strategy, though another may have called it otherwise."""
    if text in (policy.spec, policy.text, f"{policy.label}={policy.spec}"):
        return True
    asked, had = read(text), policy.parameters
    same = all(str(had.get(key)).lower() == str(value).lower() for key, value in asked.items)
    return same and asked.name == read(policy.spec).name


def _faulty(records: Iterable[RunRecord]) -> list[str]:
    """The sequences that are faulty."""
    return sorted({r.sequence for r in records if r.failure and r.failure.cause == "sequence"})
