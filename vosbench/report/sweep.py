"""Runs that differ in the strength of one attribute of generated clips: what is asked of them, and their order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vosbench.bench.record import RunRecord
from vosbench.datasets.generated.recipe import ATTRIBUTES
from vosbench.errors import VosbenchError
from vosbench.report.context import Context, by_identity, context
from vosbench.report.measures import pooled_jf

HINT = "give runs of splits such as occlusion=5, occlusion=20 and occlusion=80"


@dataclass(frozen=True)
class RunAtStrength:
    """A run of a sweep: the strength of the attribute, the conditions, the records."""

    strength: float
    context: Context
    records: Sequence[RunRecord]


@dataclass(frozen=True)
class Sweep:
    """Runs of the same strategies that differ in the strength of `attribute` alone, the weakest first."""

    attribute: str
    runs: tuple[RunAtStrength, ...]

    @property
    def data(self) -> str:
        """What the data of the runs have in common, in words."""
        first, last = self.runs[0].context, self.runs[-1].context
        objects = sum(run.context.objects for run in self.runs)
        partial = ", PARTIAL" if any(run.context.partial for run in self.runs) else ""
        return (
            f"{first.dataset.name} {first.dataset.split} to {last.dataset.split}, frames {first.dataset.frame_mode}; "
            f"protocol {first.protocol}{partial}; {len(self.runs)} runs, {objects} objects"
        )

    @property
    def system(self) -> str:
        """Model, settings and devices, in words."""
        return self.runs[0].context.system


def sweep(runs: Sequence[Sequence[RunRecord]]) -> Sweep:
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
            raise VosbenchError(f"{at} has other strategies", "run the same at every strength")
        if not np.isfinite([pooled_jf(group) for group in groups.values()]).all():
            raise VosbenchError(f"{at} has strategies without scores", "finish it first")
        if _conditions(run.context) != _conditions(first.context):
            raise VosbenchError(f"{at} has another model, protocol or settings", "repeat it with those of the others")
    return Sweep(attribute, tuple(found))


def attribute_of(runs: Sequence[Sequence[RunRecord]]) -> tuple[str, list[float]]:
    """The one attribute in which the splits of `runs` differ, and its strength in each. Raises as `sweep` does."""
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


def _conditions(common: Context) -> tuple[object, ...]:
    return common.model, common.settings, common.protocol


def _strengths(split: str) -> dict[str, str]:
    """`val,occlusion=20` -> {"": "val", "occlusion": "20"}."""
    parts = (part.partition("=") for part in split.split(","))
    return {name if equals else "": value if equals else name for name, equals, value in parts}
