"""Within which bounds the numbers of a training's settings lie, and in what two trainings differ."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

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
    "threads": (lambda x: 1 <= x <= 1024, "be at least 1 and at most 1024"),
    "size": (lambda x: x >= 32, "be at least 32"),
    "max_gap": (lambda x: x >= 2, "be at least 2"),
    "seed": (lambda x: 0 <= x < 2**32, "be at least 0 and less than 2**32"),
    "area": (lambda x: 0 < x <= 1, "be above 0 and at most 1"),
    "frame_rotation": (lambda x: 0 <= x <= 180, "be at least 0 and at most 180"),
    "frame_shear": (lambda x: 0 <= x < 90, "be at least 0 and less than 90"),
    **dict.fromkeys(("batch", "steps", "checkpoint_every", "log_every"), COUNT),
    **dict.fromkeys(("clips", "repeat", "frame_step", "every", "top_k"), COUNT),
    **dict.fromkeys(("stop_at", "bootstrap_start", "workers", "limit", "save_minutes", "weight"), NOT_NEGATIVE),
    **dict.fromkeys(("weight_decay", "key_encoder_rate", "jaccard", "gradient_norm"), NOT_NEGATIVE),
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


def out_of_bounds(settings: Any, place: str = "") -> Iterator[str]:
    """What is wrong with the numbers of a dataclass, and of those in it: each must be finite and within its bound."""
    for field in fields(settings):
        value, where = getattr(settings, field.name), f"{place}{field.name}"
        holds, bound = BOUNDS.get(field.name, (isfinite, "be finite"))
        for number, at in _numbers(value, where):
            if not isfinite(number):
                yield f"{at} must {bound}{'' if bound == 'be finite' else ' and finite'}, not {number}"
            elif not holds(number):
                yield f"{at} must {bound}"
            elif number > LARGEST and field.name != "seed":
                yield f"{at} must be at most {LARGEST:g}"
        if field.name in RANGES and not value[0] <= value[1]:
            yield f"{where} must not fall: [least, most]"
        for inner, at in _entries(value, where):
            if is_dataclass(inner):
                yield from out_of_bounds(inner, f"{at}.")


def differences(before: Any, now: Any) -> str:
    """In what two trees of settings differ, in a line: `data[0].weight was 0.5, is 0.3`."""
    found = [f"{where.removeprefix('.')} was {old}, is {new}" for where, old, new in _different(before, now, "")]
    more = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f", and {more} more" if more > 0 else "")


def _entries(value: Any, where: str) -> list[tuple[Any, str]]:
    if isinstance(value, list | tuple):
        return [(one, f"{where}[{i}]") for i, one in enumerate(value)]
    return [(value, where)]


def _numbers(value: Any, where: str) -> Iterator[tuple[float, str]]:
    for one, at in _entries(value, where):
        if isinstance(one, list | tuple):
            yield from _numbers(one, at)
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield one, at


def _different(before: Any, now: Any, where: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in now:
            if key in before:  # a setting that is newer than the other training had what is now its default
                yield from _different(before[key], now[key], f"{where}.{key}")
    elif isinstance(before, list | tuple) and isinstance(now, list | tuple):
        if len(before) != len(now):
            yield f"the number of entries of {where.removeprefix('.')}", len(before), len(now)
        else:
            for i, (old, new) in enumerate(zip(before, now, strict=True)):
                yield from _different(old, new, f"{where}[{i}]")
    elif before != now:
        yield where, before, now
