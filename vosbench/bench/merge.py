"""Puts runs together that were made apart: other sequences, strategies or repeats under the same conditions."""

import os
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vosbench.base.atomic import replacing_folder
from vosbench.base.codec import encode
from vosbench.base.values import checked
from vosbench.bench.folder import difference, hash_of
from vosbench.bench.naming import folder_name
from vosbench.bench.record import DATA_ROOT, PolicyInfo, RunRecord, read_run, write_record
from vosbench.datasets.files import natural_order
from vosbench.errors import VosbenchError


@dataclass(frozen=True)
class _Part:
    """A record in the folder of a run."""

    run: Path
    record: RunRecord

    @property
    def key(self) -> tuple[str, str]:
        """What it is of: the strategy, by all that determines it, and the sequence."""
        policy = self.record.policy
        return f"{policy.name} {sorted(policy.parameters.items())} {policy.source_hash}", self.record.sequence

    @property
    def masks(self) -> Path:
        """The folder of its masks."""
        return self.run / "masks" / folder_name(self.record.policy) / self.record.sequence

    @property
    def title(self) -> str:
        return f"{self.record.policy.label} on {self.record.sequence}"


@checked('vosbench.merge(["part-1", "part-2"], "whole")')
def merge(runs: Sequence[Path | str], out: Path | str) -> tuple[RunRecord, ...]:
    """Put the `runs` together in the folder `out`, which must not hold anything yet, and return its records.

    Records, masks and memory traces are taken as they are; masks are linked, not copied, where the file system can.
    A strategy keeps the label and the place of the first run that has it; a warning tells of others. What several runs
    hold is taken once if they found the same, with the times of all if one machine took them, else of the first; a
    failure gives way to a result, and times beside others to times alone.

    Raises VosbenchError if the runs are fewer than two, one is named twice, or they were not made under the same
    conditions, from the same files or with the same outcome, each named, or if masks are missing or altered; and as
    `read_run`. Nothing is left behind then.
    """
    folders, out = [Path(run) for run in runs], Path(out)
    if len(folders) < 2:
        raise VosbenchError("one run alone cannot be merged", "give two or more run folders")
    if twice := next((run for i, run in enumerate(folders) if run.resolve() in map(Path.resolve, folders[:i])), None):
        raise VosbenchError(f"{twice} is named twice", "name each run once")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise VosbenchError(f"{out} exists already", "choose another folder (--out)")
    if within := next((folder for folder in folders if folder.resolve() in out.resolve().parents), None):
        raise VosbenchError(f"{out} is in {within}, which is to be merged", "choose another folder (--out)")
    parts = [_Part(folder, record) for folder in folders for record in read_run(folder)]
    _require_agreement(parts)
    groups: dict[tuple[str, str], list[_Part]] = {}
    for part in parts:
        groups.setdefault(part.key, []).append(part)
    policies = _policies(parts)
    records = {key: _together(same) for key, same in groups.items()}
    _require_masks(parts)
    names = [policy.text for policy in policies.values() if policy.kind != "control"]
    run = out.resolve().name
    with replacing_folder(out, hint="choose another folder (--out)") as unfinished:
        for (strategy, _), (best, record) in records.items():
            record = replace(record, run=run, policy=policies[strategy], suite={**record.suite, "policies": names})
            _write(unfinished, best, record)
        for root in filter(Path.is_file, (folder / DATA_ROOT for folder in reversed(folders))):
            shutil.copy2(root, unfinished)
    return read_run(out)


def _require_agreement(parts: list[_Part]) -> None:
    """Raise VosbenchError for the first record that another run's conditions or files do not fit."""
    first = parts[0]
    files: dict[str, _Part] = {}
    for part in parts:
        if part.record.conditions != first.record.conditions:
            what = f"{part.run} cannot be merged with {first.run}: it is of {difference(part.record, first.record)}"
            raise VosbenchError(what, "compare them instead: vosbench compare")
        if part.record.failure and part.record.failure.cause == "sequence":
            continue  # its files could not be read
        other = files.setdefault(part.record.sequence, part)
        if other.record.fingerprint != part.record.fingerprint:
            what = f"sequence {part.record.sequence} is of other files in {part.run} than in {other.run}"
            raise VosbenchError(what, "leave one of the runs out")


def _require_masks(parts: list[_Part]) -> None:
    """Raise VosbenchError for the first masks that are not those that were scored; a run that has none at all, such as
    records that were published, is one without masks.
    """
    bare = {part.run for part in parts if not (part.run / "masks").exists()}
    for part in parts:
        if part.record.masks and part.run not in bare:
            masks = sorted(part.masks.glob("*.png"), key=lambda path: natural_order(path.stem))
            if hash_of(masks) != part.record.masks:
                hint = "make them again: the same `vosbench run` goes on where they are missing; or leave the run out"
                raise VosbenchError(f"masks of {part.title} in {part.run} are missing or were altered", hint)


def _policies(parts: list[_Part]) -> dict[str, PolicyInfo]:
    """Each strategy as its first run calls it, in the order of the runs. Raises VosbenchError for two of one name."""
    found: dict[str, PolicyInfo] = {}
    places: dict[str, _Part] = {}
    for part in parts:
        strategy, _ = part.key
        if strategy in found:
            continue
        found[strategy] = replace(part.record.policy, position=len(found))
        other = places.setdefault(folder_name(part.record.policy).casefold(), part)
        if other is not part:
            one, two = (f"{p.record.policy.label} in {p.run}" for p in (part, other))
            what = f"{one} is another strategy than {two}: parameters or source differ"
            raise VosbenchError(what, "run one of them again under a label of its own: -p LABEL=SPEC")
    for run, strategy, label in dict.fromkeys((part.run, part.key[0], part.record.policy.label) for part in parts):
        if label != found[strategy].label:
            warnings.warn(f"{run} calls {label} what is called {found[strategy].label} here", stacklevel=3)
    return found


def _together(same: list[_Part]) -> tuple[_Part, RunRecord]:
    """Of parts of one strategy and sequence the one to take, and its record with the times of all."""
    done = [part for part in same if not part.record.failure]
    if not done:
        return same[0], same[0].record
    best = next((part for part in done if part.record.scores), done[0])
    timings, scores = list(best.record.timings), encode(best.record.scores)
    for part in done:
        record = part.record
        if record.masks != best.record.masks or (record.scores and encode(record.scores) != scores):
            what = f"{part.run} and {best.run} found other masks or scores for {best.title}"
            raise VosbenchError(what, "leave one of the runs out")
        if record.environment == best.record.environment:
            timings += [timing for timing in record.timings if timing not in timings]
    timings = [timing for timing in timings if not timing.shared] or timings
    alone = 1 if timings else best.record.together
    return best, replace(best.record, timings=tuple(timings), together=alone)


def _write(out: Path, part: _Part, record: RunRecord) -> None:
    """Write a record, and link the masks and the trace that belong to it."""
    theirs, own = folder_name(part.record.policy), folder_name(record.policy)
    write_record(out / "records" / own / f"{record.sequence}.json", record)
    trace = part.run / "records" / theirs / f"{record.sequence}.npz"
    if trace.exists():
        _link(trace, out / "records" / own / trace.name)
    if part.masks.is_dir():
        shutil.copytree(part.masks, out / "masks" / own / record.sequence, copy_function=_link)


def _link(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
