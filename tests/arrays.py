"""Masks from memory, scored without a file."""

from collections.abc import Iterable

import numpy as np

from vosbench.metrics.evaluate import score_sequence
from vosbench.metrics.protocols import Protocol, find_protocol
from vosbench.metrics.statistics import ObjectTrace
from vosbench.video import GroundTruth, MasksInMemory, MaskSource


def in_memory(maps: Iterable[np.ndarray]) -> dict[str, MaskSource]:
    """Label maps, uint8 [H,W], of the frames "00000", "00001", ..."""
    return {f"{t:05d}": MasksInMemory.of(labels) for t, labels in enumerate(maps)}


def true_masks(maps: Iterable[np.ndarray]) -> GroundTruth:
    """The same as the ground truth of `video`."""
    masks = in_memory(maps)
    return GroundTruth("video", tuple(masks), masks)


def score_arrays(
    predictions: Iterable[np.ndarray], truths: Iterable[np.ndarray], protocol: Protocol | str
) -> tuple[ObjectTrace, ...]:
    """The traces of a video whose every frame is annotated."""
    rules = protocol if isinstance(protocol, Protocol) else find_protocol(protocol)
    return score_sequence(true_masks(truths), in_memory(predictions), rules)
