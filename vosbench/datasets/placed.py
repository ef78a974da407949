"""Masks whose errors name the sequence and the frame, whoever reads them; and masks that are taken as they are."""

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
    named = {
        frame: source if source.tells_place else PlacedMasks(source, sequence, frame) for frame, source in masks.items()
    }
    return {frame: TrustedMasks(source) for frame, source in named.items()} if trusted else named


@dataclass(frozen=True)
class _OtherMasks(MaskSource):
    """The masks of another source, read in the same way."""

    source: MaskSource

    def load(self) -> ObjectMasks:
        return self.source.load()

    def files(self) -> tuple[Path, ...]:
        return self.source.files()

    def own_masks(self) -> tuple[int, ...] | None:
        return self.source.own_masks()

    reader = property(attrgetter("source.reader"))
    where = property(attrgetter("source.where"))

    def reading(self) -> str:
        return self.source.reading()


class TrustedMasks(_OtherMasks):
    """Masks that are taken as they are, though they look smoothed."""

    def check(self, size: tuple[int, int] | None = None) -> ObjectMasks:
        try:
            return replace(self.source.check(size), doubt=None)
        except SmoothedMaskError:  # the last that a check finds
            return self.source.load()


@dataclass(frozen=True)
class PlacedMasks(_OtherMasks):
    """The masks of a source of one's own."""

    sequence: str
    frame: str

    def load(self) -> ObjectMasks:
        with self._named():
            return self._required(self.source.load())

    def check(self, size: tuple[int, int] | None = None) -> ObjectMasks:
        with self._named():
            self._required(self.source.load())
            return self.source.check(size)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except VosbenchError as error:
            if self.sequence in error.message and self.frame in error.message:  # as in the path of a file
                raise
            place = f"sequence {self.sequence}, frame {self.frame}"
            raise type(error)(f"{place}: {error.message}", error.hint) from error

    def _required(self, masks: object) -> ObjectMasks:
        if isinstance(masks, ObjectMasks):
            return masks
        raise VosbenchError(f"{self.reader.__name__}.load gives {type(masks).__name__}", "return ObjectMasks")
