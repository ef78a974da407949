"""The frame loop over a trace: many strategies at once, in the order of `propagate`, none of which sees a mask."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.memory.attention import Metric
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.match import Match
from vosbench.memory.policy import MemoryPolicy, Step
from vosbench.simulation.shared import SharedBank, SharedRead
from vosbench.simulation.trace import Trace


@dataclass(frozen=True)
class Moment:
    """Frame `frame` after it was read and before it is written: the banks are as they were read.

    `matches` are those of `banks`; there are none in the first annotated frame. `written` says into which of the
    banks the frame before went.
    """

    frame: int
    banks: tuple[SharedBank, ...]
    matches: tuple[Match, ...]
    written: tuple[bool, ...]


def replay(
    trace: Trace,
    policies: Mapping[str, MemoryPolicy],
    *,
    top_k: int = 20,
    metric: Metric = "l2",
    faults: dict[str, VosbenchError] | None = None,
) -> Iterator[Moment]:
    """Drive the strategies, which `policies` names, from the first annotated frame to the last.

    Each has a bank of its own, without values (their width is 0); the banks share one affinity a frame. A strategy
    that breaks its contract is put into `faults` with its error, and is in no later moment; without `faults` its
    error is raised. So is refused what looks at a prediction, of which there is none.
    """
    keys = trace.keys.flatten(0, 1)
    lanes = [_Lane(name, policy, trace, keys) for name, policy in policies.items()]
    shared = SharedRead(keys, top_k, metric)
    appearing = dict(trace.appearing)
    first_frames: list[int] = []
    sharing = 0  # how many banks the last union was formed of
    for frame in range(trace.first, len(trace.keys)):
        if first_frames:
            with torch.inference_mode():
                found = shared.read(frame, trace.query(frame))
                lanes = [lane for lane, read in zip(lanes, found, strict=True) if lane.attempt(faults, lane.take, read)]
        yield Moment(
            frame,
            tuple(lane.shared for lane in lanes),
            tuple(lane.match for lane in lanes if lane.match),
            tuple(lane.written for lane in lanes),
        )
        if frame == len(trace.keys) - 1:
            break  # which is never written
        if frame in appearing:
            first_frames.append(frame)
        with torch.inference_mode():
            groups = {first: appearing[first] for first in first_frames}
            lanes = [lane for lane in lanes if lane.attempt(faults, lane.remember, frame, trace.keys[frame], groups)]
            if not lanes:
                return
            if any(lane.written for lane in lanes) or len(lanes) < sharing:
                shared.refresh([lane.shared for lane in lanes], first_frames)
                sharing = len(lanes)
    for lane in lanes:
        lane.attempt(faults, lane.shared.bank.verify)


class _Lane:
    """One strategy and its bank, and what became of it in the latest frame."""

    def __init__(self, name: str, policy: MemoryPolicy, trace: Trace, keys: Tensor) -> None:
        self.policy = policy
        bank = MemoryBank(trace.keys.shape[2], 0, trace.geometry.tokens, keys.device)
        self.shared = SharedBank(name, bank, keys)
        self.match: Match | None = None
        self.written = False
        self._last_write = 0
        policy.start(trace.info, bank)

    def attempt(self, faults: dict[str, VosbenchError] | None, act: Callable[..., None], *arguments: object) -> bool:
        """Whether `act` goes well. If not, the error, which names the strategy, goes to `faults`, or is raised."""
        try:
            act(*arguments)
        except VosbenchError as error:
            fault = type(error)(f"{self.shared.name}: {error.message}", error.hint)
            if faults is None:
                raise fault from error
            faults[self.shared.name] = fault
            return False
        return True

    def take(self, found: Match | VosbenchError) -> None:
        """The memory read of a frame."""
        if isinstance(found, VosbenchError):
            raise found
        self.match = found
        self.policy.observe(found)

    def remember(self, frame: int, key: Tensor, groups: Mapping[int, int]) -> None:
        """Write a frame if it is annotated or admitted; `groups` are the objects by their first frame."""
        annotated = frame in groups
        if annotated:
            self.shared.bank.add_group(frame, groups[frame])
        step = Step(frame, self._last_write)
        self.written = annotated or self.policy.admit(step)
        if self.written:
            values = tuple(key.new_empty(len(key), objects, 0) for objects in groups.values())
            self.policy.write(FrameTokens(frame, key, values, annotated))
            self._last_write = frame
            self.shared.refresh()
