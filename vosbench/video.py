"""What flows through vosbench, from a frame on disk to a row of a table. Frozen, and free of torch.

A `Sequence` is everything that a model may see of a video: its frames, and the mask of each object in the
one frame where that object first appears. Ground truth travels in `GroundTruth`, which only the metrics take.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import ClassVar

import numpy as np

from vosbench.base.values import checked, conform
from vosbench.errors import VosbenchError
from vosbench.images import VOID, Picture, check_frame, check_size, present_labels, read_rgb, size_text


@dataclass(frozen=True)
class FrameRef:
    """One frame of a video: its name (file stem, e.g. `00005`) and where its pixels are."""

    name: str
    source: Picture | np.ndarray

    def __post_init__(self) -> None:
        if isinstance(self.source, np.ndarray):
            check_frame(self.source, f"frame {self.name}")

    def load(self) -> np.ndarray:
        """RGB, uint8 [H,W,3]. Raises VosbenchError if the file is missing or broken."""
        return self.source if isinstance(self.source, np.ndarray) else read_rgb(self.source)


@dataclass(frozen=True, eq=False)
class ObjectMasks:
    """The masks of the objects in one frame, in one of two forms. Raises VosbenchError for any other.

    pixels: a label map, uint8 [H,W], that holds at each pixel the id of its object, 0 for none, 255 for "unknown"; or
        a plane for each object, bool [O,H,W]. Planes may overlap.
    ids: those of the planes, 1 to 254, each once; None for a label map.
    doubt: why they may not be as they were drawn.
    """

    pixels: np.ndarray
    ids: tuple[int, ...] | None = None
    doubt: VosbenchError | None = None

    def __post_init__(self) -> None:
        ids = self.ids or ()
        if any(isinstance(i, bool) or not isinstance(i, Integral) or not 0 < i < VOID for i in ids):
            raise VosbenchError(f"masks have the ids {[*ids]}", f"an id is a whole number from 1 to {VOID - 1}")
        if len({*ids}) < len(ids):
            raise VosbenchError(f"masks have the ids {[*ids]}, not each once", "give each object one plane")
        want, axes = ("uint8", []) if self.ids is None else ("bool", [len(ids)])
        shape, kind = getattr(self.pixels, "shape", ()), getattr(self.pixels, "dtype", type(self.pixels).__name__)
        if str(kind) != want or len(shape) != 2 + len(axes) or [*shape[:-2]] != axes:
            what = f"the planes of {len(ids)} ids are" if axes else "a label map is"
            raise VosbenchError(f"{what} {kind} {shape}", "give a label map, uint8 [H,W], or planes, bool [ids,H,W]")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[-2], self.pixels.shape[-1]

    @property
    def labels(self) -> np.ndarray | None:
        """The label map, uint8 [H,W]; None of planes."""
        return self.pixels if self.ids is None else None

    def present(self) -> tuple[int, ...]:
        """The ids that have a pixel, ascending; 255, too."""
        if self.ids is None:
            return tuple(present_labels(self.pixels).tolist())
        return tuple(sorted(i for i, plane in zip(self.ids, self.pixels, strict=True) if plane.any()))

    def object_ids(self) -> tuple[int, ...]:
        """The ids of the objects that have a pixel, ascending."""
        return tuple(i for i in self.present() if i != VOID)

    def highest(self) -> int:
        """The highest id that has a pixel; 0 if none has."""
        return int(self.pixels.max(initial=0)) if self.ids is None else max(self.present(), default=0)

    def planes(self, ids: tuple[int, ...]) -> np.ndarray:
        """A plane for each of `ids`, bool [O,H,W]; empty for one that is not here."""
        if self.ids is None:
            return self.pixels == np.array(ids, np.uint8)[:, None, None]
        none = np.zeros(self.size, bool)
        places = dict(zip(self.ids, self.pixels, strict=True))
        return np.stack([places.get(i, none) for i in ids]) if ids else np.zeros((0, *self.size), bool)

    def covered(self) -> np.ndarray:
        """uint8 [H,W], above 0 where any object is, or "unknown"."""
        return self.pixels if self.ids is None else np.logical_or.reduce(self.pixels).view(np.uint8)

    def as_labels(self) -> np.ndarray:
        """A label map, uint8 [H,W]; where objects overlap, it holds the highest of their ids."""
        if self.ids is None:
            return self.pixels
        labels = np.zeros(self.size, np.uint8)
        for object_id, plane in sorted(zip(self.ids, self.pixels, strict=True), key=lambda pair: pair[0]):
            labels[plane] = object_id
        return labels

    def crop(self, box: tuple[slice, slice]) -> "ObjectMasks":
        """The part of the picture in a box of rows and columns."""
        return ObjectMasks(self.pixels[..., *box], self.ids)

    def equals(self, other: "ObjectMasks") -> bool:
        """Whether every id has the same pixels in both, whatever their forms."""
        if self.ids is None and other.ids is None:
            return np.array_equal(self.pixels, other.pixels)
        ids = self.present()
        return ids == other.present() and np.array_equal(self.planes(ids), other.planes(ids))


class MaskSource(ABC):
    """Where the masks of one frame are. It alone knows in which layout, and how its files are read."""

    tells_place: ClassVar[bool] = False  # whether its messages name sequence and frame, as those of one file each do

    @abstractmethod
    def load(self) -> ObjectMasks:
        """The masks. Raises VosbenchError, which names the file, if they cannot be read."""

    @abstractmethod
    def files(self) -> tuple[Path, ...]:
        """The files that `load` reads, whether they exist or not; none if the masks are in memory."""

    def own_masks(self) -> tuple[int, ...] | None:
        """The ids of the objects that have a mask of their own in this frame, be it empty; None of a label map."""
        return None

    @property
    def reader(self) -> type["MaskSource"]:
        """The class that reads them."""
        return type(self)

    @property
    def where(self) -> str:
        """What a message calls it."""
        return str(self.files()[0])

    def reading(self) -> str:
        """What determines the masks besides the content of `files`."""
        text = repr(self)
        for number, path in enumerate(self.files()):
            text = text.replace(repr(path), f"file {number}")
        return text

    def check(self, size: tuple[int, int] | None = None) -> ObjectMasks:
        """The masks. Raises VosbenchError if they are not of `size` (height, width) or cannot be what they are for."""
        masks = self.load()
        if size is not None:
            check_size(masks.size, size, self.where)
        return masks


@dataclass(frozen=True, eq=False)
class MasksInMemory(MaskSource):
    """Masks from arrays."""

    masks: ObjectMasks

    def __post_init__(self) -> None:
        if 0 in self.masks.size:
            raise VosbenchError(f"masks are {size_text(self.masks.size)}: they have no pixel", "give those of a frame")

    def load(self) -> ObjectMasks:
        return self.masks

    def files(self) -> tuple[Path, ...]:
        return ()

    @property
    def where(self) -> str:
        return "in memory"

    def reading(self) -> str:
        pixels = np.ascontiguousarray(self.masks.pixels)
        return f"{pixels.shape} {self.masks.ids} {hashlib.blake2b(pixels.data).hexdigest()}"

    @classmethod
    def of(cls, labels: np.ndarray) -> "MasksInMemory":
        """From a label map, uint8 [H,W]."""
        return cls(ObjectMasks(labels))


@dataclass(frozen=True)
class FirstMask:
    """The masks of the objects that first appear in frame `frame_index`, and of no other object.

    `source` may hold others: later masks of an object that is already followed cannot reach a model through this type.
    """

    frame_index: int
    object_ids: tuple[int, ...]
    source: MaskSource

    def load(self) -> np.ndarray:
        """A plane for each of `object_ids`, bool [O,H,W]. Raises VosbenchError on a bad file."""
        return self.source.load().planes(self.object_ids)


def inference_side(*wishes: int | None) -> int | None:
    """Shorter side of frames at inference, in pixels: the first of `wishes` that is not None. 0 or None: their own."""
    return next((wish for wish in wishes if wish is not None), None) or None


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
        conform(self)
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
    @checked("vosbench.Sequence.from_arrays(rgb, {0: labels}), uint8 [T,H,W,3] and [H,W]")
    def from_arrays(cls, rgb: np.ndarray, annotations: Mapping[int, np.ndarray], name: str = "video") -> "Sequence":
        """A sequence from memory: rgb uint8 [T,H,W,3]; annotations {frame index: label map uint8 [H,W]}.

        Each object is taken from the earliest annotation that holds its id; what later ones hold of it is dropped.
        255 means "unknown". Raises VosbenchError for arrays of another kind or size.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 4 or rgb.shape[-1] != 3:
            raise VosbenchError(f"the video is {rgb.dtype} {rgb.shape}", "give uint8 [frames,height,width,3], RGB")
        frames = tuple(FrameRef(f"{i:05d}", frame) for i, frame in enumerate(rgb))
        seen: set[int] = set()
        first_masks = []
        for index in sorted(annotations):
            labels = np.asarray(annotations[index])
            if labels.shape != rgb.shape[1:3]:
                sizes = f"{size_text(labels.shape)}, the video {size_text(rgb.shape[1:3])}"
                raise VosbenchError(f"annotation of frame {index} is {sizes}")
            if labels.dtype != np.uint8:
                raise VosbenchError(f"annotation of frame {index} is {labels.dtype}", "give a label map of uint8")
            masks = ObjectMasks(labels)
            new = tuple(i for i in masks.object_ids() if i not in seen)
            if new:
                first_masks.append(FirstMask(index, new, MasksInMemory(ObjectMasks(masks.planes(new), new))))
                seen.update(new)
        return cls(name, frames, tuple(first_masks))


@dataclass(frozen=True)
class ObjectSpan:
    """The frames in which a data set's meta file says that an object is: numbers `start` to `end`, and how many.

    Frame names are these numbers, with zeros before them. The three are as in the file: they, and masks, may disagree.
    """

    start: int
    end: int
    count: int


@dataclass(frozen=True)
class GroundTruth:
    """The masks a sequence is scored against; never seen by a model. With them, what protocols ask of the meta file.

    frame_names: all frames of the video in order.
    masks: those of the annotated frames (perhaps few of them).
    spans: object id -> the frames in which it is, in the order of the meta file; {} where the data set has none.
    unseen: ids of the objects that are of no category of the training split; None where the data set does not say.
    listed: ids of the objects by the meta file, 255 perhaps among them; None where the data set lists none.
    """

    sequence: str
    frame_names: tuple[str, ...]
    masks: Mapping[str, MaskSource]
    spans: Mapping[int, ObjectSpan] = field(default_factory=dict)
    unseen: tuple[int, ...] | None = None
    listed: tuple[int, ...] | None = None
