"""What only a reference may know, a strategy that says so: true masks, and the keys of frames still to come."""

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.images import size_text
from vosbench.inference.reader import read_ahead
from vosbench.models.base import Keys, Network, stacked
from vosbench.models.geometry import Geometry
from vosbench.video import GroundTruth, Sequence


class TrueMasks:
    """The ground truth of a sequence as planes of the network's size.

    Raises VosbenchError unless there is a mask for every frame from the first annotated one on.
    """

    def __init__(self, sequence: Sequence, truth: GroundTruth | None, geometry: Geometry, device: torch.device) -> None:
        names = [frame.name for frame in sequence.frames]
        wanted = names[sequence.first_masks[0].frame_index :]
        found = 0 if truth is None else sum(name in truth.masks for name in wanted)
        if truth is None or found < len(wanted):
            raise VosbenchError(
                f"the strategy needs a true mask of every frame, and {sequence.name} has {found} for {len(wanted)}",
                "run it on a data set with dense labels that are public, e.g. davis2017 val or synthetic",
            )
        self.names, self.truth, self.geometry, self.device = names, truth, geometry, device

    def planes(self, index: int, ids: tuple[int, ...]) -> Tensor:
        """True masks of the objects `ids` in frame `index`, float32 [O,H',W']."""
        source = self.truth.masks[self.names[index]]
        masks = source.load()
        if masks.size != self.geometry.original:
            sizes = f"{size_text(masks.size)}, its frame {size_text(self.geometry.original)}"
            raise VosbenchError(f"{source.where} is {sizes}", "copy the mask again")
        return self.geometry.prepare_masks(masks.planes(ids), self.device)


@torch.inference_mode()
def all_keys(model: Network, sequence: Sequence, geometry: Geometry, device: torch.device) -> tuple[Keys, Keys]:
    """Tokens and query of every frame of a video, [T,P,...]; reads and encodes all of them."""
    frames = [model.keys(geometry.prepare(rgb, device)) for rgb in read_ahead(sequence.frames)]
    tokens, queries = zip(*frames, strict=True)
    return stacked(tokens), stacked(queries)
