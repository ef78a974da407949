"""The ids of the true masks, each between its first and its last, and only every few frames (LVOS)."""

from collections.abc import Sequence
from dataclasses import dataclass

from vosbench.errors import VosbenchError
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.rules.base import ScoringPlan
from vosbench.metrics.rules.onward import Onward, places


@dataclass(frozen=True)
class Span(Onward):
    """From the frame after an object's first to that before its last.

    step: only the frames whose numbers are so far apart, counted from the object's first, count.
    """

    step: int = 5

    def frames_of(self, object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[FrameScores]:
        found = places(object_id, planned, scored)
        start = planned.first_frame if found[0] < 0 else scored[found[0]].frame
        frames = scored[found[0] + 1 : max(found[-1], 0)]
        try:
            return [frame for frame in frames if (int(frame.frame) - int(start)) % self.step == 0]
        except ValueError:
            raise VosbenchError(
                f"frame names {start} to {frames[-1].frame} are not all numbers",
                f"the protocol scores every {self.step}th frame by number; choose another protocol",
            ) from None
