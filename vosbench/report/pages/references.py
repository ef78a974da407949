"""Which strategies are references: they cheat, with true masks or frames to come, and are a bound for the others.

A strategy says so in its class (`MemoryPolicy.needs_truth`, `needs_future`). This is read from its source, since a
report loads neither strategies nor torch; of strategies that ship, that is: the file of another may be gone.
"""

import ast
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from vosbench.bench.record import RunRecord
from vosbench.memory.strategy import Strategy

_SAID_BY = {"needs_truth", "needs_future"}


def references(records: Iterable[RunRecord]) -> set[str]:
    """The labels of those strategies that are references, or that wrap one."""
    policies = {record.policy.label: record.policy for record in records if record.policy.kind == "strategy"}
    return {label for label, policy in policies.items() if _is_one(policy)}


def _is_one(strategy: Strategy) -> bool:
    wrapped = (value for value in strategy.parameters.values() if isinstance(value, Strategy))
    return _cheats(strategy.name) or any(map(_is_one, wrapped))


@cache
def _cheats(name: str) -> bool:
    spec = importlib.util.find_spec("vosbench.policies")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / f"{name.replace('-', '_')}.py"
        if path.is_file():
            tree = ast.parse(path.read_text(encoding="utf-8"))
            return any(isinstance(node, ast.FunctionDef) and node.name in _SAID_BY for node in ast.walk(tree))
    return False
