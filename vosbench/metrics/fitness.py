"""Whether a protocol can score a sequence, known from its ground truth alone, before anything is predicted."""

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from vosbench.errors import VosbenchError, a_few
from vosbench.metrics.evaluate import Sources, plan, score_frames, split_plan, traces
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.protocols import PROTOCOLS, SHIPPED, Protocol
from vosbench.metrics.reading import read_prediction, read_truth
from vosbench.metrics.rules.base import ScoringPlan
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


def score_or_fault(planned: ScoringPlan, sources: Sources) -> list[FrameScores] | VosbenchError:
    """The scores of planned frames, or what is wrong with their masks."""
    try:
        return score_frames(planned, sources)
    except VosbenchError as error:
        return error


def later_objects(truth: GroundTruth, protocol: Protocol, fault: VosbenchError) -> VosbenchError:
    """Why a protocol cannot score a sequence of which a prediction has a `fault`: its true masks hold ids, too, that
    a prediction must not hold. Raises `fault` where they do not.
    """
    ids = {i for source in truth.masks.values() for i in read_truth(source.load(), protocol).present()}
    if (reason := misfit(truth, protocol, ids)) is None:
        raise fault
    return reason


def nowhere(truth: GroundTruth, protocol: Protocol) -> VosbenchError | None:
    """That objects count which no mask of a sequence holds, where ids have a gap; None if there are none.

    Raises VosbenchError as `evaluate.plan` does, and for a mask that cannot be read.
    """
    if not protocol.objects.first_frame_decides:
        return None
    planned = plan(truth, protocol)
    gone = set(planned.object_ids).difference(read_truth(truth.masks[planned.first_frame].load(), protocol).present())
    for source in truth.masks.values() if gone else ():
        gone.difference_update(source.load().present())
    if not gone:
        return None
    objects = f"1 to {max(planned.object_ids)}, of which no mask holds {a_few(map(str, sorted(gone)))}"
    return VosbenchError(
        f"sequence {truth.sequence}: by the protocol {protocol.name} its objects are {objects}: an object that is "
        "nowhere scores 1, which spoils the mean",
        "number the objects from 1 without gaps, or choose a protocol that counts those that are there",
    )


def advice(truth: GroundTruth, predicted: Iterable[int] = ()) -> str:
    """What to do about a sequence that a protocol cannot score, in words: the protocols that ship and can score it and
    the ids that are predicted of it (none: those that its true masks hold).
    """
    ids = tuple(predicted) or tuple({i for source in truth.masks.values() for i in source.load().present()})
    keeping = (p for p in map(PROTOCOLS.find, SHIPPED) if p.objects.keeps_ids)
    names = [protocol.name for protocol in keeping if misfit(truth, protocol, ids) is None]
    return f"protocols that can: {', '.join(names)}" if names else "no protocol can: it has too few masks"
