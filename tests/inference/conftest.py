from collections.abc import Callable

import pytest
import torch

from vosbench.inference.output import Prediction
from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.stcn.network import STCN
from vosbench.video import Sequence


@pytest.fixture
def segment(small_model: STCN) -> Callable[..., list[Prediction]]:
    """Runs the small model over a whole sequence."""

    def run(sequence: Sequence, spec: str = "every-k", **options) -> list[Prediction]:
        return list(propagate(small_model, sequence, load_policy(spec), **options))

    return run


@pytest.fixture
def stacked() -> Callable[[list[Prediction]], torch.Tensor]:
    """The probabilities of a whole sequence, [T,O+1,H,W]."""
    return lambda predictions: torch.stack([p.prob for p in predictions])


@pytest.fixture
def sequence(small_clip) -> Sequence:
    """The clip of two objects, both given in frame 0."""
    rgb, labels = small_clip
    return Sequence.from_arrays(rgb, {0: labels[0]})
