"""Runs that differ in the strength of one attribute of generated clips: what is asked of them, and their order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vosbench.base.words import count, data_title
from vosbench.datasets.generated.recipe import ATTRIBUTES, strengths
from vosbench.errors import VosbenchError, a_few
from vosbench.report.context import Context, Records, by_identity, context, differing
from vosbench.report.measures import pooled_jf

HINT = "give runs of splits such as occlusion=5, occlusion=20 and occlusion=80"
SAME = f"`vosbench compare` and `report` show runs and scored masks of the same data; for a sweep {HINT}"


@dataclass(frozen=True)
class RunAtStrength:
    """A run of a sweep: the strength of the attribute, the conditions, the records."""

    strength: float
    context: Context
    records: Records


@dataclass(frozen=True)
class Sweep:
    """Runs of the same strategies that differ in the strength of `attribute` alone, the weakest first."""

    attribute: str
    runs: tuple[RunAtStrength, ...]

    @property
    def data(self) -> str:
        """What the data of the runs have in common, in words."""
        first, last = self.runs[0].context, self.runs[-1].context
        splits = f"{first.dataset.split} to {last.dataset.split}"
        objects = sum(run.context.objects for run in self.runs)
        partial = ", PARTIAL" if any(run.context.partial for run in self.runs) else ""
        return (
            f"{data_title(first.dataset.name, splits, first.dataset.frame_mode)}; "
            f"protocol {first.protocol}{partial}; {count(len(self.runs), 'run')}, {count(objects, 'object')}"
        )

    @property
    def system(self) -> str:
        """Model, settings and devices, in words."""
        return self.runs[0].context.system


def sweep(runs: Sequence[Records]) -> Sweep:
    """The sweep that `runs` are.

    Raises VosbenchError if their data differ in nothing, in several attributes or in more than attributes; if two
    runs are of one strength; if strategies, model, protocol or settings differ; and if a strategy has no scores.
    """
    attribute, strengths = attribute_of(runs)
    found = sorted(map(RunAtStrength, strengths, map(context, runs), runs), key=lambda run: run.strength)
    first = found[0]
    strategies = by_identity(first.records).keys()
    for place, run in enumerate(found):
        groups, at = by_identity(run.records), f"the run at {run.strength:g}"
        if place and run.strength == found[place - 1].strength:
            raise VosbenchError(f"there are two runs of {run.context.dataset.split}", HINT)
        if groups.keys() != strategies:
            names = ({group[0].policy.label for group in one.values()} for one in (by_identity(first.records), groups))
            apart = a_few(sorted(set.symmetric_difference(*names)))
            raise VosbenchError(f"{at} has other strategies: {apart}", "run the same at every strength")
        if not np.isfinite([pooled_jf(group) for group in groups.values()]).all():
            raise VosbenchError(f"{at} has strategies without scores", "finish it first")
        if apart := _apart(first.context, run.context):
            raise VosbenchError(f"{at} has other conditions: {apart}", "repeat it with those of the others")
    return Sweep(attribute, tuple(found))


def attribute_of(runs: Sequence[Records]) -> tuple[str, list[float]]:
    """The one attribute in which the splits of `runs` differ, and its strength in each. Raises as `sweep` does."""
    names = [run[0].dataset.split for run in runs]
    what = ", ".join(dict.fromkeys(names))
    they = f"all runs are of the split {what}, so they" if len({*names}) == 1 else f"runs of {what}"
    apart = VosbenchError(f"{they} do not differ in one strength alone", SAME if len({*names}) == 1 else HINT)
    try:
        bases, given = zip(*map(strengths, names), strict=True)
    except VosbenchError:  # splits of no generated clips
        raise apart from None
    differing = [name for name in given[0] if len({one.get(name) for one in given}) > 1]
    alike = len({*bases}) == 1 and all(one.keys() == given[0].keys() for one in given)
    if not alike or len(differing) != 1 or differing[0] not in ATTRIBUTES:
        raise apart
    return differing[0], [float(one[differing[0]]) for one in given]


def _apart(one: Context, other: Context) -> str:
    """What differs in model, settings and protocol, with both values; nothing if nothing does."""
    told = [differing(getattr(one, name), getattr(other, name)) for name in ("model", "settings")]
    told.append("" if one.protocol == other.protocol else f"protocol {one.protocol} and {other.protocol}")
    return ", ".join(filter(None, told))
