"""In which frames objects first appear. Of these frames alone masks reach a model, so most files are never opened."""

import warnings
from collections.abc import Mapping
from pathlib import Path

from vosbench.errors import VosbenchError
from vosbench.images import Picture, read_size
from vosbench.video import MaskSource

Frames = Mapping[str, Picture]  # by name, in the order of the video
Masks = Mapping[str, MaskSource]  # the same of the annotated ones
First = dict[str, tuple[int, ...]]  # name of a frame -> ids of the objects that first appear there


class Appearances:
    """The ids in the masks of a sequence, each frame read once, and only when it is asked for.

    Every method raises VosbenchError for a mask that is unusable or not of its frame's size, and the first to meet a
    doubtful one warns of it.
    """

    def __init__(self, frames: Frames, masks: Masks) -> None:
        self._frames, self._masks = frames, masks
        self._ids: dict[str, tuple[int, ...]] = {}
        self._doubted = False

    def ids(self, frame: str) -> tuple[int, ...]:
        """The objects in the masks of a frame, ascending; none if it has no mask."""
        if frame not in self._ids and frame in self._masks:
            masks = self._masks[frame].check(read_size(self._frames[frame]))
            self._ids[frame] = masks.object_ids()
            if masks.doubt and not self._doubted:
                self._doubted = True
                warnings.warn(f"{masks.doubt.message}\n  hint: {masks.doubt.hint}", stacklevel=2)
        return self._ids.get(frame, ())

    def starting(self, named: Mapping[int, str | None]) -> First:
        """An object starts in the frame `named` if the mask there holds it, or else in the earliest that does."""
        first: First = {}
        for object_id, frame in sorted(named.items()):
            places = self._masks if frame is None else (frame, *self._masks)
            start = next((place for place in places if object_id in self.ids(place)), None)
            if start is not None:
                first[start] = (*first.get(start, ()), object_id)
        return first


def earliest(name: str, folder: Path, frames: Frames, masks: Masks) -> First:
    """The objects that no earlier mask of the sequence `name` shows; `folder` is where its masks are.

    Raises VosbenchError if there are none, or a mask is unusable.
    """
    shown = Appearances(frames, masks)
    first: First = {}
    seen: set[int] = set()
    for frame in masks:
        if new := tuple(i for i in shown.ids(frame) if i not in seen):
            first[frame] = new
            seen.update(new)
    if not first:
        hint = "write the ids 1, 2, ... as pixel values"
        raise VosbenchError(f"sequence {name}: none of the {len(masks)} masks in {folder} holds an object", hint)
    return first


def in_first_frame(name: str, folder: Path, frames: Frames, masks: Masks) -> First:
    """The objects in the first frame's mask, beside which no other counts. Raises VosbenchError as `earliest`."""
    start = next(iter(frames))
    if start not in masks:
        hint = "unpack the annotations again"
        raise VosbenchError(f"sequence {name}: the first frame's mask {folder / f'{start}.png'} does not exist", hint)
    ids = Appearances(frames, masks).ids(start)
    if not ids:
        hint = "the first frame's mask says what to follow; unpack the annotations again"
        raise VosbenchError(f"sequence {name}: the first mask {masks[start].where} holds no object", hint)
    return {start: ids}
