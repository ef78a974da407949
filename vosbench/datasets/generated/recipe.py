"""What generated clips are asked to show: attributes with strengths, and the splits that are made of them.

A split is `val` or `long`, or is made on demand: `occlusion=20` are clips in which only that happens, and
`val,seed=3,clips=30` are more like those of `val`.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from vosbench.errors import VosbenchError, unknown

LEAD = 12  # frames in which an event comes on, and in which it goes
PARTIAL = 12  # frames of a partial occlusion


def strength(default: float, low: float, high: float, unit: str, meaning: str) -> Any:
    """A field of `Recipe`: an attribute, whole-numbered if its default is."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "meaning": meaning})


@dataclass(frozen=True)
class Recipe:
    """How strong each attribute of a clip is. The defaults are a calm clip in which every object stays in sight.

    Raises VosbenchError for a strength that is out of range, and for events that do not fit into the clip.
    """

    length: int = strength(48, 20, 10_000, "frames", "of the clip")
    objects: int = strength(2, 1, 8, "objects", "with a label")
    occlusion: int = strength(0, 0, 2_000, "frames", "for which each object is hidden in full")
    partial: float = strength(0.0, 0, 0.9, "share", f"of each object that is hidden for {PARTIAL} frames")
    outside: int = strength(0, 0, 2_000, "frames", "for which each object is out of the view")
    appear: int = strength(0, 0, 2_000, "frames", "after which the second object and later ones first appear")
    period: int = strength(0, 0, 10_000, "frames", "after which hiding and leaving happen again (0: only once)")
    deformation: float = strength(0.05, 0, 0.5, "radii", "that the outline is pushed about")
    speed: float = strength(0.006, 0, 0.15, "shorter sides per frame", "of the objects")
    scale: float = strength(1.1, 1, 4, "ratio", "of the largest to the smallest size")
    rotation: float = strength(0.5, 0, 30, "degrees per frame", "by which objects turn")
    appearance: float = strength(0.0, 0, 1, "share", "of its surface that an object has exchanged by the end")
    lighting: float = strength(0.0, 0, 1, "log ratio", "of the brightest light to the mean")
    clutter: int = strength(0, 0, 20, "things", "without a label")
    distractors: int = strength(0, 0, 8, "things", "without a label that look like the objects")
    camera: float = strength(0.002, 0, 0.05, "shorter sides per frame", "by which the view moves")
    blur: float = strength(0.0, 0, 1, "share", "of the time that the shutter is open")

    def __post_init__(self) -> None:
        for name, spec in ATTRIBUTES.items():
            value, low, high = getattr(self, name), spec.metadata["low"], spec.metadata["high"]
            if not low <= value <= high:
                told = f"{name}={value:g} is out of range: it is {low:g} to {high:g} {spec.metadata['unit']}"
                raise VosbenchError(told, f"{name} is the number of {spec.metadata['unit']} {spec.metadata['meaning']}")
        if self.period and self.period < self.eventful:
            raise VosbenchError(
                f"what happens to each object takes {self.eventful} frames and does not fit into period={self.period}",
                f"give period={self.eventful} or more, or 0 to have it once",
            )
        if self.length < self.start + self.eventful:
            told = f"what happens takes {self.start + self.eventful} frames and does not fit into length={self.length}"
            raise VosbenchError(told, f"give length={self.start + self.eventful} or more")

    @property
    def start(self) -> int:
        """The frame from which on all objects are there."""
        return self.appear + LEAD if self.appear else 0

    def first_frame(self, object_id: int) -> int:
        """The frame in which an object, from 1 on, is to appear."""
        return self.appear if object_id > 1 or self.objects == 1 else 0

    @property
    def eventful(self) -> int:
        """Frames that the events of one object take, one after the other."""
        return sum(count + 2 * LEAD for count in self.events.values())

    @property
    def events(self) -> dict[str, int]:
        """What happens to each object, and for how many frames."""
        counts = {"occlusion": self.occlusion, "partial": PARTIAL if self.partial else 0, "outside": self.outside}
        return {kind: count for kind, count in counts.items() if count}


ATTRIBUTES: dict[str, Field[Any]] = {entry.name: entry for entry in fields(Recipe)}
DEFAULTS: dict[str, float] = {name: getattr(Recipe, name) for name in ATTRIBUTES}
LONGER = {"deformation": 0.12, "rotation": 1.5, "speed": 0.008, "scale": 1.4, "camera": 0.004}
BASES: dict[str, tuple[dict[str, float], ...]] = {
    "val": (
        {"objects": 3, "occlusion": 12, "deformation": 0.12, "rotation": 2.0, "appearance": 0.3, "clutter": 3},
        {"objects": 2, "outside": 10, "deformation": 0.1, "scale": 1.6, "appearance": 0.3, "distractors": 1},
        {"objects": 3, "occlusion": 8, "distractors": 3, "speed": 0.012, "rotation": 1.0, "camera": 0.005},
        {"objects": 2, "partial": 0.6, "speed": 0.02, "blur": 0.6, "camera": 0.01, "deformation": 0.1, "clutter": 4},
        {"objects": 3, "deformation": 0.2, "rotation": 2.5, "appearance": 0.6, "lighting": 0.3, "clutter": 2},
        {"objects": 4, "outside": 8, "distractors": 2, "clutter": 5, "lighting": 0.2, "scale": 1.5, "camera": 0.006},
    ),
    "long": (
        {"length": 400, "objects": 3, "occlusion": 20, "period": 100, "appearance": 0.8, "clutter": 3, **LONGER},
        {"length": 400, "objects": 3, "outside": 25, "period": 100, "appearance": 0.6, "distractors": 2, **LONGER},
        {"length": 400, "objects": 4, "appear": 40, "occlusion": 40, "period": 120, "lighting": 0.3, **LONGER},
        {"length": 400, "objects": 3, "occlusion": 8, "outside": 12, "period": 80, "distractors": 3, **LONGER}
        | {"appearance": 1.0, "deformation": 0.25, "rotation": 2.0},
    ),
}
SWEEP_CLIPS = 6


@dataclass(frozen=True)
class Script:
    """A split: its name in full, the recipe of every clip, and the seed.

    Clip i of any script is drawn from the same random numbers: clips of a sweep differ in what the sweep is about.
    """

    split: str
    recipes: tuple[Recipe, ...]
    seed: int

    @classmethod
    def parse(cls, split: str) -> "Script":
        """`val`, `long`, or `[val,|long,]attribute=strength,...`; `clips` and `seed` go with the attributes.

        Raises VosbenchError for an unknown name, and for a strength that is no number or out of range.
        """
        base, given = strengths(split)
        recipes = BASES[base] if base else ({},) * SWEEP_CLIPS
        count, seed = int(given.pop("clips", len(recipes))), int(given.pop("seed", 0))
        for name, value, low, high in (("clips", count, 1, 1000), ("seed", seed, 0, 2**31 - 1)):
            if not low <= value <= high:
                raise VosbenchError(f"{name}={value} is out of range: it is {low} to {high}", f"give another {name}")
        parts = (base, *(f"{name}={given[name]:g}" for name in ATTRIBUTES if name in given))
        ends = (f"clips={count}" if count != len(recipes) else "", f"seed={seed}" if seed else "")
        made = tuple(_recipe(recipes[i % len(recipes)] | given, fit=not base) for i in range(count))
        return cls(",".join(filter(None, (*parts, *ends))), made, seed)


def strengths(split: str) -> tuple[str, dict[str, float]]:
    """What a split is made of: the name of its base, `val`, `long` or empty, and the numbers that it gives by name.

    Raises VosbenchError for an unknown name, and for what is no number.
    """
    base, *parts = split.split(",")
    if "=" in base:
        base, parts = "", [base, *parts]
    elif base == "train":
        told = "the split train of synthetic is a stream without an end, drawn during training and never on disk"
        raise VosbenchError(told, "`vosbench train` uses it; here the splits are val, long, or e.g. occlusion=20")
    elif base not in BASES:
        raise unknown("split", base, BASES, "or an attribute with its strength, e.g. occlusion=20")
    defaults = {"clips": 1, "seed": 0} | DEFAULTS
    given: dict[str, float] = {}
    for part in parts:
        name, _, text = part.partition("=")
        if name not in defaults:
            raise unknown("attribute", name, defaults)
        if name in given:
            raise VosbenchError(f"{name} is given twice", "give each attribute one strength")
        whole = isinstance(defaults[name], int)
        try:
            given[name] = int(text) if whole else float(text)
        except ValueError:
            kind = "a whole number" if whole else "a number"
            raise VosbenchError(f"{name} must be {kind}, not {text!r}", f"e.g. {name}={defaults[name]}") from None
    return base, given


def _recipe(values: Mapping[str, Any], fit: bool) -> Recipe:
    """The recipe of some strengths; with `fit` the clip grows to hold its events, if no length is given."""
    if not fit or "length" in values:
        return Recipe(**values)
    draft = Recipe(**values, length=ATTRIBUTES["length"].metadata["high"])
    return replace(draft, length=max(Recipe.length, draft.start + draft.eventful))
