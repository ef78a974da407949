"""From the first masks of a video's objects to a mask for every frame, under one strategy."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from vosbench.base.values import Count, Side, checked
from vosbench.base.words import as_size
from vosbench.inference.lockstep import OF_ONE, Driver, Frame, taken
from vosbench.inference.output import Prediction
from vosbench.inference.reader import loaded, read_ahead
from vosbench.inference.references import look_ahead, true_masks
from vosbench.inference.room import Room
from vosbench.inference.session import Foreknowledge, Session, model_and_policy
from vosbench.memory.policy import MemoryPolicy
from vosbench.memory.spec import PolicySpec
from vosbench.models.base import Network
from vosbench.models.geometry import Geometry
from vosbench.video import GroundTruth, ObjectMasks, Sequence


@checked('vosbench.propagate("stcn-tiny", sequence, "lfu"), sequence of open_dataset(…).sequence(NAME)')
def propagate(
    model: Network | str | Path,
    sequence: Sequence,
    policy: MemoryPolicy | PolicySpec | str | Path,
    *,
    top_k: Count | None = None,
    shorter_side: Side | None = None,
    truth: GroundTruth | None = None,
    memory_limit: str | int | None = None,
) -> Iterator[Prediction]:
    """Segment a video frame by frame; nothing holds the whole of it.

    `top_k` memory tokens count for a query pixel (None: as many as the network is used with); `shorter_side` overrides
    the inference size of the sequence, in pixels (0: that of the frames). `truth` is for a reference that says that it
    needs it; nothing else sees it. `memory_limit` is that of `Session`, as are names of models and strategies.
    Raises SequenceError for frames or masks that cannot be read or differ in size, VosbenchError for a model in
    training mode, and PolicyError, which names file, line and frame, for whatever a strategy raises or does wrong.
    """
    options: dict[str, Any] = {"top_k": top_k, "shorter_side": shorter_side, "memory_limit": memory_limit}
    model, policy = model_and_policy(model, policy)
    for frame in propagate_together(model, sequence, [policy], truth=truth, timed=True, **options):
        yield taken(frame.pop(0))


def propagate_together(
    model: Network,
    sequence: Sequence,
    policies: Collection[MemoryPolicy],
    *,
    top_k: int | None = None,
    shorter_side: int | None = None,
    truth: GroundTruth | None = None,
    timed: bool = False,
    memory_limit: str | int | None = None,
) -> Iterator[dict[int, Prediction | Exception]]:
    """As `propagate`, under several strategies at once, which share what depends on the frames alone.

    Of every frame what is predicted under each strategy, by its place among `policies`; or, in the place of that, the
    error that ended the strategy, one of `lockstep.OF_ONE`, after which the others go on without it. What shows only
    after the last frame comes as one frame more. `memory_limit` holds for all together: before a frame for which it
    might not suffice, the largest ends. Every mask is that of the strategy alone; nothing is `timed`, since the
    strategies would be so together. Raises SequenceError and VosbenchError as `propagate` does.
    """
    device = next(model.parameters()).device
    known = Foreknowledge(
        tuple(frame.name for frame in sequence.frames),
        sequence.object_ids,
        partial(true_masks, sequence, truth, device),
        cache(partial(look_ahead, model, sequence, top_k or model.spec.top_k, device)),
    )
    options: dict[str, Any] = {"name": sequence.name, "top_k": top_k, "known": known, "timed": timed}
    options["memory_limit"] = memory_limit
    options["shorter_side"] = sequence.shorter_side if shorter_side is None else shorter_side
    running = {place: Session(model, policy, **options) for place, policy in enumerate(policies)}
    side, room = next((session.shorter_side, session._room) for session in running.values())
    for session in running.values():
        session._room = room
    driver = Driver(device, room, len(running))
    first_masks = {first.frame_index: first for first in sequence.first_masks}
    for index, rgb in enumerate(read_ahead(sequence.frames)):
        first, frame = first_masks.get(index), Frame(model, rgb, side)
        masks = None if first is None else ObjectMasks(loaded(first), first.object_ids)
        new = 0 if first is None else len(first.object_ids)
        out = _crowded_out(room, running, frame.geometry, new, driver.at_once)
        running = {place: session for place, session in running.items() if place not in out}
        results = driver.finish([session._steps(frame, masks) for session in running.values()])
        found = dict(zip(running, results, strict=True)) | _errors(running, Session._look)
        running = {place: session for place, session in running.items() if not isinstance(found[place], Exception)}
        yield found | out
        del results, found  # the next frame needs room
        if not running:
            return
    if late := _errors(running, Session.verify):
        yield late


def _crowded_out(
    room: Room, running: Mapping[int, Session], geometry: Geometry, new: int, at_once: int
) -> dict[int, MemoryError]:
    """An error for each of the largest strategies without which the room suffices the others for the next frame, in
    which `new` objects appear and each may be written. What passes is there of `at_once` strategies.
    """
    if room.limit is None:
        return {}
    needs = {place: session._needs(geometry, new) for place, session in running.items()}
    takes = {place: needs[place].planes + needs[place].tokens + running[place]._allocated for place in running}
    out: dict[int, MemoryError] = {}
    while len(takes) > 1:
        largest = max(takes, key=lambda place: takes[place])
        passing = needs[largest].picture + at_once * needs[largest].passing
        if room.apart + sum(takes.values()) + passing <= room.limit:
            break
        out[largest] = MemoryError(f"it takes {as_size(takes.pop(largest))} beside other strategies")
    room.taken = {id(running[place]): size for place, size in takes.items()}
    return out


def _errors(running: Mapping[int, Session], act: Callable[[Session], None]) -> dict[int, Prediction | Exception]:
    """What went wrong with sessions; the last is asked first, since a GPU that has come so far has done all before."""
    errors: dict[int, Prediction | Exception] = {}
    for place in reversed([*running]):
        try:
            act(running[place])
        except OF_ONE as error:
            errors[place] = error
    return errors
