"""The families of networks: those that ship, those of installed packages, and a user's own, a .py file."""

from types import ModuleType
from typing import Any

from vosbench.base.registry import Registry, only
from vosbench.errors import VosbenchError
from vosbench.models.base import Network


def _accept(loaded: Any, origin: str) -> type[Network]:
    kind = only(loaded, Network, "network") if isinstance(loaded, ModuleType) else loaded
    if not (isinstance(kind, type) and issubclass(kind, Network)):
        raise VosbenchError(f"{origin} is no network", "name a subclass of vosbench.models.base.Network")
    if missing := sorted(kind.__abstractmethods__):
        raise VosbenchError(f"network {origin} does not define {', '.join(missing)}", "see Network for the methods")
    return kind


FAMILIES: Registry[type[Network]] = Registry(
    "network", "vosbench.models", lambda: {"stcn": "vosbench.models.stcn.network:STCN"}, _accept
)
