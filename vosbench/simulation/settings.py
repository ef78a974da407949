"""From what a user names to the settings to simulate: strategies, ranges of capacities."""

from collections.abc import Sequence

from vosbench.errors import VosbenchError
from vosbench.memory.registry import describe, resolve_policy

MOST = 1000  # capacities in a range: more is a slip of the keyboard


def capacities(text: str) -> tuple[str, ...]:
    """`1..4` or `2,4,8`, or both as in `1..4,8`: the capacities in frames, ascending, as a spec takes them.

    Raises VosbenchError for what is no range or number, an empty or endless range, and one named twice.
    """
    found: list[str] = []
    for part in text.split(","):
        low, dots, high = part.strip().partition("..")
        try:
            if not dots:
                found.append(f"{float(low):g}")
                continue
            first, last = int(low), int(high)
        except ValueError:
            raise VosbenchError(f"{part!r} is no capacity", "write a range, 1..16, or a list, 2,4,8") from None
        if not 0 <= last - first < MOST:
            raise VosbenchError(
                f"the range {part} holds {max(last - first + 1, 0)} capacities", f"write 1..16; at most {MOST}"
            )
        found += [str(capacity) for capacity in range(first, last + 1)]
    if len(set(found)) < len(found):
        raise VosbenchError(f"--capacity {text} names a capacity twice", "name each once")
    return tuple(sorted(found, key=float))


def settings(policies: Sequence[str], capacity: str | None) -> tuple[str, ...]:
    """The specs to simulate: each strategy, or each at each capacity.

    Raises VosbenchError for an unknown strategy or parameter, for a strategy that is named twice, and, where
    capacities are given, for one that has none or names its own.
    """
    specs: list[str] = []
    sizes = None if capacity is None else capacities(capacity)
    for spec in policies:
        policy = resolve_policy(spec)
        if sizes is None:
            specs.append(spec)
            continue
        if "capacity" not in describe(policy.kind):
            raise VosbenchError(f"strategy {spec} has no capacity", "leave it out, or leave out --capacity")
        if "capacity" in policy.parameters:
            raise VosbenchError(
                f"strategy {spec} names a capacity itself", "leave it out there, or leave out --capacity"
            )
        separator = "," if policy.parameters else ":"
        specs += [f"{spec}{separator}capacity={size}" for size in sizes]
    for spec in specs:
        resolve_policy(spec)
    if not specs or len(set(specs)) < len(specs):
        raise VosbenchError("name at least one strategy, each once", "e.g. --policy lfu,lru --capacity 1..8")
    return tuple(specs)
