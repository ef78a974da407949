"""One sequence of several runs, or of a run and masks that were scored, seen together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vosbench.bench.record import read_run
from vosbench.errors import VosbenchError, a_few, unknown
from vosbench.report.context import Records, restrict
from vosbench.report.measures import pooled_jf
from vosbench.report.pictures.footage import Footage, mask_folders, open_footage


def open_together(
    runs: Mapping[str, Path], sequence: str, root: Path | None = None, strategies: Sequence[str] = ()
) -> Footage:
    """The footage of a sequence in several runs, or folders of scored masks, each under its name.

    What two of them have under one label is called `LABEL of NAME`; `strategies` are looked for in each. Frames are
    those that all have. Raises VosbenchError as `open_footage` does, and for runs that are not of the same files.
    """
    everything = {name: [record for record, _ in mask_folders(run, sequence).values()] for name, run in runs.items()}
    named = _named(everything, strategies)
    opened = {name: open_footage(runs[name], sequence, root, own) for name, own in named.items()}
    if len(opened) == 1:
        return next(iter(opened.values()))
    prints = {record.fingerprint for one in opened.values() for record in one.records.values()} - {""}
    shared = set.intersection(*({frame.name for frame in one.frames} for one in opened.values()))
    if len(prints) > 1 or not shared:
        raise VosbenchError(
            f"{' and '.join(opened)} are not of the same files of {sequence}", "score the masks on the data of the run"
        )
    times = Counter(label for one in opened.values() for label in one.masks)
    masks, records = {}, {}
    for name, one in opened.items():
        for label in one.masks:
            title = label if times[label] == 1 else f"{label} of {name}"
            masks[title], records[title] = one.masks[label], one.records[label]
    first = next(iter(opened.values()))
    frames = tuple(frame for frame in first.frames if frame.name in shared)
    return replace(first, frames=frames, masks=masks, records=records)


def most_disputed_sequence(runs: Mapping[str, Path], strategies: Sequence[str] = ()) -> str:
    """The sequence of all runs on which the J&F of their strategies, or of some of them, lies farthest apart.

    Raises VosbenchError as `read_run` does, for a strategy that no run has, for a run of which every strategy failed,
    and for runs without a sequence in common.
    """
    everything = {name: read_run(run) for name, run in runs.items()}
    found: dict[str, dict[str, list[float]]] = {}
    for name, own in _named(everything, strategies).items():
        found[name] = {}
        for record in restrict(everything[name], own):
            if record.policy.kind != "control" and not record.failure:
                found[name].setdefault(record.sequence, []).append(pooled_jf([record]))
        if not found[name]:
            raise VosbenchError(
                f"{a_few(own) or 'no strategy'} of {runs[name]} has no masks"
                if own
                else f"no strategy of {runs[name]} has masks",
                "choose other strategies: controls and what failed leave none" if own else "choose another run",
            )
    common = set.intersection(*map(set, found.values()))
    if not common:
        raise VosbenchError(f"{' and '.join(found)} have no sequence in common", "give runs of the same data")

    def spread(sequence: str) -> float:
        return float(np.nan_to_num(np.ptp([jf for one in found.values() for jf in one[sequence]])))

    return max(sorted(common), key=spread)


def _named(runs: Mapping[str, Records], names: Sequence[str]) -> dict[str, list[str]]:
    """The runs that have some of these strategies (none: any), each with its own. VosbenchError if none has one."""
    known = {run: {text for r in records for text in (r.policy.spec, r.policy.label)} for run, records in runs.items()}
    everything = set().union(*known.values())
    for name in names:
        if name not in everything:
            raise unknown("strategy of the run" if len(runs) == 1 else "strategy of the runs", name, everything)
    own = {run: [name for name in names if name in known[run]] for run in runs}
    return {run: chosen for run, chosen in own.items() if chosen or not names}
