"""What only a reference may know, a strategy that says so: true masks, and the keys of frames still to come."""

from collections.abc import Callable

import torch
from torch import Tensor

from vosbench.errors import MissingTruthError
from vosbench.images import check_size
from vosbench.inference.reader import read_ahead
from vosbench.memory.policy import LookAhead
from vosbench.models.base import Network, stacked
from vosbench.models.geometry import Geometry
from vosbench.video import GroundTruth, Sequence


def true_masks(
    sequence: Sequence, truth: GroundTruth | None, device: torch.device, geometry: Geometry
) -> Callable[[int, tuple[int, ...]], Tensor]:
    """The ground truth of a sequence as a function of a frame and ids: planes of the network's size, float32 [O,H',W'].

    Raises MissingTruthError unless there is a mask for every frame from the first annotated one on.
    """
    names = [frame.name for frame in sequence.frames]
    wanted = names[sequence.first_masks[0].frame_index :]
    found = 0 if truth is None else sum(name in truth.masks for name in wanted)
    if truth is None or found < len(wanted):
        raise MissingTruthError(
            f"the strategy needs a true mask of every frame, and {sequence.name} has {found} for {len(wanted)}",
            ("give propagate them, truth=dataset.truth(NAME), or in a run" if truth is None else "take")
            + " a data set with dense labels that are public, and score it, e.g. davis2017 val or synthetic",
        )

    sources = truth.masks

    def planes(index: int, ids: tuple[int, ...]) -> Tensor:
        source = sources[names[index]]
        masks = source.load()
        check_size(masks.size, geometry.original, source.where)
        return geometry.prepare_masks(masks.planes(ids), device)

    return planes


@torch.inference_mode()
def look_ahead(model: Network, sequence: Sequence, top_k: int, device: torch.device, geometry: Geometry) -> LookAhead:
    """All reads of a video; reads and encodes every frame."""
    frames = [model.keys(geometry.prepare(rgb, device)) for rgb in read_ahead(sequence.frames)]
    tokens, queries = zip(*frames, strict=True)
    annotated = tuple(first.frame_index for first in sequence.first_masks)
    return LookAhead(stacked(tokens), stacked(queries), annotated, top_k, model.scores)
