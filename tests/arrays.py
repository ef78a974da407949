"""Masks from memory, scored without a file."""

from collections.abc import Iterable

import numpy as np

from vosbench.metrics import bitmap
from vosbench.metrics.boundary import tolerance
from vosbench.metrics.evaluate import score_sequence
from vosbench.metrics.frame import frame_scores
from vosbench.metrics.measure import JF
from vosbench.metrics.protocols import Protocol, find_protocol
from vosbench.metrics.statistics import ObjectTrace
from vosbench.video import GroundTruth, MasksInMemory, MaskSource, ObjectMasks


def in_memory(maps: Iterable[np.ndarray]) -> dict[str, MaskSource]:
    """Label maps, uint8 [H,W], of the frames "00000", "00001", ..."""
    return {f"{t:05d}": MasksInMemory.of(labels) for t, labels in enumerate(maps)}


def true_masks(maps: Iterable[np.ndarray]) -> GroundTruth:
    """The same as the ground truth of `video`."""
    masks = in_memory(maps)
    return GroundTruth("video", tuple(masks), masks)


def pair_score(prediction: np.ndarray, truth: np.ndarray, radius: int | None = None) -> tuple[float, float]:
    """J and F of two boolean masks [H,W] and nothing else, the radius of F in pixels (None: as DAVIS has it)."""
    one, other = (ObjectMasks(mask[None], (1,)) for mask in (prediction, truth))
    reach = tolerance(*truth.shape) if radius is None else radius
    found = frame_scores(one, other, [(1, 1)], reach, JF).get((1, 1), JF.empty)
    return found.j, found.f


def unpack(packed: np.ndarray, height: int, width: int) -> np.ndarray:
    """The boolean masks [N,H,W] of a bitmap."""
    return np.unpackbits(packed[:, :height].view(np.uint8), axis=-1, bitorder="little", count=width).astype(bool)


def boundary_points(mask: np.ndarray) -> set[tuple[int, ...]]:
    """(row, column) of the boundary of a boolean mask [H,W]."""
    edge = bitmap.boundary(bitmap.pack(mask[None], spare=1), *mask.shape)
    return {tuple(point) for point in np.argwhere(unpack(edge, *mask.shape)[0])}


def score_arrays(
    predictions: Iterable[np.ndarray], truths: Iterable[np.ndarray], protocol: Protocol | str
) -> tuple[ObjectTrace, ...]:
    """The traces of a video whose every frame is annotated."""
    rules = protocol if isinstance(protocol, Protocol) else find_protocol(protocol)
    return score_sequence(true_masks(truths), in_memory(predictions), rules)
