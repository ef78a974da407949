"""The objects of a meta file, each over the frames that it says, and only every few of them (LVOS)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vosbench.errors import VosbenchError, a_few
from vosbench.metrics.frame import FrameScores
from vosbench.metrics.measure import PairScore
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.base import ScoringPlan, object_trace
from vosbench.metrics.rules.onward import Onward, places
from vosbench.metrics.statistics import ObjectTrace
from vosbench.video import GroundTruth, ObjectMasks, ObjectSpan

UNFILLED = PairScore(0.0, 0.0, 0, 0, 0)


@dataclass(frozen=True)
class Span(Onward):
    """An object's frames are start, start + step, ... below end; without the first, and without the last of `count`.

    Its scores are `count` - 2 in number: those that its frames do not fill are 0. The range may outlast the object. An
    object with a count below 3 is left out. Where the data set has no meta file, the range goes from the object's first
    sight in the true masks to the frame before its last.

    step: the distance between the numbers of scored frames, counted from the object's first.
    """

    step: int = 5

    def wanted(self, annotated: tuple[str, ...], truth: GroundTruth, protocol: Protocol) -> tuple[str, ...]:
        if not truth.spans:
            return super().wanted(annotated, truth, protocol)
        there = {_number(name, annotated): name for name in annotated}
        numbers = sorted({number for i in truth.spans for number in self._numbers(i, truth)})
        lacking = [number for number in numbers if number not in there]
        if lacking:
            told = f"sequence {truth.sequence} has no ground truth for frame {lacking[0]}, which its meta file names"
            raise VosbenchError(told, "unpack the annotations again, with the meta file of the same release")
        return tuple(there[number] for number in numbers)

    def known(self, truth: GroundTruth, unscored: Sequence[ObjectMasks], protocol: Protocol) -> tuple[int, ...]:
        return tuple(sorted(truth.spans)) if truth.spans else super().known(truth, unscored, protocol)

    def doubt(self, truth: GroundTruth) -> VosbenchError | None:
        lacking = {i: span.count - 2 - len(self._numbers(i, truth)) for i, span in truth.spans.items()}
        told = [f"{more} of object {i}" for i, more in lacking.items() if more > 0]
        if not told:
            return None
        counted = f"sequence {truth.sequence}: its meta file counts frames that the range of an object does not have"
        message = f"{counted}, and these score 0: {a_few(told)}"
        return VosbenchError(message, "the published evaluator scores it so; is the meta file that of the release?")

    def traces(self, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Iterable[ObjectTrace]:
        truth = planned.truth
        if not truth.spans:
            yield from super().traces(planned, scored)
            return
        frames = {int(frame.frame): frame for frame in scored}
        empty = planned.protocol.measure.empty
        for object_id, span in truth.spans.items():
            filled = [frames[number] for number in self._numbers(object_id, truth) if number in frames]
            rows = [frame.scores.get((object_id, object_id), empty) for frame in filled]
            unfilled = [FrameScores("", {})] * (span.count - 2 - len(rows))
            yield object_trace(planned, object_id, [*filled, *unfilled], [*rows, *(UNFILLED for _ in unfilled)])

    def frames_of(self, object_id: int, planned: ScoringPlan, scored: Sequence[FrameScores]) -> Sequence[FrameScores]:
        found = places(object_id, planned, scored)
        start = planned.first_frame if found[0] < 0 else scored[found[0]].frame
        frames = scored[found[0] + 1 : max(found[-1], 0)]
        names = [start, *(frame.frame for frame in frames)]
        return [frame for frame in frames if (_number(frame.frame, names) - _number(start, names)) % self.step == 0]

    def _numbers(self, object_id: int, truth: GroundTruth) -> Sequence[int]:
        """The numbers of the frames in which an object counts."""
        span: ObjectSpan = truth.spans[object_id]
        numbers = range(span.start, span.end, self.step)
        if len(numbers) > span.count:
            raise VosbenchError(
                f"sequence {truth.sequence}: the meta file gives object {object_id} {span.count} frames, but from "
                f"{span.start} to {span.end} there are {len(numbers)}",
                "unpack the meta file of the same release",
            )
        return numbers[1 : max(span.count - 1, 1)]


def _number(name: str, names: Sequence[str]) -> int:
    try:
        return int(name)
    except ValueError:
        hint = "the protocol scores every few frames by number; choose another protocol"
        raise VosbenchError(f"frame names {names[0]} to {names[-1]} are not all numbers", hint) from None
