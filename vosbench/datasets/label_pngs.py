"""The usual layout: one label PNG a frame, `<sequence>/<frame>.png`, whose pixel values are the objects' ids."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from vosbench.datasets.files import MASKS, pictures
from vosbench.datasets.smoothing import smoothness
from vosbench.errors import SmoothedMaskError, VosbenchError
from vosbench.images import VOID, check_size, present_labels, read_labels
from vosbench.video import MaskSource, ObjectMasks


def check_labels(
    labels: np.ndarray,
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    binary: bool = False,
    trusted: bool = False,
) -> VosbenchError | None:
    """Refuse a label map, uint8 [H,W], that cannot be what it is taken for; `path` is for the message. Where it may be
    smoothed, and may not, returns that doubt.

    Raises VosbenchError if it is not of `size` (height, width), or, unless `binary` (DAVIS 2016: every non-zero label
    is the object), if its only label is 255; and, unless it is `trusted`, SmoothedMaskError if it was smoothed.
    """
    if size is not None:
        check_size(labels.shape, size, path)
    present = present_labels(labels)
    if not binary and present.tolist() == [VOID]:
        raise VosbenchError(
            f"mask {path} is a 0/255 mask, but object ids are expected",
            "write the object's id, such as 1, instead of 255, which is void; where each object has a folder of such "
            "masks, they are read as object-folders; davis2016 is binary",
        )
    found = "sound" if trusted else smoothness(labels, present)
    if found == "smoothed":
        raise SmoothedMaskError(
            f"mask {path} is anti-aliased: most of its edges have ids between those of the two sides",
            f"{_UNSMOOTHED}; if it is sound all the same, {_TRUST}",
        )
    if found == "doubtful":
        told = "its objects lie in each other like rings, or it is anti-aliased"
        return VosbenchError(f"mask {path}: {told}", f"if anti-aliased, {_UNSMOOTHED}; if not, {_TRUST}")
    return None


_UNSMOOTHED = "write masks without smoothing, resize them with nearest neighbour, and never store them as JPEG"
_TRUST = "take masks as they are: trust_masks (--trust-masks)"


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
        binary = self.binary or self.any_id
        return self._objects(labels, check_labels(labels, self.path, size=size, binary=binary))

    def _objects(self, labels: np.ndarray, doubt: VosbenchError | None = None) -> ObjectMasks:
        return ObjectMasks((labels != 0).view(np.uint8) if self.binary else labels, doubt=doubt)


class BinaryPng(LabelPng):
    """The same of one object: every value above 0 is object 1 (DAVIS 2016, whose masks are 0/1 or 0/255)."""

    binary = True


def label_pngs(folder: Path, kind: type[LabelPng] = LabelPng) -> dict[str, MaskSource]:
    """Frame name -> its mask, in the order of the video, of every PNG in `folder`; {} if it is absent.

    Raises VosbenchError if two files are of one frame.
    """
    return {name: kind(path) for name, path in pictures(folder, MASKS).items()}


binary_pngs = partial(label_pngs, kind=BinaryPng)  # of one object
