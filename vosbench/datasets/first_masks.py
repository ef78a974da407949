"""In which frames objects first appear. Of these frames alone masks reach a model, so most files are never opened."""

from collections.abc import Iterator, Mapping
from pathlib import Path

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

    def new(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Each frame that shows objects that no earlier one shows, with these."""
        seen: set[int] = set()
        for frame in self._masks:
            new = tuple(i for i in self.ids(frame) if i not in seen)
            if new:
                yield frame, new
                seen.update(new)
