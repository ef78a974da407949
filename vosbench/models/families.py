"""The families of networks: those that ship, those of installed packages, and a user's own, a .py file."""

from vosbench.base.registry import Registry, as_class
from vosbench.models.base import Network

FAMILIES: Registry[type[Network]] = Registry(
    "network",
    "vosbench.models",
    lambda: {"stcn": "vosbench.models.stcn.network:STCN"},
    lambda loaded, origin: as_class(loaded, Network, "network", origin),
)
