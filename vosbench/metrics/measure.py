"""What is measured of an object in one frame: J and F of the predicted and the true mask, or what a protocol has.

Region similarity J is the Jaccard index |G∩P| / |G∪P| (Perazzi et al., CVPR 2016, and the public DAVIS evaluators).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from vosbench.metrics import bitmap
from vosbench.metrics.boundary import boundary_f


class PairScore(NamedTuple):
    """J and F of a predicted and a true mask, the number of pixels in each of them and in both, and `Measure.extra`."""

    j: float
    f: float
    predicted: int
    true: int
    both: int
    extra: tuple[float, ...] = ()


class MaskPair:
    """A predicted and a true mask of which one has a pixel, as a bitmap of two cut out of a picture [height, width]."""

    def __init__(self, masks: np.ndarray, height: int, width: int) -> None:
        self._masks, self._size = masks, (height, width)
        self.predicted, self.true = bitmap.counts(masks)
        (self.both,) = bitmap.counts(masks[:1] & masks[1:])

    @property
    def pixels(self) -> tuple[int, int, int]:
        """The number of pixels in the predicted mask, in the true one and in both."""
        return self.predicted, self.true, self.both

    @cached_property
    def _edges(self) -> np.ndarray:
        return bitmap.boundary(self._masks, *self._size)

    def f(self, radius: float) -> float:
        """F by a tolerance of `radius` pixels, at most `Measure.reach`; see `bitmap.dilate` for fractions."""
        return boundary_f(self._edges, radius)


@dataclass(frozen=True)
class Measure:
    """J, and F by one radius, as DAVIS has them. A protocol that measures otherwise has a subclass in its file.

    extra: the names of what is measured beside J and F; each is 1 where both masks are empty.
    has_f: whether there is an F. Where there is none, it is NaN, and no boundary is looked for.
    """

    extra: ClassVar[tuple[str, ...]] = ()
    has_f: ClassVar[bool] = True

    def reach(self, tolerance: float) -> int:
        """The number of pixels that no boundary is ever widened by more than."""
        return math.ceil(tolerance)

    def score(self, masks: MaskPair, tolerance: float) -> PairScore:
        """What is measured of two masks; `tolerance` is `boundary.tolerance` of the picture."""
        f = masks.f(math.ceil(tolerance)) if self.has_f else math.nan
        return PairScore(masks.both / (masks.predicted + masks.true - masks.both), f, *masks.pixels)

    @property
    def empty(self) -> PairScore:
        """What is measured where both masks are empty."""
        return PairScore(1.0, 1.0 if self.has_f else math.nan, 0, 0, 0, (1.0,) * len(self.extra))


JF = Measure()
