"""The memory of a matching network in plain Python: lists, loops and 64-bit numbers, and nothing of vosbench.

`simulate` says which tokens a rule must hold after every frame, from keys and soft masks alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Key = list[float]
Mask = list[float]  # probability in each position


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
    owner: int = 0  # label at the write
    seen: int = 0  # frames since then in which the owner was seen
    worth: float = 0.0  # whatever else a rule counts

    @property
    def name(self) -> tuple[int, int]:
        return self.frame, self.position


@dataclass
class State:
    """What a rule may look at; `notes` are its own."""

    annotated: tuple[int, ...]  # frames in which objects first appear
    keys: list[list[Key]]
    soft: list[list[Mask]]  # of each frame, each object so far
    k: int
    memory: list[Token] = field(default_factory=list)  # older frame first, then lower position
    last_write: int = 0
    entering: int = 0  # tokens that are about to be written
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> int:
        return self.annotated[0]

    @property
    def tokens_per_frame(self) -> int:
        return len(self.keys[0])

    def labels(self, t: int) -> list[int]:
        """The most probable of background (0) and objects in each position."""
        found = []
        for p in range(self.tokens_per_frame):
            column = [mask[p] for mask in self.soft[t]]
            best = max(column)
            found.append(1 + column.index(best) if best > 1 - sum(column) else 0)
        return found


Read = list[tuple[Token, float]]  # of one query, the best first


def _nothing(state: State, t: int) -> list[Token]:  # noqa: ARG001
    return []


def _pass(*_: object) -> None:
    pass


@dataclass
class Rule:
    """A strategy: whether frame t is written, which tokens leave when it is, and what else happens.

    `reads` sees, for each object group, the read of each query; `enters` may keep some of a frame's tokens out;
    `after` may change the memory once they are in.
    """

    writes: Callable[[State, int], bool]
    leavers: Callable[[State, int], list[Token]] = _nothing
    reads: Callable[[State, int, list[list[Read]]], None] = _pass
    enters: Callable[[State, int, list[Token]], list[Token]] = lambda state, t, new: new  # noqa: ARG005
    after: Callable[[State, int], None] = _pass


def affinity(m: Key, q: Key, metric: str = "l2") -> float:
    """Similarity of a memory key and a query key; l2 with the term that the softmax cancels."""
    dot = sum(a * b for a, b in zip(m, q, strict=True))
    norm = [math.sqrt(sum(a * a for a in v)) for v in (m, q)]
    root = math.sqrt(len(m))
    if metric == "l2":
        return -sum((a - b) ** 2 for a, b in zip(m, q, strict=True)) / root
    return dot / root if metric == "dot" else dot / norm[0] / norm[1] * root


def cosine(m: Key, q: Key) -> float:
    return affinity(m, q, "cosine") / math.sqrt(len(m))


def read(memory: list[Token], query: Key, k: int, metric: str = "l2") -> Read:
    """The k best tokens of a query pixel and their softmax weights."""
    scored = sorted(((affinity(t.key, query, metric), t) for t in memory), key=lambda pair: -pair[0])[:k]
    powers = [math.exp(score - scored[0][0]) for score, _ in scored]
    return [(token, power / sum(powers)) for (_, token), power in zip(scored, powers, strict=True)]


def read_all(memory: list[Token], frame: list[Key], annotated: tuple[int, ...], k: int, t: int) -> list[list[Read]]:
    """The read of frame t: each group of objects sees no token from before its first frame."""
    return [
        [read([token for token in memory if token.frame >= first], query, k) for query in frame]
        for first in annotated
        if first < t
    ]


def simulate(
    rule: Rule, keys: list[list[Key]], annotated: tuple[int, ...], k: int, soft: list[list[Mask]] | None = None
) -> list[list[Token]]:
    """The tokens held after each frame, in order of frame and position, with copies of their counters.

    keys[t][p] is the key of position p in frame t, soft[t][o] the mask of object o. The last frame is never written.
    """
    state, held = State(annotated, keys, soft or [], k), []
    for t, frame in enumerate(keys):
        reads = read_all(state.memory, frame, annotated, k, t)
        for group in reads:
            for found in group:
                for token, weight in found:
                    token.hits += 1
                    token.last_hits = 1 + (token.last_hits if token.used == t else 0)
                    token.used = t
                    token.mass += weight
        if reads:
            rule.reads(state, t, reads)
        written = t in annotated or (t > annotated[0] and rule.writes(state, t))
        if written and t < len(keys) - 1:
            new = rule.enters(state, t, [Token(t, position, key) for position, key in enumerate(frame)])
            state.entering = len(new)
            gone = {token.name for token in rule.leavers(state, t)}
            state.memory = [token for token in state.memory if token.name not in gone]
            state.memory += sorted(new, key=lambda token: token.position)
            state.last_write = t
            rule.after(state, t)
        held.append([Token(**vars(token)) for token in state.memory])
    return held
