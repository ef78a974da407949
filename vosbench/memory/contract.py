"""What every memory strategy must do, whatever it decides: checks that take a way to build the strategy.

`vosbench check policy ./idea.py` puts a file of one's own through them; the tests put every strategy that ships.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from vosbench.errors import PolicyError
from vosbench.memory.bank import FrameTokens
from vosbench.memory.blame import location
from vosbench.memory.match import Match
from vosbench.memory.policy import MemoryPolicy
from vosbench.memory.trial import Held, TrialVideo, drive, held
from vosbench.models.tensors import tensors

Build = Callable[[], MemoryPolicy]
LATER = {0: 1, 7: 2, 12: 1}
FRAMES = 23  # of a trial


@dataclass(frozen=True)
class Runs:
    """Builds a strategy; and what a new one holds in a trial video, found out once for all checks."""

    build: Build
    _known: dict[tuple[tuple[int, int], ...], tuple[list[Held], PolicyError | None]] = field(default_factory=dict)

    def __call__(self) -> MemoryPolicy:
        return self.build()

    def fresh(self, appearing: Mapping[int, int]) -> Iterator[Held]:
        """What is held after every frame of the trial in which so many objects appear. Raises as `drive`."""
        key = tuple(appearing.items())
        if key not in self._known:
            moments: list[Held] = []
            fault = None
            try:
                moments.extend(
                    now for now, _ in drive(self.build(), TrialVideo.draw(FRAMES, appearing=dict(appearing)))
                )
            except PolicyError as error:
                fault = error
            self._known[key] = moments, fault
        moments, fault = self._known[key]
        yield from moments
        if fault is not None:
            raise fault


def check_contract(build: Build) -> list[PolicyError]:
    """Everything in which a strategy breaks the contract, each fault once; the messages name file, line and frame."""
    found: dict[tuple[str, str], PolicyError] = {}
    runs = Runs(build)
    for check in CHECKS:
        try:
            check(runs)
        except PolicyError as error:
            place, _, fault = error.message.partition(": ")
            found.setdefault((place, re.sub(r"\d+", "", fault)), error)  # in another trace it has other numbers
    return list(found.values())


def capacity_is_never_exceeded(build: Runs) -> None:
    policy, trace = build(), TrialVideo.draw(frames=31)
    for now, bank in drive(policy, trace):
        _demand(bank.count == len(now.tokens), policy, now.frame, "the bank's count is not that of its occupied slots")
        if bank.capacity is not None:
            _demand(bank.count <= bank.capacity, policy, now.frame, f"{bank.count} tokens in room for {bank.capacity}")
        if hasattr(policy, "capacity"):
            room = policy.capacity * trace.keys.shape[1]
            bounded = bank.capacity is not None and bank.capacity <= room
            _demand(bounded, policy, now.frame, "the strategy has a capacity but does not bound its bank to it")


def pinned_tokens_stay(build: Runs) -> None:
    policy = build()
    pinned: frozenset[tuple[int, int]] = frozenset()
    for now in build.fresh(LATER):
        _demand(pinned <= now.pinned, policy, now.frame, f"pinned tokens are gone: {sorted(pinned - now.pinned)[:5]}")
        pinned = now.pinned


def two_runs_decide_the_same(build: Runs) -> None:
    for appearing in ({0: 2}, LATER):
        again = held(build(), TrialVideo.draw(appearing=appearing))
        _same(build(), again, build.fresh(appearing), "two runs over one video hold different tokens")


def a_video_leaves_no_trace_in_the_next(build: Runs) -> None:
    trace, other = TrialVideo.draw(), replace(TrialVideo.draw(31, 9, seed=1, appearing=LATER), name="other")
    used = build()
    for _ in drive(used, other):
        pass
    _same(used, held(used, trace), build.fresh(trace.appearing), "the strategy remembers the video before")
    for now, _ in drive(used, other):
        if now.frame == 9:
            break
    _same(used, held(used, trace), build.fresh(trace.appearing), "the strategy remembers a video that was stopped")


def inputs_are_left_alone(build: Runs) -> None:
    policy = build()

    def guarded(act: Callable[[Any], None]) -> Callable[[Any], None]:
        def call(argument: Match | FrameTokens) -> None:
            given = list(tensors(argument))
            before = [tensor.clone() for tensor in given]
            act(argument)
            same = all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(before, given, strict=True))
            _demand(same, policy, argument.frame, f"{act.__name__} changes what it is given")

        return call

    vars(policy).update(observe=guarded(policy.observe), write=guarded(policy.write))
    for _ in drive(policy, TrialVideo.draw(appearing=LATER)):
        pass


def objects_may_appear_later(build: Runs) -> None:
    for appearing in (LATER, {4: 2}, {3: 1, 4: 1, 21: 1, 22: 1}):
        policy = build()
        for now in build.fresh(appearing):
            _reads_are_finite(policy, now)
            if now.frame in appearing and now.frame < FRAMES - 1:
                frames = {frame for frame, _ in now.tokens}
                _demand(now.frame in frames, policy, now.frame, f"the annotated frame {now.frame} is not held")


def objects_are_alike(build: Runs) -> None:
    """Which of two objects comes first must not matter."""
    trace = TrialVideo.draw(appearing={0: 3})
    swapped = replace(trace, soft=trace.soft.flip(1))
    _same(
        build(),
        held(build(), trace),
        (now for now, _ in drive(build(), swapped)),
        "another order of the objects changes what is held",
    )


def an_object_may_vanish(build: Runs) -> None:
    trace = TrialVideo.draw()
    soft = trace.soft.clone()
    soft[4:18, 0] = 0
    soft[10:14] = 0
    policy = build()
    for now, _ in drive(policy, replace(trace, soft=soft)):
        _reads_are_finite(policy, now)


def fewer_tokens_than_k(build: Runs) -> None:
    policy, trace = build(), TrialVideo.draw(appearing=LATER)
    for now, _ in drive(policy, trace, top_k=10_000):
        _reads_are_finite(policy, now)


def values_may_be_half(build: Runs) -> None:
    trace = TrialVideo.draw(appearing=LATER)
    whole, policy = [now.tokens for now in build.fresh(LATER)], build()
    for now, _ in drive(policy, trace, dtype=torch.float16):
        _reads_are_finite(policy, now)
        same = now.tokens == whole[now.frame]
        _demand(same, policy, now.frame, "values of half precision change what is held")


def tokens_may_have_extras(build: Runs) -> None:
    """Beside keys and values, as those of XMem have."""
    policy, trace = build(), TrialVideo.draw(appearing=LATER).with_extras()
    for now, bank in drive(policy, trace):
        _reads_are_finite(policy, now)
        kept = all(bool(extra.isfinite().all()) for extra in bank.extras.values())
        _demand(kept, policy, now.frame, "what tokens have beside their keys is no number")


def videos_may_be_short(build: Runs) -> None:
    for frames in (1, 2):
        policy = build()
        for now, _ in drive(policy, TrialVideo.draw(frames=frames)):
            expected = () if frames == 1 else tuple((0, position) for position in range(6))
            _demand(now.tokens == expected, policy, now.frame, f"a video of {frames} frames holds {now.tokens}")


def a_gpu_decides_the_same(build: Runs) -> None:
    """Where there is one."""
    if torch.cuda.is_available():
        trace = TrialVideo.draw(appearing=LATER).to("cuda")
        _same(build(), held(build(), trace), build.fresh(LATER), "the CPU and the GPU hold different tokens")


CHECKS: tuple[Callable[[Runs], None], ...] = (
    capacity_is_never_exceeded,
    pinned_tokens_stay,
    two_runs_decide_the_same,
    a_video_leaves_no_trace_in_the_next,
    inputs_are_left_alone,
    objects_may_appear_later,
    objects_are_alike,
    an_object_may_vanish,
    fewer_tokens_than_k,
    values_may_be_half,
    tokens_may_have_extras,
    videos_may_be_short,
    a_gpu_decides_the_same,
)


def _demand(holds: bool, policy: MemoryPolicy, frame: int, message: str) -> None:
    if not holds:
        raise PolicyError(f"{location(policy)}: frame {frame}: {message}", "see the contract in MemoryPolicy")


def _same(policy: MemoryPolicy, tokens: Sequence[tuple[Any, ...]], other: Iterable[Held], message: str) -> None:
    """Whether the tokens after every frame are those of another run."""
    for mine, now in zip(tokens, other, strict=True):
        _demand(mine == now.tokens, policy, now.frame, message)


def _reads_are_finite(policy: MemoryPolicy, now: Held) -> None:
    finite = all(bool(readout.isfinite().all()) for readout in now.readouts)
    _demand(finite, policy, now.frame, "an object reads nothing, or what is no number")
