"""Masks whose errors name the sequence and the frame, whoever reads them, or that are taken as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path

from vosbench.datasets.first_masks import Masks
from vosbench.errors import SmoothedMaskError, VosbenchError
from vosbench.video import MaskSource, ObjectMasks


def placed(sequence: str, masks: Masks, trusted: bool = False) -> Masks:
    """The masks of a sequence, whose errors name it and the frame; `trusted`, they are not refused as smoothed."""
    return {
        frame: PlacedMasks(source, sequence, frame, trusted) if trusted or not source.tells_place else source
        for frame, source in masks.items()
    }


@dataclass(frozen=True)
class PlacedMasks(MaskSource):
    """The masks of another source, read in the same way; if they are `trusted`, though they look smoothed."""

    source: MaskSource
    sequence: str
    frame: str
    trusted: bool
    reader = property(attrgetter("source.reader"))
    where = property(attrgetter("source.where"))

    def load(self) -> ObjectMasks:
        with self._named():
            masks: object = self.source.load()
            if isinstance(masks, ObjectMasks):
                return masks
            raise VosbenchError(f"{self.reader.__name__}.load gives {type(masks).__name__}", "return ObjectMasks")

    def files(self) -> tuple[Path, ...]:
        return self.source.files()

    def own_masks(self) -> tuple[int, ...] | None:
        return self.source.own_masks()

    def reading(self) -> str:
        return self.source.reading()

    def check(self, size: tuple[int, int] | None = None) -> ObjectMasks:
        if not self.source.tells_place:
            self.load()  # it is one's own, and may give anything
        try:
            with self._named():
                checked = self.source.check(size)
        except SmoothedMaskError:  # the last that a check finds
            if self.trusted:
                return self.load()
            raise
        return replace(checked, doubt=None) if self.trusted else checked

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except VosbenchError as error:
            if self.sequence in error.message and self.frame in error.message:  # as in the path of a file
                raise
            place = f"sequence {self.sequence}, frame {self.frame}"
            raise type(error)(f"{place}: {error.message}", error.hint) from error
