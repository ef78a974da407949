"""How a pair of label maps is read under a protocol, and what is refused."""

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.images import VOID, size_text
from vosbench.metrics.protocols import Protocol


def refuse_other_size(prediction: np.ndarray, truth: np.ndarray, where: str) -> None:
    """Raise VosbenchError if two label maps differ in size. `where` names the prediction."""
    if prediction.shape != truth.shape:
        raise VosbenchError(
            f"{where} is {size_text(prediction.shape)}, its ground truth {size_text(truth.shape)} (width x height)",
            "write predictions at the size of the annotations, resized with nearest neighbour",
        )


def read_pair(
    prediction: np.ndarray, truth: np.ndarray, protocol: Protocol, binary: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and truth, uint8 [H,W], as the protocol sees them."""
    if binary:
        return (prediction != 0).view(np.uint8), read_truth(truth, protocol, binary)
    if protocol.void == "ignored":
        prediction = np.where(truth == VOID, 0, prediction)
    return prediction, read_truth(truth, protocol, binary)


def read_truth(labels: np.ndarray, protocol: Protocol, binary: bool) -> np.ndarray:
    """A ground-truth label map, uint8 [H,W], as the protocol sees it."""
    if binary:
        return (labels != 0).view(np.uint8)
    if protocol.void == "object" or labels.max(initial=0) < VOID:
        return labels
    return np.where(labels == VOID, 0, labels)


def refuse_extra_ids(prediction: np.ndarray, highest: int, where: str) -> None:
    """Raise VosbenchError if an id of a prediction, uint8 [H,W], is above the `highest` that there may be."""
    if prediction.max(initial=0) > highest:
        ids = [int(i) for i in np.unique(prediction) if i]
        raise VosbenchError(f"{where} holds the id {ids[-1]}, but the highest allowed is {highest}", id_hint(ids))


def id_hint(ids: list[int]) -> str:
    """What probably went wrong when a mask holds `ids` (ascending, without 0) and they are not the objects'."""
    if ids == [VOID]:
        return "a 0/255 mask: write the object's id instead of 255, or score it as davis2016"
    if len(ids) > 20:
        return f"{len(ids)} ids in one mask: it was probably resized or saved with anti-aliasing; use nearest neighbour"
    return "each pixel must hold the id that the first annotation gives to its object, or 0"
