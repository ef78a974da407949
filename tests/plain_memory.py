"""The memory of a matching network in plain Python: lists, loops and 64-bit numbers, and nothing of vosbench.

`simulate` says which tokens every strategy must hold after every frame, from the keys alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

Key = list[float]


@dataclass
class Token:
    """One position of one frame, and what the reads made of it since it was written."""

    frame: int
    position: int
    key: Key
    hits: int = 0
    mass: float = 0.0
    used: int = -1  # frame of the last hit
    last_hits: int = 0  # in that frame

    @property
    def name(self) -> tuple[int, int]:
        return self.frame, self.position


@dataclass
class State:
    """What a rule may look at."""

    annotated: tuple[int, ...]  # frames in which objects first appear
    tokens_per_frame: int
    memory: list[Token] = field(default_factory=list)
    last_write: int = 0

    @property
    def first(self) -> int:
        return self.annotated[0]


@dataclass
class Rule:
    """A strategy: whether frame t is written, and which tokens leave when it is."""

    writes: Callable[[State, int], bool]
    leavers: Callable[[State, int], list[Token]]


def affinity(m: Key, q: Key, metric: str = "l2") -> float:
    """Similarity of a memory key and a query key; l2 with the term that the softmax cancels."""
    dot = sum(a * b for a, b in zip(m, q, strict=True))
    norm = [math.sqrt(sum(a * a for a in v)) for v in (m, q)]
    root = math.sqrt(len(m))
    if metric == "l2":
        return -sum((a - b) ** 2 for a, b in zip(m, q, strict=True)) / root
    return dot / root if metric == "dot" else dot / norm[0] / norm[1] * root


def read(memory: list[Token], query: Key, k: int, metric: str = "l2") -> list[tuple[Token, float]]:
    """The k best tokens of a query pixel and their softmax weights."""
    scored = sorted(((affinity(t.key, query, metric), t) for t in memory), key=lambda pair: -pair[0])[:k]
    powers = [math.exp(score - scored[0][0]) for score, _ in scored]
    return [(token, power / sum(powers)) for (_, token), power in zip(scored, powers, strict=True)]


def simulate(rule: Rule, keys: list[list[Key]], annotated: tuple[int, ...], k: int) -> list[list[Token]]:
    """The tokens held after each frame, in order of frame and position, with copies of their counters.

    keys[t][p] is the key of position p in frame t. Objects of each annotated frame read once, and see no token
    from before that frame. The last frame is never written.
    """
    state, held = State(annotated, len(keys[0])), []
    for t, frame in enumerate(keys):
        for first in [f for f in annotated if f < t]:
            valid = [token for token in state.memory if token.frame >= first]
            for query in frame:
                for token, weight in read(valid, query, k):
                    token.hits += 1
                    token.last_hits = 1 + (token.last_hits if token.used == t else 0)
                    token.used = t
                    token.mass += weight
        written = t in annotated or (t > annotated[0] and rule.writes(state, t))
        if written and t < len(keys) - 1:
            gone = {token.name for token in rule.leavers(state, t)}
            state.memory = [token for token in state.memory if token.name not in gone]
            state.memory += [Token(t, position, key) for position, key in enumerate(frame)]
            state.last_write = t
        held.append([Token(**vars(token)) for token in sorted(state.memory, key=lambda token: token.name)])
    return held


def every(distance: int) -> Callable[[State, int], bool]:
    """The usual schedule: t - last write >= distance."""
    return lambda state, t: t - state.last_write >= distance


def bounded(frames: float, score: Callable[[Token, int], float], *, pin_first: bool) -> Callable[[State, int], list]:
    """As many tokens of lowest score leave as the incoming frame needs; ties: older frame, then lower position."""

    def leavers(state: State, t: int) -> list[Token]:
        room = int(frames * state.tokens_per_frame)
        excess = max(0, len(state.memory) + state.tokens_per_frame - room)
        movable = [token for token in state.memory if not (pin_first and token.frame == state.first)]
        return sorted(movable, key=lambda token: (score(token, t), token.frame, token.position))[:excess]

    return leavers


def hits_per_frame(token: Token, t: int) -> float:
    return token.hits / (t - token.frame)


def mass_per_frame(token: Token, t: int) -> float:
    return token.mass / (t - token.frame)


def _nothing(state: State, t: int) -> list[Token]:  # noqa: ARG001
    return []


def _not_annotated(state: State, t: int) -> list[Token]:  # noqa: ARG001
    return [token for token in state.memory if token.frame not in state.annotated]


def _queue(length: int) -> Callable[[State, int], list[Token]]:
    """The oldest frame without annotation leaves when there are `length` of them; an annotated frame takes no place."""

    def leavers(state: State, t: int) -> list[Token]:
        others = [token for token in state.memory if token.frame not in state.annotated]
        frames = sorted({token.frame for token in others})
        full = t not in state.annotated and len(frames) == length
        return [token for token in others if token.frame == frames[0]] if full else []

    return leavers


def _temporary(state: State, t: int) -> list[Token]:  # noqa: ARG001
    """every-k:last - the frames that do not stay: those fewer than five after the one that stayed before."""
    stays = state.first
    for frame in sorted({token.frame for token in state.memory}):
        if frame in state.annotated or frame - stays >= 5:
            stays = frame
    return [token for token in state.memory if token.frame > stays]


# What each spec must do. A strategy without an entry here fails its test.
RULES: dict[str, Rule] = {
    "first-only": Rule(lambda state, t: False, _nothing),  # noqa: ARG005
    "latest-only": Rule(every(1), lambda state, t: list(state.memory)),  # noqa: ARG005
    "first-and-latest": Rule(every(1), _not_annotated),
    "every-k": Rule(every(5), _nothing),
    "every-k:k=3": Rule(every(3), _nothing),
    "every-k:last=true": Rule(every(1), _temporary),
    "fifo:capacity=3": Rule(every(5), bounded(3, lambda token, t: token.frame, pin_first=True)),  # noqa: ARG005
    "fifo:capacity=3,pin_first=false,every=2": Rule(
        every(2),
        bounded(3, lambda token, t: token.frame, pin_first=False),  # noqa: ARG005
    ),
    "lfu": Rule(every(5), bounded(2, hits_per_frame, pin_first=False)),
    "lfu:capacity=2.5,every=2": Rule(every(2), bounded(2.5, hits_per_frame, pin_first=False)),
    "lfu:capacity=3,every=2,pin_first=true": Rule(every(2), bounded(3, hits_per_frame, pin_first=True)),
    "lfu:capacity=3,every=2,min_age=4": Rule(
        every(2),
        bounded(3, lambda token, t: hits_per_frame(token, t) if t - token.frame >= 4 else math.inf, pin_first=False),
    ),
    "lfu-plain": Rule(every(5), bounded(2, lambda token, t: token.hits, pin_first=False)),  # noqa: ARG005
    "lru:every=3": Rule(
        every(3),
        bounded(2, lambda token, t: max(token.used, token.frame) + token.last_hits / 1e6, pin_first=False),  # noqa: ARG005
    ),
    "recent-n": Rule(every(1), _queue(6)),
    "recent-n:n=2,stride=3": Rule(every(3), _queue(2)),
    "lfu-softmax": Rule(every(5), bounded(2, mass_per_frame, pin_first=False)),
    "lfu-softmax:every=2": Rule(every(2), bounded(2, mass_per_frame, pin_first=False)),
}
