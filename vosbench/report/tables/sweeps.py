"""Runs that differ in the strength of one attribute of generated clips, side by side."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vosbench.bench.record import RunRecord
from vosbench.datasets.generated.recipe import ATTRIBUTES
from vosbench.errors import VosbenchError
from vosbench.report.context import Context, by_strategy, context
from vosbench.report.tables.rendering import Table
from vosbench.report.tables.results import figures

Runs = Sequence[Sequence[RunRecord]]
HINT = "give runs of splits such as occlusion=5, occlusion=20 and occlusion=80"


def attribute_of(runs: Runs) -> tuple[str, list[float]]:
    """The one attribute in which the splits of `runs` differ, and its strength in each.

    Raises VosbenchError if they differ in nothing, in several attributes or in more than attributes.
    """
    splits = [_strengths(run[0].dataset.split) for run in runs]
    named = splits[0].keys()
    differing = [name for name in named if len({split.get(name) for split in splits}) > 1]
    if any(split.keys() != named for split in splits) or len(differing) != 1 or differing[0] not in {"", *ATTRIBUTES}:
        given = ", ".join(run[0].dataset.split for run in runs)
        raise VosbenchError(f"runs of {given} do not differ in one strength alone", HINT)
    (name,) = differing
    try:
        return name, [float(split[name]) for split in splits]
    except ValueError:
        raise VosbenchError(f"runs of {splits[0][name]} and other splits have no strength in common", HINT) from None


def _strengths(split: str) -> dict[str, str]:
    """`val,occlusion=20` -> {"": "val", "occlusion": "20"}."""
    return {name if equals else "": value if equals else name for name, equals, value in map(_parts, split.split(","))}


def _parts(text: str) -> tuple[str, str, str]:
    return text.partition("=")


def against_attribute(runs: Runs) -> Table:
    """One row per strength and strategy, in ascending order of strength, with the figures of `tables.leaderboard`.

    Raises VosbenchError as `attribute_of` and `context` do, and if model or settings differ.
    """
    name, rows = attribute_of(runs)[0], []
    common = in_order(runs)
    for strength, found, run in common:
        for spec, group in by_strategy(run).items():
            rows.append({name: strength, "strategy": spec, "objects": found.objects, **figures(group)})
    frame = pd.DataFrame(rows)
    frame = frame.astype({column: "Int64" for column in frame.columns if "bytes" in column})
    return Table(frame, f"J&F against {name}. {data(common)}; {common[0][1].system}.")


def in_order(runs: Runs) -> list[tuple[float, Context, Sequence[RunRecord]]]:
    """Strength, conditions and records of each run, weakest first."""
    _, strengths = attribute_of(runs)
    found = sorted(zip(strengths, map(context, runs), runs, strict=True), key=lambda entry: entry[0])
    first = found[0][1]
    specs = by_strategy(found[0][2]).keys()
    for place, (strength, other, run) in enumerate(found):
        if place and strength == found[place - 1][0]:
            raise VosbenchError(f"there are two runs of {other.dataset.split}", HINT)
        if by_strategy(run).keys() != specs:
            raise VosbenchError(f"the run at {strength:g} has other strategies", "run the same at every strength")
        if not np.isfinite([figures(group)["jf"] for group in by_strategy(run).values()]).all():
            raise VosbenchError(f"the run at {strength:g} has strategies without scores", "finish it first")
        if (other.model, other.settings, other.protocol) != (first.model, first.settings, first.protocol):
            raise VosbenchError(f"the run at {strength:g} has another model, protocol or settings", "run them alike")
    return found


def data(common: Sequence[tuple[float, Context, Sequence[RunRecord]]]) -> str:
    """What the runs have in common, in words."""
    first, last = common[0][1], common[-1][1]
    objects = sum(found.objects for _, found, _ in common)
    partial = ", PARTIAL" if any(found.partial for _, found, _ in common) else ""
    return (
        f"{first.dataset.name} {first.dataset.split} to {last.dataset.split}, frames {first.dataset.frame_mode}; "
        f"protocol {first.protocol}{partial}; {len(common)} runs, {objects} objects"
    )
