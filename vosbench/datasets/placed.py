"""Masks whose errors name the sequence and the frame, whoever reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vosbench.datasets.first_masks import Masks
from vosbench.errors import VosbenchError
from vosbench.video import MaskSource, ObjectMasks


def placed(sequence: str, masks: Masks) -> Masks:
    """The masks of a sequence, whose errors name it and the frame."""
    return {
        frame: source if source.tells_place else PlacedMasks(source, sequence, frame) for frame, source in masks.items()
    }


@dataclass(frozen=True)
class PlacedMasks(MaskSource):
    """The masks of a source of one's own."""

    source: MaskSource
    sequence: str
    frame: str

    def load(self) -> ObjectMasks:
        with self._named():
            return self._required(self.source.load())

    def check(self, size: tuple[int, int] | None = None) -> ObjectMasks:
        with self._named():
            self._required(self.source.load())
            return self.source.check(size)

    def files(self) -> tuple[Path, ...]:
        return self.source.files()

    def own_masks(self) -> tuple[int, ...] | None:
        return self.source.own_masks()

    @property
    def reader(self) -> type[MaskSource]:
        return self.source.reader

    @property
    def where(self) -> str:
        return self.source.where

    def reading(self) -> str:
        return self.source.reading()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except VosbenchError as error:
            if self.sequence in error.message and self.frame in error.message:  # as in the path of a file
                raise
            place = f"sequence {self.sequence}, frame {self.frame}"
            raise VosbenchError(f"{place}: {error.message}", error.hint) from error

    def _required(self, masks: object) -> ObjectMasks:
        if isinstance(masks, ObjectMasks):
            return masks
        raise VosbenchError(f"{self.reader.__name__}.load gives {type(masks).__name__}", "return ObjectMasks")
