"""How the masks of a frame are read under a protocol, and what is refused."""

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.images import VOID
from vosbench.metrics.protocols import Protocol
from vosbench.video import ObjectMasks


def read_pair(prediction: ObjectMasks, truth: ObjectMasks, protocol: Protocol) -> tuple[ObjectMasks, ObjectMasks]:
    """Prediction and truth as the protocol sees them."""
    if protocol.void == "ignored" and truth.labels is not None and not protocol.binary:
        nothing = prediction.pixels.dtype.type(0)
        prediction = ObjectMasks(np.where(truth.labels == VOID, nothing, prediction.pixels), prediction.ids)
    return read_prediction(prediction, protocol), read_truth(truth, protocol)


def read_prediction(masks: ObjectMasks, protocol: Protocol) -> ObjectMasks:
    """Predicted masks as the protocol sees them."""
    return ObjectMasks((masks.covered() != 0).view(np.uint8)) if protocol.binary else masks


def read_truth(masks: ObjectMasks, protocol: Protocol) -> ObjectMasks:
    """True masks as the protocol sees them."""
    labels = masks.labels
    if protocol.binary or labels is None or protocol.void == "object" or labels.max(initial=0) < VOID:
        return read_prediction(masks, protocol)
    return ObjectMasks(np.where(labels == VOID, 0, labels))


def refuse_extra_ids(prediction: ObjectMasks, highest: int, where: str) -> None:
    """Raise VosbenchError if an id of a prediction is above the `highest` that there may be."""
    if prediction.highest() > highest:
        ids = list(prediction.present())
        raise VosbenchError(f"{where} holds the id {ids[-1]}, but the highest allowed is {highest}", id_hint(ids))


def id_hint(ids: list[int]) -> str:
    """What probably went wrong when a mask holds `ids` (ascending, without 0) and they are not the objects'."""
    if ids == [VOID]:
        return "a 0/255 mask: write the object's id instead of 255, or score it as davis2016"
    if len(ids) > 20:
        return f"{len(ids)} ids in one mask: it was probably resized or saved with anti-aliasing; use nearest neighbour"
    return "each pixel must hold the id that the first annotation gives to its object, or 0"
