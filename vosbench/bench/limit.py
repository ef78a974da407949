"""Refuses a limit of memory that is too small for every sequence of a run, before the first frame."""

from collections.abc import Iterable

from vosbench.bench.plan import Plan, Task
from vosbench.errors import SequenceError, VosbenchError
from vosbench.inference.reader import loaded
from vosbench.inference.room import Needs, Room, enough, in_megabytes
from vosbench.memory.attention import Scratch
from vosbench.memory.spec import PolicySpec
from vosbench.video import inference_side


def require_room(plan: Plan, todo: Iterable[Task]) -> None:
    """Raise VosbenchError if in each sequence a frame and its first objects alone need more than the limit of memory,
    whatever the strategy. It looks no further than the first for which it suffices, or that has no frame to look at.
    """
    limit = plan.suite.memory_limit  # in bytes, as a suite keeps it
    if not isinstance(limit, int):
        return
    room = Room(limit, Scratch(plan.device))
    videos = {task.name: task.video for task in todo if task.video and isinstance(task.what, PolicySpec)}
    suffice = 0
    for name, video in videos.items():
        side = inference_side(plan.suite.shorter_side, video.shorter_side, plan.model.spec.shorter_side)
        try:
            height, width, _ = loaded(video.frames[0]).shape
        except SequenceError:
            return
        geometry = plan.model.geometry(height, width, side)
        first, every = (
            Needs.of(len(ids), geometry, plan.model.spec) for ids in (video.first_masks[0].object_ids, video.object_ids)
        )
        if name in plan.faults or room.suffices(first):
            return
        suffice = max(suffice, enough(every, 1))
    if suffice:
        raise VosbenchError(
            f"in every sequence a frame and its objects alone need more than a limit of {in_megabytes(limit)}",
            f"raise it to {in_megabytes(suffice)} at least: --memory-limit {in_megabytes(suffice)}",
        )
