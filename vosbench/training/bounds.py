"""Within which bounds the numbers of a training's settings lie, and in what two trainings differ."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from math import isfinite
from typing import Any

from vosbench.base.values import MOST_THREADS

Bound = tuple[Callable[[float], bool], str]
COUNT: Bound = (lambda x: x >= 1, "be at least 1")
NOT_NEGATIVE: Bound = (lambda x: x >= 0, "be at least 0")
ABOVE: Bound = (lambda x: x > 0, "be above 0")
BETWEEN: Bound = (lambda x: 0 < x < 1, "lie between 0 and 1")
BELOW_ONE: Bound = (lambda x: 0 <= x < 1, "be at least 0 and less than 1")
SHARE: Bound = (lambda x: 0 <= x <= 1, "be at least 0 and at most 1")
# By the names of settings, wherever they stand; both ends of a range are within its bound.
BOUNDS: dict[str, Bound] = {
    "objects": (lambda x: 1 <= x <= 254, "be at least 1 and at most 254"),
    "threads": (lambda x: 1 <= x <= MOST_THREADS, f"be at least 1 and at most {MOST_THREADS}"),
    "workers": (lambda x: 0 <= x <= 256, "be at least 0 and at most 256"),
    "size": (lambda x: x >= 32, "be at least 32"),
    "max_gap": (lambda x: x >= 2, "be at least 2"),
    "seed": (lambda x: 0 <= x < 2**32, "be at least 0 and less than 2**32"),
    "area": (lambda x: 0 < x <= 1, "be above 0 and at most 1"),
    "frame_rotation": (lambda x: 0 <= x <= 180, "be at least 0 and at most 180"),
    "frame_shear": (lambda x: 0 <= x < 90, "be at least 0 and less than 90"),
    **dict.fromkeys(("batch", "steps", "checkpoint_every", "log_every"), COUNT),
    **dict.fromkeys(("clips", "repeat", "frame_step", "every", "top_k"), COUNT),
    **dict.fromkeys(("stop_at", "bootstrap_start", "limit", "save_minutes", "weight"), NOT_NEGATIVE),
    **dict.fromkeys(("weight_decay", "key_encoder_rate", "jaccard", "dice", "gradient_norm"), NOT_NEGATIVE),
    **dict.fromkeys(("learning_rate", "decay", "shares", "aspect", "scale", "frame_scale"), ABOVE),
    **dict.fromkeys(("warmup", "decay_at", "bootstrap_final"), BETWEEN),
    **dict.fromkeys(("affinity_dropout", "average", "beta1", "beta2"), BELOW_ONE),
    **dict.fromkeys(("spoiled", "from_video", "reverse", "flip", "grey", "hue"), SHARE),
    **dict.fromkeys(("brightness", "contrast", "saturation"), SHARE),
    **dict.fromkeys(("frame_brightness", "frame_contrast", "frame_saturation"), SHARE),
}
LARGEST = 1e9  # of any number: what is beyond is a slip, and overflows somewhere
RANGES = {"area", "aspect", "scale", "frame_scale"}
SHOWN = 4  # differences that are named
ENTRIES = "the number of entries of "


def out_of_bounds(settings: Any) -> Iterator[str]:
    """What is wrong with the numbers in settings: each must be finite and within its bound."""
    found = dict(_leaves(settings))
    for at, number in found.items():
        name = at.rpartition(".")[2].partition("[")[0]
        holds, bound = BOUNDS.get(name, (isfinite, "be finite"))
        if not isinstance(number, int | float) or isinstance(number, bool) or at.startswith(ENTRIES):
            continue
        if not isfinite(number):
            yield f"{at} must {bound}{'' if bound == 'be finite' else ' and finite'}, not {number}"
        elif not holds(number):
            yield f"{at} must {bound}"
        elif number > LARGEST and name != "seed":
            yield f"{at} must be at most {LARGEST:g}"
        range_ = at.removesuffix("[1]")
        if name in RANGES and range_ != at and not found[f"{range_}[0]"] <= number:
            yield f"{range_} must not fall: [least, most]"


def differences(before: Any, now: Any) -> str:
    """In what two trees of settings differ, in a line: `data[0].weight was 0.5, is 0.3`."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    # A setting that is newer than the other training had what is now its default.
    apart = [at for at in new if at in old and old[at] != new[at]]
    uneven = tuple(f"{at.removeprefix(ENTRIES)}[" for at in apart if at.startswith(ENTRIES))
    found = [f"{at} was {old[at]}, is {new[at]}" for at in apart if not at.startswith(uneven)]
    more = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f", and {more} more" if more > 0 else "")


def _leaves(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting in a tree of them, with where it stands, `data[0].weight`, and how long each list is."""
    if is_dataclass(value):
        value = vars(value)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{where}.{key}" if where else key)
    elif isinstance(value, list | tuple):
        yield f"{ENTRIES}{where}", len(value)
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{where}[{place}]")
    else:
        yield where, value
