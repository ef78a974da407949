"""What a protocol tells of its objects, one by one and all together, beside what every protocol tells."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vosbench.metrics.statistics import ObjectTrace, Scored, mean

if TYPE_CHECKING:
    from vosbench.metrics import protocols

STATISTICS = ("mean", "recall", "decay")


@dataclass(frozen=True)
class Figures:
    """As it stands here, the means over all objects. A protocol that tells more has a subclass in its file.

    columns: the headings of what it tells beside mean, recall and decay of J and F and J&F, by key. One that is empty
        is for programs only.
    """

    columns: ClassVar[Mapping[str, str]] = {}

    def of_object(self, trace: ObjectTrace, protocol: "protocols.Protocol") -> Mapping[str, float]:  # noqa: ARG002
        """What it tells of one object beside J and F; what this object has not is left out."""
        return {}

    def of_all(self, objects: Sequence[Scored]) -> dict[str, float]:
        """`j_mean` and so on, `f_mean` and so on, `jf`, and the mean of all else over the objects that have it: every
        object weighs the same, whatever its sequence and length.

        NaN if there are no objects, or where one of them is NaN. Without F, J is all there is.
        """
        measures = "j" if objects and objects[0].f is None else "jf"
        told = {f"{m}_{s}": mean(getattr(getattr(o, m), s) for o in objects) for m in measures for s in STATISTICS}
        if "f" in measures:
            told["jf"] = (told["j_mean"] + told["f_mean"]) / 2
        own = dict.fromkeys(key for o in objects for key in o.own)
        return told | {key: mean(o.own[key] for o in objects if key in o.own) for key in own}

    def groups(self, objects: Sequence[Scored]) -> list[Hashable]:
        """The group of each object (None: it is in none): J&F is the mean over the groups of their means."""
        return [0] * len(objects)


MEANS = Figures()
