"""vosbench: which memory strategy of video object segmentation is better, and what does it cost?

The names below are the whole of the scripting surface; each is imported when it is first used, so that scoring
does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vosbench.bench.runner import run as run
    from vosbench.bench.suite import Suite as Suite
    from vosbench.datasets import open_dataset as open_dataset
    from vosbench.errors import VosbenchError as VosbenchError
    from vosbench.inference.propagate import propagate as propagate
    from vosbench.masks.score import score as score
    from vosbench.memory.registry import load_policy as load_policy
    from vosbench.models.checkpoint import load_model as load_model
    from vosbench.video import Sequence as Sequence

_HOMES = {
    "Sequence": "vosbench.video",
    "Suite": "vosbench.bench.suite",
    "VosbenchError": "vosbench.errors",
    "load_model": "vosbench.models.checkpoint",
    "load_policy": "vosbench.memory.registry",
    "open_dataset": "vosbench.datasets",
    "propagate": "vosbench.inference.propagate",
    "run": "vosbench.bench.runner",
    "score": "vosbench.masks.score",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vosbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
