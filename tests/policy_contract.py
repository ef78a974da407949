"""What every memory strategy must do, whatever it decides: checks that take a way to build the strategy.

They drive it over generated keys, in the order of the inference loop, through the real bank. A file of one's own
is put through them by `pytest tests/policies --policy path/to/idea.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.match import Match
from vosbench.memory.policy import MemoryPolicy, Step, VideoInfo

Build = Callable[[], MemoryPolicy]
VALUE_DIM = 3


@dataclass(frozen=True)
class Trace:
    """What a strategy sees of a video: keys float32 [T,P,CK], and how many objects appear in which frame."""

    keys: Tensor
    appearing: dict[int, int]

    @classmethod
    def draw(cls, frames: int = 23, positions: int = 6, seed: int = 0, appearing: dict[int, int] | None = None):
        """Keys that wander, so that near frames match and far ones do not."""
        generator = torch.Generator().manual_seed(seed)
        start = torch.randn(1, positions, 4, generator=generator)
        steps = torch.randn(frames, positions, 4, generator=generator)
        return cls(start + 0.3 * steps.cumsum(0), appearing or {0: 2})

    @property
    def info(self) -> VideoInfo:
        return VideoInfo("trace", len(self.keys), self.keys.shape[1])


@dataclass(frozen=True)
class Held:
    """The bank after one frame: its tokens as (frame, position) with their slots, in that order."""

    tokens: tuple[tuple[int, int], ...]
    slots: tuple[int, ...]
    count: int
    readouts: tuple[Tensor, ...]
    match: Match | None


def drive(policy: MemoryPolicy, trace: Trace, top_k: int = 4) -> Iterator[tuple[Held, MemoryBank]]:
    """Run the strategy over the trace as the inference loop does; yields what is held after every frame."""
    frames, positions, key_dim = trace.keys.shape
    bank = MemoryBank(key_dim, VALUE_DIM, positions, trace.keys.device)
    policy.start(trace.info, bank)
    groups: list[int] = []
    last_write = 0
    for t in range(frames):
        readouts, match = [], None
        if groups:
            readouts, match = bank.read(t, trace.keys[t], top_k)
            policy.observe(match)
        if t in trace.appearing:
            groups.append(trace.appearing[t])
            bank.add_group(t, trace.appearing[t])
        written = t in trace.appearing or (bool(groups) and t < frames - 1 and policy.admit(Step(t, last_write)))
        if written and t < frames - 1:
            values = tuple(torch.full((positions, objects, VALUE_DIM), float(t)) for objects in groups)
            policy.write(FrameTokens(t, trace.keys[t], values, t in trace.appearing))
            last_write = t
        yield _held(bank, readouts, match), bank


def _held(bank: MemoryBank, readouts: list[Tensor], match: Match | None) -> Held:
    slots = bank.occupied.nonzero().flatten().tolist()
    order = sorted((int(bank.frame[s]), int(bank.position[s]), s) for s in slots)
    return Held(tuple((f, p) for f, p, _ in order), tuple(s for *_, s in order), bank.count, tuple(readouts), match)


def held(policy: MemoryPolicy, trace: Trace, top_k: int = 4) -> list[tuple[tuple[int, int], ...]]:
    """The tokens held after every frame."""
    return [now.tokens for now, _ in drive(policy, trace, top_k)]


LATER = {0: 1, 7: 2, 12: 1}


def check_capacity_is_never_exceeded(build: Build) -> None:
    policy, trace = build(), Trace.draw(frames=60)
    for now, bank in drive(policy, trace):
        assert now.count == len(now.tokens), "the bank's count is not the number of occupied slots"
        if bank.capacity is not None:
            assert now.count <= bank.capacity, f"{now.count} tokens in a memory of {bank.capacity}"
        if hasattr(policy, "capacity"):
            assert bank.capacity is not None, "the strategy has a capacity but does not bound its bank"
            assert bank.capacity <= policy.capacity * trace.info.tokens_per_frame


def check_two_runs_decide_the_same(build: Build) -> None:
    for appearing in ({0: 2}, LATER):
        trace = Trace.draw(appearing=appearing)
        assert held(build(), trace) == held(build(), trace), "two runs over one video hold different tokens"


def check_a_video_leaves_no_trace_in_the_next(build: Build) -> None:
    trace, other = Trace.draw(), Trace.draw(31, 9, seed=1, appearing=LATER)
    fresh, used = build(), build()
    for _ in drive(used, other):
        pass
    assert held(used, trace) == held(fresh, trace), "the strategy remembers the video before"
    for index, _ in enumerate(drive(used, other)):
        if index == 9:
            break
    assert held(used, trace) == held(fresh, trace), "the strategy remembers a video that was stopped"


def check_inputs_are_left_alone(build: Build) -> None:
    policy = build()
    observe, write = policy.observe, policy.write

    def guarded(act: Callable, tensors: list[Tensor], argument: object) -> None:
        before = [tensor.clone() for tensor in tensors]
        act(argument)
        assert all(map(torch.equal, before, tensors)), f"{act.__name__} changes what it is given"

    policy.observe = lambda match: guarded(  # type: ignore[method-assign]
        observe, [t for g in match for t in (g.indices, g.weights, g.matched) if t is not None], match
    )
    policy.write = lambda tokens: guarded(write, [tokens.key, *tokens.values], tokens)  # type: ignore[method-assign]
    for _ in drive(policy, Trace.draw(appearing=LATER)):
        pass


def check_objects_may_appear_later(build: Build) -> None:
    for appearing in (LATER, {4: 2}, {3: 1, 4: 1, 21: 1, 22: 1}):
        trace = Trace.draw(appearing=appearing)
        for t, (now, _) in enumerate(drive(build(), trace)):
            expected = [objects for first, objects in appearing.items() if first < t]
            assert [readout.shape[1] for readout in now.readouts] == expected
            assert all(readout.isfinite().all() for readout in now.readouts), f"an object reads nothing in frame {t}"
            if t in appearing and t < len(trace.keys) - 1:
                assert {f for f, _ in now.tokens} >= {t}, f"the annotated frame {t} is not held"


def check_fewer_tokens_than_k(build: Build) -> None:
    for now, _ in drive(build(), Trace.draw(appearing=LATER), top_k=10_000):
        assert all(readout.isfinite().all() for readout in now.readouts)
        if now.match is not None:
            positions = 6
            valid = [int(group.matched[0].sum()) if group.matched is not None else group.indices.shape[1]
                     for group in now.match]  # fmt: skip
            assert int(now.match.hits().sum()) == positions * sum(valid)


def check_short_videos(build: Build) -> None:
    assert held(build(), Trace.draw(frames=1)) == [()], "the last frame must not be written"
    first = tuple((0, position) for position in range(6))
    assert held(build(), Trace.draw(frames=2)) == [first, first]


CHECKS: tuple[Callable[[Build], None], ...] = (
    check_capacity_is_never_exceeded,
    check_two_runs_decide_the_same,
    check_a_video_leaves_no_trace_in_the_next,
    check_inputs_are_left_alone,
    check_objects_may_appear_later,
    check_fewer_tokens_than_k,
    check_short_videos,
)
