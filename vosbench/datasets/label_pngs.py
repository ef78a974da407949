"""The usual layout: one label PNG a frame, `<sequence>/<frame>.png`, whose pixel values are the objects' ids."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from vosbench.datasets.files import MASKS, pictures
from vosbench.images import check_labels, read_labels
from vosbench.video import MaskSource, ObjectMasks


@dataclass(frozen=True)
class LabelPng(MaskSource):
    """A label map in a palette, grey or 1-bit PNG."""

    path: Path
    binary: ClassVar[bool] = False
    any_id: ClassVar[bool] = False  # whether 255 is an id as any other
    tells_place = True

    def load(self) -> ObjectMasks:
        return self._objects(read_labels(self.path))

    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def check(self, size: tuple[int, int] | None = None) -> ObjectMasks:
        labels = read_labels(self.path)
        check_labels(labels, self.path, size=size, binary=self.binary or self.any_id)
        return self._objects(labels)

    def _objects(self, labels: np.ndarray) -> ObjectMasks:
        return ObjectMasks((labels != 0).view(np.uint8) if self.binary else labels)


class BinaryPng(LabelPng):
    """The same of one object: every value above 0 is object 1 (DAVIS 2016, whose masks are 0/1 or 0/255)."""

    binary = True


def label_pngs(folder: Path, kind: type[LabelPng] = LabelPng) -> dict[str, MaskSource]:
    """Frame name -> its mask, in the order of the video, of every PNG in `folder`; {} if it is absent.

    Raises VosbenchError if two files are of one frame.
    """
    return {name: kind(path) for name, path in pictures(folder, MASKS).items()}


binary_pngs = partial(label_pngs, kind=BinaryPng)  # of one object
