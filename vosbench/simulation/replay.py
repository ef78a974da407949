"""The frame loop over a trace: many strategies at once, in the order of `propagate`, none of which sees a mask."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from vosbench.errors import PolicyError, VosbenchError
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.blame import blamed
from vosbench.memory.match import Match
from vosbench.memory.policy import LookAhead, MemoryPolicy, Step
from vosbench.models.base import Keys, Network
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
    network: Network,
    top_k: int | None = None,
    faults: dict[str, VosbenchError] | None = None,
) -> Iterator[Moment]:
    """Drive the strategies, which `policies` names, from the first annotated frame to the last, over keys of `network`.

    Each has a bank of its own, whose values are one zero for each object; the banks share one affinity a frame. A
    strategy that breaks its contract is put into `faults` with its error, and is in no later moment; without `faults`
    its error is raised. So fares one that looks at a prediction, of which there is none.
    """
    top_k = network.spec.top_k if top_k is None else top_k
    tokens = trace.tokens.map(lambda tensor: tensor.flatten(0, 1))
    lanes = [_Lane(name, policy, trace, tokens, network) for name, policy in policies.items()]
    annotated = tuple(first for first, _ in trace.appearing)
    future = LookAhead(trace.tokens, trace.queries, annotated, top_k, network.scores)
    with torch.inference_mode():
        lanes = [lane for lane in lanes if lane.attempt(faults, "before the first frame", lane.start, future)]
    shared = SharedRead(tokens, top_k, network.scores)
    appearing = dict(trace.appearing)
    first_frames: list[int] = []
    sharing = 0  # how many banks the last union was formed of
    for frame in range(trace.first, len(trace.tokens)):
        if first_frames:
            with torch.inference_mode():
                found = shared.read(frame, trace.query(frame))
                when = f"frame {frame}"
                both = zip(lanes, found, strict=True)
                lanes = [lane for lane, read in both if lane.attempt(faults, when, lane.take, read)]
        yield Moment(
            frame,
            tuple(lane.shared for lane in lanes),
            tuple(lane.match for lane in lanes if lane.match),
            tuple(lane.written for lane in lanes),
        )
        if frame == len(trace.tokens) - 1:
            break  # which is never written
        if frame in appearing:
            first_frames.append(frame)
        with torch.inference_mode():
            groups = {first: appearing[first] for first in first_frames}
            lanes = [lane for lane in lanes if lane.attempt(faults, f"frame {frame}", lane.remember, frame, groups)]
            if not lanes:
                return
            if any(lane.written for lane in lanes) or len(lanes) < sharing:
                shared.refresh([lane.shared for lane in lanes], first_frames)
                sharing = len(lanes)
    for lane in lanes:
        lane.attempt(faults, "by the last frame", lane.shared.bank.verify)


class _Lane:
    """One strategy and its bank, and what became of it in the latest frame."""

    def __init__(self, name: str, policy: MemoryPolicy, trace: Trace, tokens: Keys, network: Network) -> None:
        self.policy, self.trace = policy, trace
        spec = replace(network.spec, value_dim=1)
        bank = MemoryBank(spec, network.scores, trace.geometry.tokens, tokens.key.device)
        self.shared = SharedBank(name, bank, tokens)
        self.match: Match | None = None
        self.written = False
        self._last_write = 0

    def attempt(
        self, faults: dict[str, VosbenchError] | None, when: str, act: Callable[..., None], *arguments: object
    ) -> bool:
        """Whether `act` goes well. If not, the strategy is to blame: the error goes to `faults`, or is raised."""
        try:
            with blamed(self.policy, f"{self.trace.name}, {when}"):
                act(*arguments)
        except PolicyError as error:
            if faults is None:
                raise
            faults[self.shared.name] = error
            return False
        return True

    def start(self, future: LookAhead) -> None:
        """The new video. True masks are for values, which there are none of, so they are known to nobody."""
        info = self.trace.info
        self.policy.start(replace(info, future=future) if self.policy.needs_future else info, self.shared.bank)

    def take(self, found: Match | VosbenchError) -> None:
        """The memory read of a frame."""
        if isinstance(found, VosbenchError):
            raise found
        self.match = found
        self.policy.observe(found)

    def remember(self, frame: int, groups: Mapping[int, int]) -> None:
        """Write a frame if it is annotated or admitted; `groups` are the objects by their first frame."""
        tokens, annotated = self.trace.tokens[frame], frame in groups
        if annotated:
            self.shared.bank.add_group(frame, groups[frame])
        self.written = annotated or self.policy.admit(Step(frame, self._last_write))
        if self.written:
            values = tuple(tokens.key.new_zeros(len(tokens), objects, 1) for objects in groups.values())
            self.policy.write(FrameTokens(frame, tokens.key, values, annotated, extras=tokens.extras))
            self._last_write = frame
            self.shared.refresh()
