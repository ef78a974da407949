"""Whether a protocol can score a sequence, known from its ground truth alone, before anything is predicted."""

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from vosbench.errors import SequenceError, VosbenchError, a_few
from vosbench.images import check_size
from vosbench.metrics.evaluate import Sources, empty_like, plan, refuse_smoothed, score_frames, traces
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.protocols import PROTOCOLS, SHIPPED, Protocol, find_protocol
from vosbench.metrics.reading import read_prediction, read_truth
from vosbench.metrics.rules.base import ScoringPlan
from vosbench.metrics.rules.given import are_first_masks
from vosbench.video import GroundTruth, ObjectMasks


def misfit(truth: GroundTruth, protocol: Protocol, predicted: Iterable[int] = ()) -> VosbenchError | None:
    """Why a protocol cannot score a sequence; None if it can.

    `predicted` are the ids that predictions will hold, each from where true masks first show it. Empty predictions are
    scored, few of them where these suffice: 1, 2, 4, ... until an object counts. Raises VosbenchError for a true mask
    that cannot be read.
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
        scored_ids = {*predicted} - _too_late(planned)
        ids = read_prediction(ObjectMasks(np.array([sorted(scored_ids)], np.uint8)), protocol)
        list(protocol.objects.pairs(ids, ids, planned, where))
    except VosbenchError as error:
        return error
    scored: list[FrameScores] = []
    with warnings.catch_warnings():  # a rule may warn of what real predictions hold
        warnings.simplefilter("ignore")
        for name in planned.frames:
            nothing = empty_like(truth.masks[name])
            try:
                scored += score_frames(replace(planned, frames=(name,)), {name: (nothing, truth.masks[name])})
                enough = len(scored) & (len(scored) - 1) == 0 or len(scored) == len(planned.frames)
                if enough and traces(planned, scored):
                    return None
            except VosbenchError as error:
                reason = error
    return reason


def _too_late(planned: ScoringPlan) -> set[int]:
    """The ids that true masks show first after the last scored frame: no prediction that counts holds them."""
    truth = planned.truth
    annotated = [name for name in truth.frame_names if name in truth.masks]
    end = annotated.index(planned.frames[-1]) + 1
    late = {i for name in annotated[end:] for i in truth.masks[name].load().present()}
    for name in annotated[:end]:
        if not late:
            break
        late.difference_update(truth.masks[name].load().present())
    return late


def is_excused(truth: GroundTruth, protocol: Protocol, own: str) -> bool:
    """Whether nobody expects scores of a sequence: its data set, whose `own` protocol it is, has first masks alone."""
    if find_protocol(own).name != protocol.name:
        return False
    annotated = (truth.masks[name].load() for name in truth.frame_names if name in truth.masks)
    first, *later = ({*read_truth(masks, protocol).present()} for masks in annotated)
    return are_first_masks(first, later)


def score_or_fault(planned: ScoringPlan, sources: Sources) -> list[FrameScores] | VosbenchError:
    """The scores of planned frames, or what is wrong with their masks."""
    try:
        return score_frames(planned, sources)
    except VosbenchError as error:
        return error


def require_sound(truth: GroundTruth) -> None:
    """Raise SequenceError if a true mask of a sequence cannot be read, is of another size, or looks smoothed."""
    try:
        sources = [truth.masks[name] for name in truth.frame_names if name in truth.masks]
        for source in sources:
            check_size(source.load().size, sources[0].load().size, source.where, "first mask")
            refuse_smoothed(source)
    except VosbenchError as error:
        raise SequenceError(error.message, error.hint) from error


def blame_truth(truth: GroundTruth, protocol: Protocol, fault: VosbenchError) -> VosbenchError:
    """Why a sequence cannot be scored, whose scoring ended with a `fault`, where that is not one of the prediction.

    A true mask is faulty (SequenceError), or the true masks hold ids that a prediction must not hold under the
    protocol. Raises `fault` if neither.
    """
    try:
        require_sound(truth)
    except SequenceError as error:
        return error
    if (reason := misfit(truth, protocol, _true_ids(truth, protocol))) is None:
        raise fault
    return reason


def _true_ids(truth: GroundTruth, protocol: Protocol) -> set[int]:
    """The ids that the true masks hold, as a protocol reads them."""
    return {i for source in truth.masks.values() for i in read_truth(source.load(), protocol).present()}


def nowhere(truth: GroundTruth, protocol: Protocol) -> VosbenchError | None:
    """That objects count which no mask of a sequence holds, where ids have a gap; None if there are none.

    Raises VosbenchError as `evaluate.plan` does, and for a mask that cannot be read.
    """
    if not protocol.objects.first_frame_decides:
        return None
    planned = plan(truth, protocol)
    gone = set(planned.object_ids).difference(read_truth(truth.masks[planned.first_frame].load(), protocol).present())
    if not gone or not (gone := gone - _true_ids(truth, protocol)):
        return None
    objects = f"1 to {max(planned.object_ids)}, of which no mask holds {a_few(map(str, sorted(gone)))}"
    return VosbenchError(
        f"sequence {truth.sequence}: by the protocol {protocol.name} its objects are {objects}: an object that is "
        "nowhere scores 1, which spoils the mean",
        "number the objects from 1 without gaps, or choose a protocol that counts those that are there",
    )


def advice(truth: GroundTruth, predicted: Iterable[int] = ()) -> str:
    """What to do about a sequence that a protocol cannot score, in words: the protocols that ship and can score it and
    the ids that are predicted of it (none: those that its true masks hold), without those that count objects which are
    nowhere, where others can.
    """
    ids = tuple(predicted)
    keeping = (p for p in map(PROTOCOLS.find, SHIPPED) if p.objects.keeps_ids)
    can = [p for p in keeping if misfit(truth, p, ids or _true_ids(truth, p)) is None]
    names = [p.name for p in [p for p in can if nowhere(truth, p) is None] or can]
    return f"protocols that can: {', '.join(names)}" if names else "no protocol can: it has too few masks"
