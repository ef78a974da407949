"""What a replay tells of each strategy: attention kept, age of what is used, tokens held, tokens thrown out."""

from collections.abc import Callable, Mapping

import torch

from vosbench.errors import VosbenchError
from vosbench.memory.policy import MemoryPolicy
from vosbench.models.base import Network
from vosbench.simulation.outcome import Outcome
from vosbench.simulation.replay import replay
from vosbench.simulation.trace import Trace

REFERENCE = "the reference memory"


def measure(
    trace: Trace,
    policies: Mapping[str, MemoryPolicy],
    reference: MemoryPolicy,
    network: Network,
    *,
    top_k: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Outcome | VosbenchError]:
    """What becomes of each strategy, by its name, over a trace; the error of one that breaks its contract.

    `reference` is the memory against which attention is measured, mostly every-k; `network` made the keys.
    `progress` is told frames done and frames in all. Raises VosbenchError if the reference itself breaks the contract.
    """
    tallies = {name: _Tally() for name in [*policies, REFERENCE]}
    faults: dict[str, VosbenchError] = {}
    frames = len(trace.tokens)
    weight = torch.zeros(frames * trace.geometry.tokens, dtype=torch.float64, device=trace.tokens.key.device)
    for moment in replay(trace, {**policies, REFERENCE: reference}, network, top_k, faults):
        if REFERENCE in faults:
            raise faults[REFERENCE]
        if moment.matches:
            bank = moment.banks[-1]
            weight.zero_()
            weight[bank.tokens[bank.bank.occupied]] = moment.matches[-1].mass()[bank.bank.occupied].double()
        for place, bank in enumerate(moment.banks):
            tally = tallies[bank.name]
            tally.look(bank.held, bank.bank.count, moment.written[place])
            if moment.matches:
                hits = moment.matches[place].hits().double()
                age = moment.frame - bank.bank.frame
                tally.hit_age.append(float((hits * age).sum() / hits.sum()))
                tally.retained.append(float(weight[bank.tokens[bank.bank.occupied]].sum() / weight.sum()))
        if progress is not None:
            progress(moment.frame + 1, frames)
    if REFERENCE in faults:
        raise faults[REFERENCE]
    return {name: faults.get(name) or tallies[name].outcome(name, trace) for name in policies}


class _Tally:
    """What is noted of one strategy from moment to moment."""

    def __init__(self) -> None:
        self.retained: list[float] = []
        self.hit_age: list[float] = []
        self.tokens: list[int] = []  # when each frame was read
        self.evicted: list[int] = []
        self._held: torch.Tensor | None = None

    def look(self, held: torch.Tensor, count: int, written: bool) -> None:
        if written and self._held is not None and self.tokens[-1]:
            self.evicted.append(int((self._held & ~held).sum()))
        self._held = held
        self.tokens.append(count)

    def outcome(self, name: str, trace: Trace) -> Outcome:
        after = [0] * trace.first + self.tokens[1:] + self.tokens[-1:]
        of_reads = tuple(self.retained), tuple(self.hit_age)
        return Outcome(name, trace.name, trace.geometry.tokens, *of_reads, tuple(after), tuple(self.evicted))
