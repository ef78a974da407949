"""A recorded trace: the keys of a video, and when its objects appear."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.images import size_text
from vosbench.inference.frames import Geometry
from vosbench.inference.reader import read_ahead
from vosbench.memory.policy import VideoInfo
from vosbench.models.stcn.network import STCN
from vosbench.video import Sequence


@dataclass(frozen=True)
class Trace:
    """All that a replay needs of a video.

    keys float32 [T,P,CK], P positions in row-major order at stride 16; zero before the first annotated frame, which
    nothing reads. Half precision would save half the space, but moves tokens across the edge of a top k: of the 432
    tokens that lru:capacity=2 keeps on synthetic val, up to 7 would not be those of a run. `appearing` are (frame,
    number of objects that first appear in it).
    """

    name: str
    keys: Tensor
    appearing: tuple[tuple[int, int], ...]
    geometry: Geometry

    def __post_init__(self) -> None:
        if self.keys.ndim != 3 or self.keys.dtype != torch.float32 or self.keys.shape[1] != self.geometry.tokens:
            raise VosbenchError(
                f"the keys of {self.name} are {self.keys.dtype} {tuple(self.keys.shape)}",
                f"a trace holds float32 [frames, {self.geometry.tokens}, channels]",
            )

    @property
    def info(self) -> VideoInfo:
        """What a strategy may know of the video."""
        return VideoInfo(self.name, len(self.keys), self.geometry.tokens)

    @property
    def first(self) -> int:
        """The first annotated frame."""
        return self.appearing[0][0]

    def query(self, frame: int) -> Tensor:
        """The key of a frame, float32 [P,CK], strided in memory as the network leaves it."""
        return self.keys[frame].T.contiguous().T


def record(
    model: STCN,
    sequence: Sequence,
    shorter_side: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Trace:
    """Run the key encoder alone over a video, frame by frame, exactly as `propagate` does.

    `shorter_side` overrides the inference size of the sequence, in pixels; `progress` is told frames done and frames
    in all. Raises VosbenchError for frames that cannot be read or differ in size, and for a model in training mode.
    """
    if model.training:
        raise VosbenchError("the model is in training mode, where it normalises by batch", "call model.eval() first")
    device = next(model.parameters()).device
    side = sequence.shorter_side if shorter_side is None else shorter_side
    appearing = tuple((mask.frame_index, len(mask.object_ids)) for mask in sequence.first_masks)
    geometry: Geometry | None = None
    for index, rgb in enumerate(read_ahead(sequence.frames)):
        if geometry is None:
            geometry = Geometry.of(rgb.shape[0], rgb.shape[1], side)
            keys = torch.zeros(len(sequence.frames), geometry.tokens, model.config.key_dim)
        if rgb.shape[:2] != geometry.original:
            raise VosbenchError(
                f"frame {sequence.frames[index].name} of {sequence.name} is {size_text(rgb.shape)}, "
                f"the frames before it {size_text(geometry.original)}",
                "all frames of a video must have one size",
            )
        if index >= appearing[0][0]:
            with torch.inference_mode():
                features, _, _ = model.key_encoder(geometry.prepare(rgb, device))
                keys[index] = model.key_proj(features)[0].flatten(1).T
        if progress is not None:
            progress(index + 1, len(sequence.frames))
    assert geometry is not None  # a sequence has frames
    return Trace(sequence.name, keys, appearing, geometry)
