"""vosbench: which memory strategy of video object segmentation is better, and what does it cost?

The names below are the whole of the scripting surface; each is imported when it is first used, so that scoring
does not wait for torch. A function that takes a path takes it as a text as well.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vosbench.bench.cluster import Cluster as Cluster
    from vosbench.bench.merge import merge as merge
    from vosbench.bench.record import read_run as read_run
    from vosbench.bench.runner import run as run
    from vosbench.bench.suite import Suite as Suite
    from vosbench.bench.suite import read_suites as read_suites
    from vosbench.datasets import open_dataset as open_dataset
    from vosbench.errors import VosbenchError as VosbenchError
    from vosbench.inference.propagate import propagate as propagate
    from vosbench.inference.segment import segment as segment
    from vosbench.inference.session import Session as Session
    from vosbench.masks.check import check_predictions as check_predictions
    from vosbench.masks.export import export as export
    from vosbench.masks.score import score as score
    from vosbench.memory.spec import PolicySpec as PolicySpec
    from vosbench.memory.spec import load_policy as load_policy
    from vosbench.models.checkpoint import load_model as load_model
    from vosbench.simulation.simulator import simulate as simulate
    from vosbench.training.training import train as train
    from vosbench.video import Sequence as Sequence

    __version__: str

_HOMES = {
    "Cluster": "vosbench.bench.cluster",
    "PolicySpec": "vosbench.memory.spec",
    "Sequence": "vosbench.video",
    "Session": "vosbench.inference.session",
    "Suite": "vosbench.bench.suite",
    "VosbenchError": "vosbench.errors",
    "check_predictions": "vosbench.masks.check",
    "export": "vosbench.masks.export",
    "load_model": "vosbench.models.checkpoint",
    "load_policy": "vosbench.memory.spec",
    "merge": "vosbench.bench.merge",
    "open_dataset": "vosbench.datasets",
    "propagate": "vosbench.inference.propagate",
    "read_run": "vosbench.bench.record",
    "read_suites": "vosbench.bench.suite",
    "run": "vosbench.bench.runner",
    "score": "vosbench.masks.score",
    "segment": "vosbench.inference.segment",
    "simulate": "vosbench.simulation.simulator",
    "train": "vosbench.training.training",
}
__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("vosbench")
    if name not in _HOMES:
        raise AttributeError(f"module 'vosbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
