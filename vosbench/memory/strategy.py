"""A strategy as records hold it: by name, with all parameters, free of torch and of its class."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Strategy:
    """A memory strategy with all its parameters, those that nobody gave too; a wrapped strategy is one of them."""

    name: str
    parameters: Mapping[str, "bool | int | float | str | Strategy"]

    def parameter(self, name: str) -> bool | int | float | str | None:
        """A parameter of the strategy, or of the one strategy that has it among those it wraps; None without one."""
        own = self.parameters.get(name)
        if own is not None and not isinstance(own, Strategy):
            return own
        wrapped = (value.parameter(name) for value in self.parameters.values() if isinstance(value, Strategy))
        found = [value for value in wrapped if value is not None]
        return found[0] if len(found) == 1 else None

    def without(self, name: str) -> "Strategy":
        """The same without a parameter, its own or else that of what it wraps."""
        values = self.parameters.items()
        if name in self.parameters:
            return Strategy(self.name, {key: value for key, value in values if key != name})
        return Strategy(self.name, {k: v.without(name) if isinstance(v, Strategy) else v for k, v in values})
