"""A video file, or a folder of frames, segmented as a stream: of any length, without a data set and without truth."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vosbench.base.values import Count, Side, checked
from vosbench.base.words import count
from vosbench.datasets.files import FRAMES, explain_no_pictures, pictures
from vosbench.datasets.label_pngs import check_labels
from vosbench.errors import VosbenchError
from vosbench.images import VOID, present_labels, read_drawn, read_rgb, read_size
from vosbench.inference.output import Prediction
from vosbench.inference.session import Foreknowledge, Session
from vosbench.memory.blame import out_of_memory
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.models.checkpoint import check_device, load_model
from vosbench.models.geometry import Geometry
from vosbench.models.precision import Precision
from vosbench.video import ObjectMasks
from vosbench.video_file import count_frames, open_video

POLICY = "lfu:capacity=8,pin_first=true"  # bounded, so that memory and time of a frame do not grow
SHORTER_SIDE = 480  # as the data set `folder` has it
RATE = 24  # frames per second of a folder of frames, which does not say


@dataclass(frozen=True)
class ClipFrame:
    """A frame of a clip: its name, for the file of its mask; RGB uint8 [H,W,3]; its time in units of the time base."""

    name: str
    rgb: np.ndarray
    time: int


@dataclass(frozen=True)
class Clip:
    """The frames of a video file, named `00000` and so on, or the pictures in a folder.

    size: (height, width) in pixels. rate: frames per second. time_base: seconds in a unit of time. count: of frames.
    aspect: how wide a pixel is shown for its height.
    Raises VosbenchError for a frame that cannot be read, when its turn comes.
    """

    path: Path
    size: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    count: int
    aspect: Fraction
    read: Callable[[], Iterator[ClipFrame]]

    def __iter__(self) -> Iterator[ClipFrame]:
        return self.read()


def open_clip(path: Path) -> Clip:
    """The clip in a video file or a folder of frames. Raises VosbenchError if it is absent, broken or empty."""
    if path.is_dir():
        found = pictures(path, FRAMES)
        if not found:
            raise VosbenchError(f"{path} holds no frames", explain_no_pictures(path) or "put JPEGs or PNGs there")

        def files() -> Iterator[ClipFrame]:
            for time, (name, file) in enumerate(found.items()):
                yield ClipFrame(name, read_rgb(file), time)

        size = read_size(next(iter(found.values())))
        return Clip(path, size, Fraction(RATE), Fraction(1, RATE), len(found), Fraction(1), files)
    if path.is_file() and path.suffix.lower() in FRAMES:
        raise VosbenchError(f"{path} is one picture, no video", "give a video file, or a folder of frames")
    video = open_video(path)

    def frames() -> Iterator[ClipFrame]:
        for index, (rgb, time) in enumerate(video):
            yield ClipFrame(f"{index:05d}", rgb, time)

    return Clip(path, video.size, video.rate, video.time_base, count_frames(path), video.aspect, frames)


class Segmenting:
    """A clip under way: iterate, once, over its frames with what is predicted for each. Holds one frame at a time.

    `masks` are those of the objects by the index of the frame in which they appear, `ids` those of all objects.
    Iterating raises VosbenchError for a frame that cannot be read, for what the strategy does wrong, and where memory
    does not suffice.
    """

    def __init__(self, clip: Clip, masks: Mapping[int, ObjectMasks], session: Session) -> None:
        self.clip, self.masks, self.session = clip, masks, session
        self.ids = tuple(sorted(i for mask in masks.values() for i in mask.ids or ()))

    def __iter__(self) -> Iterator[tuple[ClipFrame, Prediction]]:
        for index, frame in enumerate(self.clip):
            try:
                prediction = self.session.step(frame.rgb, self.masks.get(index))
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                raise VosbenchError(
                    f"out of memory at frame {frame.name} of {self.clip.path}",
                    "choose a strategy with a capacity, or a smaller shorter side",
                ) from error
            yield frame, prediction
        self.session.verify()


@checked('vosbench.segment("clip.mp4", {0: "first.png"}, "lfu:capacity=4")')
def segment(
    video: Path | str,
    masks: Mapping[int, Any],
    policy: str | Path | PolicySpec = POLICY,
    *,
    model: Path | str = "stcn-tiny",
    device: str = "cpu",
    top_k: Count | None = None,
    affinity: str | None = None,
    precision: Precision = "fp32",
    shorter_side: Side = SHORTER_SIDE,
    trust_masks: bool = False,
) -> Segmenting:
    """Segment a video file or a folder of frames: `for frame, prediction in segment(...)`, masks of the video's size.

    `masks` are, by the index of a frame from 0 on, the file of a mask, or several: a label map, in which objects that
    are followed already do not count, or a 0/255 mask of one object, which gets the next free id. Options are those of
    `Suite`. Raises VosbenchError, before the first frame, for a clip or a mask that cannot be used, a mask of another
    size or of a frame beyond the end, and as `load_policy` and `load_model`.
    """
    clip = open_clip(Path(video))
    first = first_masks(clip, masks, trust_masks)
    check_device(device)
    strategy = load_policy(policy)
    if strategy.needs_truth or strategy.needs_future:
        what = "true masks" if strategy.needs_truth else "the frames still to come"
        hint = "choose another: `vosbench list policies` names them"
        raise VosbenchError(f"strategy {policy} needs {what}, which there are not where a video is a stream", hint)
    network = load_model(model, device, affinity, precision)
    known = _length(clip, first) if strategy.needs_length else None
    name, side = clip.path.stem, shorter_side
    return Segmenting(clip, first, Session(network, strategy, name=name, top_k=top_k, shorter_side=side, known=known))


def _length(clip: Clip, masks: Mapping[int, ObjectMasks]) -> Foreknowledge:
    """That of a clip whose frames can be counted: how many there are."""
    ids = sorted(i for mask in masks.values() for i in mask.ids or ())

    def nothing(_: Geometry) -> Any:
        raise AssertionError("asked by a reference alone")

    return Foreknowledge(tuple(map(str, range(clip.count))), tuple(ids), nothing, nothing)


def first_masks(clip: Clip, masks: Mapping[int, Any], trusted: bool = False) -> dict[int, ObjectMasks]:
    """By frame, the masks of the objects that appear there; see `segment`."""
    if not masks:
        raise VosbenchError("there is no mask to begin with", "give the mask of each object in its first frame")
    seen: set[int] = set()
    found: dict[int, ObjectMasks] = {}
    for index in sorted(masks):
        paths = [Path(path) for path in (masks[index] if isinstance(masks[index], list | tuple) else [masks[index]])]
        planes: dict[int, np.ndarray] = {}
        if len(set(paths)) < len(paths):
            twice = next(path for path in paths if paths.count(path) > 1)
            raise VosbenchError(f"mask {twice} is given twice for frame {index}", "give each mask once")
        for path in paths:
            if not 0 <= index < clip.count:
                raise VosbenchError(
                    f"mask {path} is for frame {index}, but {clip.path} has {count(clip.count, 'frame')}",
                    f"frames are counted from 0 to {clip.count - 1}",
                )
            planes |= _new_planes(path, clip.size, {*seen, *planes}, trusted)
        seen |= planes.keys()
        found[index] = ObjectMasks(np.stack([*planes.values()]), tuple(planes))
    return found


def _new_planes(path: Path, size: tuple[int, int], seen: set[int], trusted: bool) -> dict[int, np.ndarray]:
    """Of each object that is not `seen` yet its plane in a mask, bool [H,W]."""
    if not path.exists():
        raise VosbenchError(f"mask {path} does not exist", "check the path")
    labels = read_drawn(path)
    ids = present_labels(labels).tolist()
    alone = ids == [VOID]
    if doubt := check_labels(labels, path, size=size, binary=alone, trusted=trusted):
        warnings.warn(f"{doubt.message}\n  hint: {doubt.hint}", stacklevel=2)
    if alone:
        free = next((i for i in range(1, VOID) if i not in seen), None)
        planes = {} if free is None else {free: labels == VOID}
    else:
        planes = {i: labels == i for i in ids if i != VOID and i not in seen}
    if not planes:
        what = "holds no object that is not followed already" if labels.any() else "is empty: all is background"
        raise VosbenchError(f"mask {path} {what}", "pixels of an object are 255, or an id of its own; 0 is background")
    return planes
