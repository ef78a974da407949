"""What flows through vosbench, from a frame on disk to a row of a table. Frozen, and free of torch.

A `Sequence` is everything that a model may see of a video: its frames, and the mask of each object in the
one frame where that object first appears. Ground truth travels in `GroundTruth`, which only the metrics take.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.images import object_ids, read_labels, read_rgb, size_text


@dataclass(frozen=True)
class FrameRef:
    """One frame of a video: its name (file stem, e.g. `00005`) and where its pixels are."""

    name: str
    source: Path | np.ndarray

    def load(self) -> np.ndarray:
        """RGB, uint8 [H,W,3]. Raises VosbenchError if the file is missing or broken."""
        return read_rgb(self.source) if isinstance(self.source, Path) else self.source


@dataclass(frozen=True)
class FirstMask:
    """The masks of the objects that first appear in frame `frame_index`, and of no other object.

    `source` is a label map (a file, or uint8 [H,W]); ids outside `object_ids` are erased on loading, so later
    masks of an object that is already being followed cannot reach a model through this type.
    `binary` reads every non-zero label as the object 1 (DAVIS 2016, where masks are 0/1 or 0/255).
    """

    frame_index: int
    object_ids: tuple[int, ...]
    source: Path | np.ndarray
    binary: bool = False

    def load(self) -> np.ndarray:
        """Label map, uint8 [H,W], holding 0 and `object_ids` only. Raises VosbenchError on a bad file."""
        labels = read_labels(self.source) if isinstance(self.source, Path) else self.source
        if self.binary:
            return (labels != 0).astype(np.uint8)
        return np.where(np.isin(labels, self.object_ids), labels, 0).astype(np.uint8)


@dataclass(frozen=True)
class Sequence:
    """One video as a model may see it.

    `first_masks` are in order of `frame_index`, and each object id is in exactly one of them.
    `outputs` are the indices of the frames whose masks are written (None: every frame).
    `shorter_side` is the inference size of the data set's protocol in pixels (None: the video's own size).
    """

    name: str
    frames: tuple[FrameRef, ...]
    first_masks: tuple[FirstMask, ...]
    outputs: tuple[int, ...] | None = None
    shorter_side: int | None = None

    def __post_init__(self) -> None:
        ids = [i for mask in self.first_masks for i in mask.object_ids]
        indices = [mask.frame_index for mask in self.first_masks]
        if not self.frames:
            raise VosbenchError(f"sequence {self.name} has no frames")
        if not ids:
            raise VosbenchError(f"sequence {self.name} has no object", "its first annotation must hold a label above 0")
        inside = indices[0] >= 0 and indices[-1] < len(self.frames)
        if len(set(ids)) != len(ids) or indices != sorted(set(indices)) or not inside:
            raise VosbenchError(f"sequence {self.name}: each object must appear first in exactly one of its frames")

    @property
    def object_ids(self) -> tuple[int, ...]:
        """Every object's id, ascending."""
        return tuple(sorted(i for mask in self.first_masks for i in mask.object_ids))

    @property
    def output_frames(self) -> tuple[int, ...]:
        """Indices of the frames whose masks are written."""
        return tuple(range(len(self.frames))) if self.outputs is None else self.outputs

    @classmethod
    def from_arrays(cls, rgb: np.ndarray, annotations: Mapping[int, np.ndarray], name: str = "video") -> "Sequence":
        """A sequence from memory: rgb uint8 [T,H,W,3]; annotations {frame index: label map uint8 [H,W]}.

        Each object is taken from the earliest annotation that holds its id; what later ones hold of it is dropped.
        255 means "unknown". Raises VosbenchError for arrays of another kind or size.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 4 or rgb.shape[-1] != 3:
            raise VosbenchError(f"the video is {rgb.dtype} {rgb.shape}", "give uint8 [frames,height,width,3], RGB")
        seen: set[int] = set()
        first_masks = []
        for index in sorted(annotations):
            labels = np.asarray(annotations[index])
            if labels.shape != rgb.shape[1:3]:
                raise VosbenchError(
                    f"annotation of frame {index} is {size_text(labels.shape)}, the video {size_text(rgb.shape[1:3])}"
                )
            if labels.dtype != np.uint8:
                raise VosbenchError(f"annotation of frame {index} is {labels.dtype}", "give a label map of uint8")
            new = tuple(i for i in object_ids(labels) if i not in seen)
            if new:
                first_masks.append(FirstMask(index, new, np.where(np.isin(labels, new), labels, 0).astype(np.uint8)))
                seen.update(new)
        frames = tuple(FrameRef(f"{i:05d}", frame) for i, frame in enumerate(rgb))
        return cls(name, frames, tuple(first_masks))


@dataclass(frozen=True)
class GroundTruth:
    """The masks a sequence is scored against; never seen by a model.

    `frame_names` are all frames of the video in order; `masks` maps the annotated ones (perhaps few of them)
    to label PNGs. `binary` reads every non-zero label as object 1 (DAVIS 2016).
    """

    sequence: str
    frame_names: tuple[str, ...]
    masks: Mapping[str, Path]
    binary: bool = False
