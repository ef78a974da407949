"""Traces from generated keys, and the same as plain lists for the plain model of a memory."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from vosbench.memory.trial import l2
from vosbench.models.base import Keys, Spec
from vosbench.models.geometry import Geometry
from vosbench.simulation.trace import Trace


@pytest.fixture(scope="session")
def drawn() -> SimpleNamespace:
    """What a replay needs of a network that would make the keys of `draw`."""
    return SimpleNamespace(spec=Spec("drawn", key_dim=4, value_dim=1), scores=l2)


@pytest.fixture(scope="session")
def draw() -> Callable[..., Trace]:
    """draw(frames, appearing={0: 2}): keys of 12 positions that wander, so that near frames match."""

    def make(frames: int = 23, appearing: dict[int, int] | None = None, seed: int = 0) -> Trace:
        generator = torch.Generator().manual_seed(seed)
        start = torch.randn(1, 12, 4, generator=generator)
        keys = start + 0.3 * torch.randn(frames, 12, 4, generator=generator).cumsum(0)
        appearing = appearing or {0: 2}
        keys[: min(appearing)] = 0
        return Trace("drawn", Keys(keys), Keys(keys), tuple(appearing.items()), Geometry.of(40, 56, None))

    return make
