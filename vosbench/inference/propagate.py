"""From the first masks of a video's objects to a mask for every frame, under one strategy."""

from collections.abc import Iterator
from functools import partial

from vosbench.base.values import Count, Side, checked
from vosbench.inference.reader import loaded, read_ahead
from vosbench.inference.references import look_ahead, true_masks
from vosbench.inference.session import Foreknowledge, Prediction, Session
from vosbench.memory.policy import MemoryPolicy
from vosbench.models.base import Network
from vosbench.video import GroundTruth, ObjectMasks, Sequence


@checked("vosbench.propagate(model, sequence, policy), of load_model, open_dataset(…).sequence(NAME), load_policy")
def propagate(
    model: Network,
    sequence: Sequence,
    policy: MemoryPolicy,
    *,
    top_k: Count | None = None,
    shorter_side: Side | None = None,
    truth: GroundTruth | None = None,
) -> Iterator[Prediction]:
    """Segment a video frame by frame; nothing holds the whole of it.

    `top_k` memory tokens count for a query pixel (None: as many as the network is used with); `shorter_side` overrides
    the inference size of the sequence, in pixels (0: that of the frames). `truth` is for a reference that says that it
    needs it; nothing else sees it.
    Raises SequenceError for frames or masks that cannot be read or differ in size, VosbenchError for a model in
    training mode, and PolicyError, which names file, line and frame, for whatever a strategy raises or does wrong.
    """
    device = next(model.parameters()).device
    session = Session(
        model,
        policy,
        name=sequence.name,
        top_k=top_k,
        shorter_side=sequence.shorter_side if shorter_side is None else shorter_side,
        known=Foreknowledge(
            tuple(frame.name for frame in sequence.frames),
            sequence.object_ids,
            partial(true_masks, sequence, truth, device),
            partial(look_ahead, model, sequence, top_k or model.spec.top_k, device),
        ),
    )
    first_masks = {first.frame_index: first for first in sequence.first_masks}
    for index, rgb in enumerate(read_ahead(sequence.frames)):
        first = first_masks.get(index)
        yield session.step(rgb, None if first is None else ObjectMasks(loaded(first), first.object_ids))
    session.verify()
