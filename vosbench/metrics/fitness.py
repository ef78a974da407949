"""Whether a protocol can score a sequence, known from its ground truth alone, before anything is predicted."""

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from vosbench.errors import VosbenchError
from vosbench.metrics.evaluate import plan, score_frames, split_plan, traces
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.protocols import PROTOCOLS, SHIPPED, Protocol
from vosbench.metrics.reading import read_prediction
from vosbench.video import GroundTruth, ObjectMasks


def misfit(truth: GroundTruth, protocol: Protocol, predicted: Iterable[int] = ()) -> VosbenchError | None:
    """Why a protocol cannot score a sequence; None if it can.

    `predicted` are the ids that predictions will hold. The true masks are scored against themselves, few of them
    where these suffice: 1, 2, 4, ... until an object counts. Raises VosbenchError for one that cannot be read.
    """
    annotated = [name for name in truth.frame_names if name in truth.masks]
    for name in annotated[:1] + annotated[1:][-1:]:
        truth.masks[name].load()
    where = f"sequence {truth.sequence}"
    reason = VosbenchError(
        f"{where} has no object that counts under the protocol {protocol.name}",
        "its ground truth lacks what this protocol scores: choose another one",
    )
    try:
        planned = plan(truth, protocol)
        ids = read_prediction(ObjectMasks(np.array([sorted(predicted)], np.uint8)), protocol)
        list(protocol.objects.pairs(ids, ids, planned, where))
    except VosbenchError as error:
        return error
    scored: list[FrameScores] = []
    with warnings.catch_warnings():  # a rule may warn of what real predictions hold
        warnings.simplefilter("ignore")
        for name in planned.frames:
            truth.masks[name].load()
            try:
                (part,) = split_plan(replace(planned, frames=(name,)), truth, truth.masks, 1)
                scored += score_frames(*part)
                enough = len(scored) & (len(scored) - 1) == 0 or len(scored) == len(planned.frames)
                if enough and traces(planned, scored):
                    return None
            except VosbenchError as error:
                reason = error
    return reason


def fitting(truth: GroundTruth, predicted: Iterable[int] = ()) -> tuple[str, ...]:
    """The names of the protocols that ship and can score a sequence and the ids that will be predicted of it."""
    ids = tuple(predicted)
    return tuple(
        name
        for name in SHIPPED
        if (protocol := PROTOCOLS.find(name)).objects.keeps_ids and misfit(truth, protocol, ids) is None
    )


def advice(truth: GroundTruth, predicted: Iterable[int] = ()) -> str:
    """What to do about a sequence that a protocol cannot score, in words."""
    names = fitting(truth, predicted)
    return f"protocols that can: {', '.join(names)}" if names else "no protocol can: it has too few masks"
