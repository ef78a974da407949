"""The frame loop over a trace: many strategies at once, in the order of `propagate`, none of which sees a mask."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from vosbench.errors import PolicyError, VosbenchError
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.frame import Segmentation
from vosbench.memory.match import Match
from vosbench.memory.policy import LookAhead, MemoryPolicy, VideoInfo
from vosbench.memory.session import VideoMemory
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
        lanes = [lane for lane in lanes if lane.attempt(faults, lane.start, future)]
    shared = SharedRead(tokens, top_k, network.scores)
    appearing = dict(trace.appearing)
    sharing = 0  # how many banks the last union was formed of
    for frame in range(trace.first, len(trace.tokens)):
        if frame > trace.first:
            with torch.inference_mode():
                found = shared.read(frame, trace.query(frame))
                both = zip(lanes, found, strict=True)
                lanes = [lane for lane, read in both if lane.attempt(faults, lane.take, frame, read)]
        banks, matches = tuple(lane.shared for lane in lanes), tuple(lane.match for lane in lanes if lane.match)
        yield Moment(frame, banks, matches, tuple(lane.written for lane in lanes))
        with torch.inference_mode():
            new, last = appearing.get(frame, 0), frame == len(trace.tokens) - 1
            lanes = [lane for lane in lanes if lane.attempt(faults, lane.remember, frame, new, last)]
            if not lanes:
                return
            if any(lane.written for lane in lanes) or len(lanes) < sharing:
                shared.refresh([lane.shared for lane in lanes], lanes[0].shared.bank.first_frames)
                sharing = len(lanes)
    for lane in lanes:
        lane.attempt(faults, lane.memory.verify)


class _Lane:
    """One strategy and its bank, and what became of it in the latest frame."""

    def __init__(self, name: str, policy: MemoryPolicy, trace: Trace, tokens: Keys, network: Network) -> None:
        self.trace = trace
        spec = replace(network.spec, value_dim=1)
        bank = MemoryBank(spec, network.scores, trace.geometry.tokens, tokens.key.device)
        self.memory = VideoMemory(policy, bank, f"{trace.name}, ")
        self.shared = SharedBank(name, bank, tokens)
        self.match: Match | None = None
        self.written = False

    def attempt(self, faults: dict[str, VosbenchError] | None, act: Callable[..., None], *arguments: object) -> bool:
        """Whether `act` goes well. If not, the strategy is to blame: the error goes to `faults`, or is raised."""
        try:
            act(*arguments)
        except PolicyError as error:
            if faults is None:
                raise
            faults[self.shared.name] = error
            return False
        return True

    def start(self, future: LookAhead) -> None:
        """The new video. True masks are for values, which there are none of, so they are known to nobody."""
        info = VideoInfo(self.trace.name, len(self.trace.tokens), self.trace.geometry.tokens)
        self.memory.start(replace(info, future=future) if self.memory.policy.needs_future else info)

    def take(self, frame: int, found: Match | VosbenchError) -> None:
        """The memory read of a frame."""
        if isinstance(found, VosbenchError):
            with self.memory.asking(f"frame {frame}"):
                raise found
        self.match = self.memory.observe(found, Segmentation())

    def remember(self, frame: int, new: int, last: bool) -> None:
        """Write a frame, in which `new` objects appear, if the strategy wants it."""
        if new:
            self.memory.add_objects(frame, new)
        tokens, written = self.trace.tokens[frame], self.memory.asks_for(frame, Segmentation(), new > 0, last)
        self.written = written is not None
        if written is not None:
            values = tuple(tokens.key.new_zeros(len(tokens), objects, 1) for objects in self.memory.groups)
            self.memory.write(FrameTokens(frame, tokens.key, values, new > 0, written, tokens.extras))
            self.shared.refresh()
