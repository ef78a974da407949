"""Curves against the capacity of the memory.

Strategies that differ in their parameter `capacity` alone, their own or that of what they wrap, are one curve; one
without it is a line of reference, as every-k and first-and-latest are in Figure 6 of Pourganjalikhan and Poullis.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vosbench.base.codec import encode
from vosbench.bench.record import PolicyInfo
from vosbench.memory import grammar
from vosbench.report.drawing.labels import label_ends
from vosbench.report.drawing.style import looks_of
from vosbench.report.makers import NotApplicableError
from vosbench.report.measures import name_and_kind

_CAPACITY = re.compile(r"(?<=\()capacity=[^,()]*,?|,capacity=[^,()]*")  # in the parentheses of a label
Curves = Mapping[str, Mapping[float | None, str]]  # name -> capacity in frames, ascending (None: has none) -> label


def sweeps(policies: Iterable[PolicyInfo]) -> Curves:
    """The curves of strategies by name: what their points have in common, with what they are unless they compete."""
    members: dict[str, list[PolicyInfo]] = {}
    for policy in policies:
        of_its_own = policy.label if _capacity(policy) is None else ""
        rest = json.dumps([encode(policy.without("capacity")), policy.source_hash, of_its_own], sort_keys=True)
        members.setdefault(rest, []).append(policy)
    found: dict[str, Mapping[float | None, str]] = {}
    for group in members.values():
        points = {_capacity(policy): policy.label for policy in group}
        both = _common_name(group), group[0].label
        name, own = (name_and_kind({"strategy": text, "kind": group[0].kind}) for text in both)
        found[own if name in found else name] = dict(sorted(points.items(), key=lambda point: point[0] or 0))
    return found


def _capacity(policy: PolicyInfo) -> float | None:
    value = policy.parameter("capacity")
    return value if isinstance(value, int | float) else None


def _common_name(policies: Collection[PolicyInfo]) -> str:
    """`Mine` of `Mine (capacity=2)` and `Mine (capacity=4)`, or else the shortest text without a capacity."""
    # `Mine (seed=1)` of `Mine (capacity=2) (seed=1)`, as `PolicySpec.sweep` writes labels
    labels = {_CAPACITY.sub("", policy.label).replace(" ()", "") for policy in policies if policy.label != policy.spec}
    if len(policies) == 1 and labels:
        return next(policy.label for policy in policies)
    texts = {grammar.without(policy.spec, "capacity") for policy in policies}
    return labels.pop() if len(labels) == 1 else min(texts, key=lambda text: (len(text), text))


def require_sweep(curves: Curves, known: Collection[str]) -> None:
    """Raise NotApplicableError, as there is no curve to draw, if no strategy has two of the `known` labels at least."""
    if not any(sum(label in known for c, label in curve.items() if c is not None) > 1 for curve in curves.values()):
        hint = "name one at two or more, e.g. lfu:capacity=2 and lfu:capacity=4"
        raise NotApplicableError("no strategy has two capacities, so there is no curve to draw", hint)


def named(curves: Curves, highlight: Collection[str]) -> list[str]:
    """The curves to highlight, since they or a strategy of theirs are; all of them, if that is none."""
    return [name for name, curve in curves.items() if {name, *curve.values()} & {*highlight}] or [*curves]


def draw_curves(
    axes: Axes, curves: Curves, values: Mapping[str, float], quantity: str, highlight: Collection[str] = ()
) -> None:
    """A curve, or without capacities a dashed line, for each strategy of which there are `values`, by label."""
    looks = looks_of(curves, named(curves, highlight))
    ends: dict[str, float] = {}
    for name, curve in curves.items():
        look, heights = looks[name], [values[label] for label in curve.values() if label in values]
        at = [capacity for capacity, label in curve.items() if capacity is not None and label in values]
        if not heights:
            continue
        ends[name] = heights[-1]
        if at:
            axes.plot(at, heights, label=name, **look.line())
        else:
            how = {**look.line(), "linestyle": (0, (4, 3)), "linewidth": 0.9, "marker": ""}
            axes.axhline(heights[-1], label=name, **how)
    capacities = [capacity for curve in curves.values() for capacity in curve if capacity is not None]
    margin = 0.04 * float(np.ptp(capacities))
    axes.set_xlim(min(capacities) - margin, max(capacities) + margin)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.autoscale_view(scalex=False)
    label_ends(axes, ends, looks)
    axes.set_ylabel(quantity)
