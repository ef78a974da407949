"""In which frames objects first appear. Of these frames alone masks reach a model, so most files are never opened."""

from collections.abc import Mapping
from pathlib import Path

from vosbench.datasets.files import MASKS, explain_no_pictures
from vosbench.errors import VosbenchError
from vosbench.images import read_size
from vosbench.video import MaskSource


class Appearances:
    """The ids in the masks of a sequence, each frame read once, and only when it is asked for.

    `frames` and `masks` are by frame name in the order of the video. Every method raises VosbenchError for a mask
    that is unusable or not of its frame's size.
    """

    def __init__(self, frames: Mapping[str, Path], masks: Mapping[str, MaskSource]) -> None:
        self._frames, self._masks = frames, masks
        self._ids: dict[str, tuple[int, ...]] = {}

    def ids(self, frame: str) -> tuple[int, ...]:
        """The objects in the masks of a frame, ascending; none if it has no mask."""
        if frame not in self._ids and frame in self._masks:
            self._ids[frame] = self._masks[frame].check(read_size(self._frames[frame])).object_ids()
        return self._ids.get(frame, ())

    def start(self, object_id: int, named: str | None) -> str | None:
        """The frame `named` if its mask holds the object, or else the earliest that does; None if none does."""
        frames = self._masks if named is None else (named, *self._masks)
        return next((frame for frame in frames if object_id in self.ids(frame)), None)

    def starting(self, named: Mapping[int, str | None]) -> dict[str, tuple[int, ...]]:
        """Frame -> the objects that `start` there, if a mask holds them; `named` says of each in which frame."""
        first: dict[str, tuple[int, ...]] = {}
        for object_id, frame in sorted(named.items()):
            start = self.start(object_id, frame)
            if start is not None:
                first[start] = (*first.get(start, ()), object_id)
        return first


def earliest(
    name: str, folder: Path, frames: Mapping[str, Path], masks: Mapping[str, MaskSource]
) -> dict[str, tuple[int, ...]]:
    """Frame -> the objects that no earlier mask of the sequence `name` shows; `folder` is where its masks are.

    Raises VosbenchError if there are none, or a mask is unusable.
    """
    if not masks:
        raise VosbenchError(
            f"sequence {name} has no mask: {folder} holds none",
            explain_no_pictures(folder, MASKS)
            or "give each object's mask in the frame from which it is to be followed",
        )
    shown = Appearances(frames, masks)
    first: dict[str, tuple[int, ...]] = {}
    seen: set[int] = set()
    for frame in masks:
        new = tuple(i for i in shown.ids(frame) if i not in seen)
        if new:
            first[frame] = new
            seen.update(new)
    if not first:
        raise VosbenchError(
            f"sequence {name}: none of the {len(masks)} masks in {folder} holds an object",
            "write the ids 1, 2, ... as pixel values",
        )
    return first


def in_first_frame(
    name: str, folder: Path, frames: Mapping[str, Path], masks: Mapping[str, MaskSource]
) -> dict[str, tuple[int, ...]]:
    """The first frame -> the objects in its mask, beside which no other counts. Raises VosbenchError as `earliest`."""
    start = next(iter(frames))
    if start not in masks:
        raise VosbenchError(
            f"sequence {name}: the first frame's mask {folder / f'{start}.png'} does not exist",
            "unpack the annotations again",
        )
    ids = Appearances(frames, masks).ids(start)
    if not ids:
        raise VosbenchError(
            f"sequence {name}: the first mask {masks[start].where} holds no object",
            "the first frame's mask says what to follow; unpack the annotations again",
        )
    return {start: ids}
