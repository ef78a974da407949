"""Predictions without a model: what any strategy must beat."""

import hashlib
import inspect
from collections.abc import Callable, Iterator

import numpy as np

from vosbench.images import read_size
from vosbench.video import Sequence

Control = Callable[[Sequence], Iterator[np.ndarray]]


def copy_first_mask(sequence: Sequence) -> Iterator[np.ndarray]:
    """Every object stays where it was first seen: one mask per frame, uint8 [H,W]."""
    mask = next(predict_nothing(sequence))
    appearing = {first.frame_index: first for first in sequence.first_masks}
    for index in range(len(sequence.frames)):
        if index in appearing:
            mask = mask.copy()
            for object_id, plane in zip(appearing[index].object_ids, appearing[index].load(), strict=True):
                mask[plane] = object_id
        yield mask


def predict_nothing(sequence: Sequence) -> Iterator[np.ndarray]:
    """Background everywhere: one mask per frame, uint8 [H,W]."""
    source = sequence.frames[0].source
    size = source.shape[:2] if isinstance(source, np.ndarray) else read_size(source)
    return (np.zeros(size, np.uint8) for _ in sequence.frames)


CONTROLS: dict[str, Control] = {"copy-first-mask": copy_first_mask, "predict-nothing": predict_nothing}


def hash_of(control: Control) -> str:
    """A hash of the source of a control."""
    return hashlib.blake2b(inspect.getsource(control).encode(), digest_size=8).hexdigest()
