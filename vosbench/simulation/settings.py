"""From what a user names to the settings to simulate: strategies, ranges of capacities."""

from collections.abc import Sequence

from vosbench.errors import VosbenchError
from vosbench.memory.spec import PolicySpec, parse_policies

LONGEST_RANGE = 1000  # capacities in a range: more is a slip of the keyboard


def capacities(given: str | Sequence[float]) -> tuple[float, ...]:
    """`1..4` or `2,4,8`, or both as in `1..4,8`, or numbers: the capacities in frames, ascending.

    Raises VosbenchError for what is no range or number, an empty or endless range, and one named twice.
    """
    found: list[float] = [] if isinstance(given, str) else [*given]
    for part in given.split(",") if isinstance(given, str) else ():
        low, dots, high = part.strip().partition("..")
        try:
            if not dots:
                found.append(float(low))
                continue
            first, last = int(low), int(high)
        except ValueError:
            raise VosbenchError(f"{part!r} is no capacity", "write a range, 1..16, or a list, 2,4,8") from None
        if not 0 <= last - first < LONGEST_RANGE:
            raise VosbenchError(
                f"the range {part} holds {max(last - first + 1, 0)} capacities",
                f"write 1..16; at most {LONGEST_RANGE}",
            )
        found += range(first, last + 1)
    if not found:
        raise VosbenchError("the list of capacities is empty", "name one, or leave capacity out")
    if len(set(found)) < len(found):
        raise VosbenchError(f"capacity {given} names a capacity twice", "name each once")
    return tuple(sorted(found))


def settings(policies: Sequence[str | PolicySpec], capacity: str | Sequence[float] | None) -> tuple[PolicySpec, ...]:
    """The strategies to simulate, or each of them at each capacity.

    Raises VosbenchError as `parse_policies` does, and, where capacities are given, for a strategy that has none or
    names its own.
    """
    found = parse_policies(policies)
    if capacity is None:
        return found
    sizes = capacities(capacity)
    for spec in found:
        if spec.owner("capacity") is None:
            raise VosbenchError(f"strategy {spec} has no capacity", "leave it out, or leave out --capacity")
        if not spec.takes("capacity"):
            raise VosbenchError(
                f"strategy {spec} names a capacity itself", "leave it out there, or leave out --capacity"
            )
    return parse_policies(varied for spec in found for varied in spec.sweep({"capacity": sizes}))
