"""A recorded trace: what each frame of a video brings to a memory and asks of it, and when its objects appear."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from vosbench.errors import SequenceError, VosbenchError
from vosbench.images import size_text
from vosbench.inference.lockstep import fitting
from vosbench.inference.reader import read_ahead
from vosbench.models.base import Keys, Network
from vosbench.models.geometry import Geometry
from vosbench.video import Sequence, inference_side


@dataclass(frozen=True)
class Trace:
    """All that a replay needs of a video.

    `tokens` that each frame would bring and its `queries`, keys float32 [T,P,CK] and extras [T,P,C], P positions in
    row-major order; zero before the first annotated frame, which nothing reads. Half precision would save half the
    space, but moves tokens across the edge of a top k: of the 432 tokens that lru:capacity=2 keeps on synthetic val, up
    to 7 would not be those of a run. `appearing` are (frame, number of objects that first appear in it).
    """

    name: str
    tokens: Keys
    queries: Keys
    appearing: tuple[tuple[int, int], ...]
    geometry: Geometry

    def __post_init__(self) -> None:
        for keys in (self.tokens, self.queries):
            for tensor in (keys.key, *keys.extras.values()):
                if tensor.ndim != 3 or tensor.dtype != torch.float32 or tensor.shape[1] != self.geometry.tokens:
                    hint = f"a trace holds float32 [frames, {self.geometry.tokens}, channels]"
                    raise VosbenchError(f"the keys of {self.name} are {tensor.dtype} {tuple(tensor.shape)}", hint)

    @property
    def first(self) -> int:
        """The first annotated frame."""
        return self.appearing[0][0]

    def query(self, frame: int) -> Keys:
        """The query of a frame, [P,...], strided in memory as a network leaves it."""
        return self.queries[frame].map(lambda tensor: tensor.T.contiguous().T)


def record(
    model: Network,
    sequence: Sequence,
    shorter_side: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Trace:
    """Make the keys alone of a video, frame by frame, exactly as `propagate` does.

    `shorter_side` overrides the inference size of the sequence, in pixels; `progress` is told frames done and frames
    in all. Raises SequenceError for frames that cannot be read or differ in size, VosbenchError if the model trains.
    """
    if model.training:
        raise VosbenchError("the model is in training mode, where it normalises by batch", "call model.eval() first")
    device, count = next(model.parameters()).device, len(sequence.frames)
    side = inference_side(shorter_side, sequence.shorter_side, model.spec.shorter_side)
    appearing = tuple((mask.frame_index, len(mask.object_ids)) for mask in sequence.first_masks)
    geometry: Geometry | None = None
    frames: tuple[Keys, ...] = ()  # tokens and queries
    for index, rgb in enumerate(read_ahead(sequence.frames)):
        if geometry is None:
            geometry = model.geometry(rgb.shape[0], rgb.shape[1], side)
        if rgb.shape[:2] != geometry.original:
            sizes = f"{size_text(rgb.shape)}, the frames before it {size_text(geometry.original)}"
            message = f"frame {sequence.frames[index].name} of {sequence.name} is {sizes}"
            raise SequenceError(message, "all frames of a video must have one size")
        if index >= appearing[0][0]:
            with torch.inference_mode():
                given = zip(("tokens", "query"), model.keys(geometry.prepare(rgb, device)), strict=True)
                found = tuple(fitting(model, method, keys, geometry) for method, keys in given)
            if not frames:
                frames = tuple(keys.map(lambda tensor: torch.zeros(count, *tensor.shape)) for keys in found)
            for kept, keys in zip(frames, found, strict=True):
                kept.key[index] = keys.key
                for name, extra in keys.extras.items():
                    kept.extras[name][index] = extra
        if progress is not None:
            progress(index + 1, count)
    assert geometry is not None  # a sequence has frames, and one of them an object
    tokens, queries = frames
    return Trace(sequence.name, tokens, queries, appearing, geometry)
