"""J and F of every object of one frame at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from vosbench.metrics import bitmap
from vosbench.metrics.measure import MaskPair, Measure, PairScore
from vosbench.video import ObjectMasks

Pair = tuple[int, int]


@dataclass(frozen=True)
class FrameScores:
    """The scores of one frame by pair (predicted id, true id); a pair that is missing is empty in both."""

    frame: str
    scores: Mapping[Pair, PairScore]

    @property
    def true_ids(self) -> set[int]:
        """The ids that the true mask holds, of those that were paired."""
        return {true for (_, true), score in self.scores.items() if score.true}


def frame_scores(
    prediction: ObjectMasks, truth: ObjectMasks, pairs: Iterable[Pair], tolerance: float, measure: Measure
) -> dict[Pair, PairScore]:
    """What is measured of pairs (id in the prediction, id in the truth) of the masks of a frame.

    Ids are 1 to 255. A pair of which neither mask has a pixel is left out. `labelled_box` of the masks is as good as
    the masks.
    """
    height, width = truth.size
    bitmap_of = _bitmaps(prediction, truth, measure.reach(tolerance))
    scores = ((pair, mask_scores(bitmap_of(pair), height, width, tolerance, measure)) for pair in pairs)
    return {pair: score for pair, score in scores if score is not None}


def _bitmaps(prediction: ObjectMasks, truth: ObjectMasks, spare: int) -> Callable[[Pair], np.ndarray]:
    """What gives the masks of a pair as a bitmap of two."""
    if prediction.labels is None or truth.labels is None:
        return lambda pair: bitmap.pack(np.concatenate([prediction.planes(pair[:1]), truth.planes(pair[1:])]), spare)
    return partial(bitmap.labelled, bitmap.label_planes((prediction.labels, truth.labels), spare))


def mask_scores(masks: np.ndarray, height: int, width: int, tolerance: float, measure: Measure) -> PairScore | None:
    """What is measured of a predicted and a true mask [height, width], a bitmap of two; None if both are empty.

    Only the box that holds a pixel of either is looked at.
    """
    left, top, columns, rows = cv2.boundingRect((masks[0] | masks[1]).view(np.uint8))
    if not rows:
        return None
    spare = max(measure.reach(tolerance), 1)
    bottom, right = top + rows + spare, -(-(8 * (left + columns) + spare) // bitmap.WORD)  # a word is eight bytes
    top, left = max(top - 1, 0), max(8 * left - 1, 0) // bitmap.WORD  # boundaries lie up to one pixel outside
    masks = np.ascontiguousarray(masks[:, top:bottom, left:right])
    return measure.score(MaskPair(masks, height - top, width - left * bitmap.WORD), tolerance)


def labelled_box(prediction: ObjectMasks, truth: ObjectMasks) -> tuple[slice, slice] | None:
    """The box that holds every mask of both, and one pixel more, where boundaries lie; None if all is empty."""
    left, top, columns, rows = cv2.boundingRect(prediction.covered() | truth.covered())
    if not rows:
        return None
    return slice(max(top - 1, 0), top + rows + 1), slice(max(left - 1, 0), left + columns + 1)
