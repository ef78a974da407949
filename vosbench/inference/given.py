"""Masks as a user gives them to a session: checked, and brought into one form."""

from collections.abc import Collection, Mapping
from numbers import Integral

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.images import VOID, described, size_text
from vosbench.video import ObjectMasks

Masks = np.ndarray | Mapping[int, np.ndarray] | ObjectMasks


def object_masks(masks: np.ndarray | Mapping[int, np.ndarray], what: str, followed: Collection[int]) -> ObjectMasks:
    """Masks that a user gives; `what` is for messages, `followed` are the ids of the objects that have a mask."""
    if isinstance(masks, np.ndarray):
        if masks.dtype != np.uint8 or masks.ndim != 2:
            raise VosbenchError(
                f"{what} are {described(masks)}", "give a label map, uint8 [height,width], or {id: plane of bool}"
            )
        return ObjectMasks(masks)
    if not isinstance(masks, Mapping) or not masks:
        how = "no objects" if isinstance(masks, Mapping) else described(masks)
        raise VosbenchError(f"{what} are {how}", "give a label map or {id: plane}, or None where no object appears")
    for i, plane in masks.items():
        one = f"{what}: object {i!r}"
        if isinstance(i, bool) or not isinstance(i, Integral) or not 0 < i < VOID:
            raise VosbenchError(f"{one} cannot be: that is no id", f"an id is a whole number from 1 to {VOID - 1}")
        if not isinstance(plane, np.ndarray) or plane.dtype not in (np.bool_, np.uint8) or plane.ndim != 2:
            raise VosbenchError(f"{one} is {described(plane)}", "give a plane, bool or uint8 [height,width]")
        if not plane.any():
            raise VosbenchError(f"{one} has no pixel", "give its mask in the first frame where it is to be seen")
        if i in followed:
            raise VosbenchError(f"{one} is followed already", "give only objects that appear in this frame")
    if len(sizes := {size_text(plane.shape): None for plane in masks.values()}) > 1:
        raise VosbenchError(f"{what} are of several sizes: {', '.join(sizes)}", "give planes of the size of the frame")
    return ObjectMasks(np.stack([*masks.values()]) > 0, tuple(map(int, masks)))
