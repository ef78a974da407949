"""One sequence of several runs, or of a run and masks that were scored, seen together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vosbench.bench.record import read_run
from vosbench.errors import VosbenchError, a_few
from vosbench.report.context import restrict_each
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
    opened = {}
    for name, records in restrict_each(everything, strategies).items():
        own = [record.policy.label for record in records] if strategies else []
        opened[name] = open_footage(runs[name], sequence, root, own)
    first = next(iter(opened.values()))
    if len(opened) == 1:
        return first
    prints = {record.fingerprint for one in opened.values() for record in one.records.values()} - {""}
    shared = set.intersection(*({frame.name for frame in one.frames} for one in opened.values()))
    if len(prints) > 1 or not shared:
        hint = "score the masks on the data of the run"
        raise VosbenchError(f"{' and '.join(opened)} are not of the same files of {sequence}", hint)
    times = Counter(label for one in opened.values() for label in one.masks)
    masks, of = {}, {}
    for name, one in opened.items():
        for label in one.masks:
            title = label if times[label] == 1 else f"{label} of {name}"
            masks[title], of[title] = one.masks[label], one.records[label]
    frames = tuple(frame for frame in first.frames if frame.name in shared)
    return replace(first, frames=frames, masks=masks, records=of)


def most_disputed_sequence(runs: Mapping[str, Path], strategies: Sequence[str] = ()) -> str:
    """The sequence of all runs on which the J&F of their strategies, or of some of them, lies farthest apart.

    Raises VosbenchError as `read_run` does, for a strategy that no run has, for a run of which every strategy failed,
    and for runs without a sequence in common.
    """
    everything = {name: read_run(run) for name, run in runs.items()}
    found: dict[str, dict[str, list[float]]] = {}
    for name, records in restrict_each(everything, strategies).items():
        found[name] = {}
        for record in records:
            if record.policy.kind != "control" and not record.failure:
                found[name].setdefault(record.sequence, []).append(pooled_jf([record]))
        if not found[name]:
            own = dict.fromkeys(record.policy.label for record in records)
            hint = "choose others: controls and what failed leave none"
            raise VosbenchError(f"{a_few(own)} of {runs[name]} has no masks", hint)
    common = set.intersection(*map(set, found.values()))
    if not common:
        raise VosbenchError(f"{' and '.join(found)} have no sequence in common", "give runs of the same data")

    def spread(sequence: str) -> float:
        return float(np.nan_to_num(np.ptp([jf for one in found.values() for jf in one[sequence]])))

    return max(sorted(common), key=spread)
