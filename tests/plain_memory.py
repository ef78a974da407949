"""What each strategy must do, in plain Python on `plain_video`; random numbers alone come from torch."""

import hashlib
import itertools
import math
from collections.abc import Callable

import torch
from plain_video import Read, Rule, State, Token, affinity, cosine, read, read_all, simulate

__all__ = ["RULES", "Token", "affinity", "read", "simulate"]

Writes = Callable[[State, int], bool]
Leavers = Callable[[State, int], list[Token]]


def every(distance: int) -> Writes:
    """The usual schedule: t - last write >= distance."""
    return lambda state, t: t - state.last_write >= distance


def never(state: State, t: int) -> bool:  # noqa: ARG001
    return False


def bounded(frames: float, score: Callable[[Token, int], float], *, pin_first: bool = False) -> Leavers:
    """As many tokens of lowest score leave as the incoming frame needs; ties: older frame, then lower position."""
    return ranked(frames, lambda state, t: [score(token, t) for token in state.memory], pin_first=pin_first)


def ranked(frames: float, scores: Callable[[State, int], list[float]], *, pin_first: bool = False) -> Leavers:
    """The same with the scores of the whole memory at once, which are asked for when somebody has to leave."""

    def leavers(state: State, t: int) -> list[Token]:
        excess = len(state.memory) + state.entering - int(frames * state.tokens_per_frame)
        if excess <= 0:
            return []
        scored = [
            pair
            for pair in zip(scores(state, t), state.memory, strict=True)
            if not (pin_first and pair[1].frame == state.first)
        ]
        return [token for _, token in sorted(scored, key=lambda pair: (pair[0], pair[1].name))[:excess]]

    return leavers


def hits_per_frame(token: Token, t: int) -> float:
    return token.hits / (t - token.frame)


def mass_per_frame(token: Token, t: int) -> float:
    return token.mass / (t - token.frame)


# Frames


def everything(state: State, t: int) -> list[Token]:  # noqa: ARG001
    return list(state.memory)


def not_annotated(state: State, t: int) -> list[Token]:  # noqa: ARG001
    return [token for token in state.memory if token.frame not in state.annotated]


def queue(length: int) -> Leavers:
    """The oldest frame without annotation leaves when there are `length` of them; an annotated frame takes no place."""

    def leavers(state: State, t: int) -> list[Token]:
        others = [token for token in state.memory if token.frame not in state.annotated]
        frames = sorted({token.frame for token in others})
        full = t not in state.annotated and len(frames) == length
        return [token for token in others if token.frame == frames[0]] if full else []

    return leavers


def temporary(state: State, t: int) -> list[Token]:  # noqa: ARG001
    """every-k:last - the frames that do not stay: those fewer than five after the one that stayed before."""
    stays = state.first
    for frame in sorted({token.frame for token in state.memory}):
        if frame in state.annotated or frame - stays >= 5:
            stays = frame
    return [token for token in state.memory if token.frame > stays]


# Chance


def draws(state: State, seed: int) -> torch.Generator:
    digest = hashlib.blake2b(f"{seed} trace".encode(), digest_size=8).hexdigest()
    return state.notes.setdefault("draws", torch.Generator().manual_seed(int(digest, 16) // 2))


def by_chance(seed: int) -> Callable[[State, int], list[float]]:
    return lambda state, t: torch.rand(len(state.memory), generator=draws(state, seed)).tolist()  # noqa: ARG005


def frames_by_chance(seed: int) -> Callable[[State, int], list[float]]:
    def scores(state: State, t: int) -> list[float]:  # noqa: ARG001
        numbers = torch.rand(len(state.keys), generator=draws(state, seed)).tolist()
        return [numbers[token.frame] for token in state.memory]

    return scores


def reservoir(frames: float, seed: int, distance: int) -> Rule:
    def candidate(state: State, t: int) -> int:
        state.notes["last"] = t
        state.notes["n"] = state.notes.get("n", 0) + 1
        return state.notes["n"]

    def writes(state: State, t: int) -> bool:
        if t - state.notes["last"] < distance:
            return False
        return torch.rand(1, generator=draws(state, seed)).item() < frames / candidate(state, t)

    def enters(state: State, t: int, new: list[Token]) -> list[Token]:
        if t in state.annotated:
            candidate(state, t)
        return new

    return Rule(writes, ranked(frames, frames_by_chance(seed)), enters=enters)


# Feature banks


def afb(frames: float, threshold: float) -> Rule:
    def reads(state: State, t: int, groups: list[list[Read]]) -> None:  # noqa: ARG001
        counts: dict[tuple[int, int], int] = {}
        for token, weight in (pair for group in groups for found in group for pair in found):
            counts[token.name] = counts.get(token.name, 0) + (weight > 1e-3)
        for token in state.memory:
            token.worth += math.log(1 + counts.get(token.name, 0))

    def enters(state: State, t: int, new: list[Token]) -> list[Token]:
        if t in state.annotated:
            return new
        merging: dict[tuple[int, int], list[Token]] = {}
        appended = []
        for token in new:
            best = max(state.memory, key=lambda old, token=token: cosine(old.key, token.key))
            known = cosine(best.key, token.key) > threshold
            (merging.setdefault(best.name, []) if known else appended).append(token)
        for old in state.memory:
            if old.name in merging:
                old.key = merged(old.key, [token.key for token in merging[old.name]])
        return appended

    return Rule(every(1), bounded(frames, lambda token, t: token.worth / (t - token.frame)), reads, enters)


def merged(old: list[float], new: list[list[float]], rate: float = 0.1) -> list[float]:
    def length(v: list[float]) -> float:
        return math.sqrt(sum(a * a for a in v))

    mean = [sum(v[c] / length(v) for v in new) / len(new) for c in range(len(old))]
    return [length(old) * ((1 - rate) * a / length(old) + rate * b) for a, b in zip(old, mean, strict=True)]


def xmem(distance: int, least: int, most: int, prototypes: int, long_term: int) -> Rule:
    def after(state: State, t: int) -> None:
        working, stored = state.notes.setdefault("working", []), state.notes.setdefault("stored", set())
        working.append(t)
        if len(working) < most:
            return

        def usage(token: Token) -> float:
            return token.mass / max(1, t - token.frame)

        leaving = working[1 : most - least + 1]
        state.notes["working"] = [frame for frame in working if frame not in leaving]
        candidates = sorted((x for x in state.memory if x.name not in stored and x.frame in leaving),
                            key=lambda x: (-usage(x), x.name))  # fmt: skip
        count = min(prototypes, len(candidates))
        excess = max(0, len(stored) + count - long_term)
        old = sorted((x for x in state.memory if x.name in stored), key=lambda x: (usage(x), x.name))
        gone = {x.name for x in old[:excess] + candidates[count:]}
        state.notes["stored"] = (stored | {x.name for x in candidates[:count]}) - gone
        state.memory = [x for x in state.memory if x.name not in gone]

    return Rule(every(distance), after=after)


def rmem(frames: float, distance: int = 5) -> Rule:
    def reads(state: State, t: int, groups: list[list[Read]]) -> None:
        labels = state.labels(t)
        inside = [p for p, label in enumerate(labels) if label]
        shown = state.notes.setdefault("shown", {})
        for frame in {token.frame for token in state.memory}:
            mass = sum(w for group in groups for p in inside for token, w in group[p] if token.frame == frame)
            share = mass / len(groups) / max(1, len(inside))
            before, n = shown.get(frame, (share, 0))
            shown[frame] = (0.8 * before + 0.2 * share, n + 1)
        for frame in set(shown) - {token.frame for token in state.memory}:
            del shown[frame]

    def scores(state: State, t: int) -> list[float]:  # noqa: ARG001
        shown = state.notes["shown"]
        total = sum(n for _, n in shown.values())
        bound = {f: a + 1.5 * math.sqrt(math.log(total) / (n + 8)) for f, (a, n) in shown.items()}
        return [bound[token.frame] for token in state.memory]

    return Rule(every(distance), ranked(frames, scores, pin_first=True), reads)


def readmem(capacity: int, distance: int, least: float) -> Rule:
    def similar(a: list[list[float]], b: list[list[float]]) -> float:
        one = sum(max(cosine(x, y) for y in b) for x in a) / len(a)
        return (one + sum(max(cosine(x, y) for x in a) for y in b) / len(b)) / 2

    def gram(state: State, frames: list[int]) -> float:
        keys = state.keys
        return determinant([[1 if f == g else similar(keys[f], keys[g]) for g in frames] for f in frames])

    def enters(state: State, t: int, new: list[Token]) -> list[Token]:
        gallery = state.notes.setdefault("gallery", [])
        if t in state.annotated or t - state.notes["last"] >= distance:
            state.notes["last"] = t
            if len(gallery) < capacity - 1:
                gallery.append(t)
            elif len(gallery) > 1 and (t in state.annotated or similar(state.keys[gallery[0]], state.keys[t]) > least):
                trials = [[*gallery[:i], t, *gallery[i + 1 :]] for i in range(1, len(gallery))]
                best = max(trials, key=lambda frames: gram(state, frames))
                if t in state.annotated or gram(state, best) > gram(state, gallery):
                    state.notes["gallery"] = best
        return new

    def leavers(state: State, t: int) -> list[Token]:  # noqa: ARG001
        return [token for token in state.memory if token.frame not in state.notes["gallery"]]

    return Rule(every(1), leavers, enters=enters)


def determinant(matrix: list[list[float]]) -> float:
    if not matrix:
        return 1.0
    minors = [[row[:c] + row[c + 1 :] for row in matrix[1:]] for c in range(len(matrix))]
    return sum((-1) ** c * matrix[0][c] * determinant(minor) for c, minor in enumerate(minors))


def novelty(share: float, distance: int = 5) -> Rule:
    def reads(state: State, t: int, groups: list[list[Read]]) -> None:
        pairs = zip(state.keys[t], groups[0], strict=True)
        state.notes["similar"] = [cosine(found[0][0].key, query) for query, found in pairs]

    def enters(state: State, t: int, new: list[Token]) -> list[Token]:
        stays = state.notes.setdefault("stays", set())
        if t in state.annotated or t - state.notes["kept"] >= distance:
            state.notes["kept"] = t
            count = len(new) if t in state.annotated else min(len(new), max(1, round(share * len(new))))
            similar = [0.0] * len(new) if t in state.annotated else state.notes["similar"]
            stays |= {token.name for _, token in sorted(zip(similar, new, strict=True), key=lambda x: x[0])[:count]}
        return new

    def leavers(state: State, t: int) -> list[Token]:  # noqa: ARG001
        return [token for token in state.memory if token.name not in state.notes["stays"]]

    return Rule(every(1), leavers, reads, enters)


# Masks


def gated(base: Rule, threshold: float, timeout: int = 25) -> Rule:
    def writes(state: State, t: int) -> bool:
        labels = state.labels(t)
        means = []
        for label, mask in enumerate(state.soft[t], 1):
            inside = [p for own, p in zip(labels, mask, strict=True) if own == label]
            means += [sum(inside) / len(inside)] if inside else []
        confident = bool(means) and min(means) > threshold
        return base.writes(state, t) and (confident or t - state.last_write >= timeout)

    return Rule(writes, base.leavers, base.reads, base.enters, base.after)


def object_lfu(frames: float, distance: int, rho: float) -> Rule:
    def reads(state: State, t: int, groups: list[list[Read]]) -> None:  # noqa: ARG001
        seen = {0, *state.labels(t)}
        for token in state.memory:
            token.seen += token.owner in seen

    def enters(state: State, t: int, new: list[Token]) -> list[Token]:
        for token, label in zip(new, state.labels(t), strict=True):
            token.owner = label
        return new

    def scores(state: State, t: int) -> list[float]:
        best_first = sorted(state.memory, key=lambda x: (x.hits / x.seen if x.seen else math.inf, x.name), reverse=True)
        quota = int(rho * int(frames * state.tokens_per_frame) / (len(state.soft[t]) + 1))
        ranks = {}
        for place, token in enumerate(best_first):
            own = [x for x in best_first[:place] if x.owner == token.owner]
            ranks[token.name] = (len(own) < quota, -place)
        return [2.0 * len(best_first) * ranks[x.name][0] + ranks[x.name][1] for x in state.memory]

    return Rule(every(distance), ranked(frames, scores), reads, enters)


def offline(frames: float, distance: int) -> Rule:
    def scores(state: State, t: int) -> list[float]:
        if "coming" not in state.notes:
            state.notes["coming"] = replay(state)
        return [state.notes["coming"].get((t, token.name), 0.0) for token in state.memory]

    def replay(state: State) -> dict[tuple[int, tuple[int, int]], float]:
        """(t, token) -> the mass of the token in all reads after t of a memory that keeps everything."""
        memory: list[Token] = []
        coming: dict[tuple[int, tuple[int, int]], float] = {}
        last = 0
        for t in range(state.first, len(state.keys)):
            for token, weight in itertools.chain.from_iterable(
                found for group in read_all(memory, state.keys[t], state.annotated, state.k, t) for found in group
            ):
                for earlier in range(token.frame, t):
                    name = earlier, token.name
                    coming[name] = coming.get(name, 0.0) + weight
            if t in state.annotated or t - last >= distance:
                memory += [Token(t, p, key) for p, key in enumerate(state.keys[t])]
                last = t
        return coming

    return Rule(every(distance), ranked(frames, scores))


# What each spec must do. A strategy without an entry here fails its test.
RULES: dict[str, Rule] = {
    "first-only": Rule(never),
    "latest-only": Rule(every(1), everything),
    "first-and-latest": Rule(every(1), not_annotated),
    "every-k": Rule(every(5)),
    "every-k:k=3": Rule(every(3)),
    "every-k:last=true": Rule(every(1), temporary),
    "fifo:capacity=3": Rule(every(5), bounded(3, lambda token, t: token.frame, pin_first=True)),  # noqa: ARG005
    "fifo:capacity=3,pin_first=false,every=2": Rule(every(2), bounded(3, lambda token, t: token.frame)),  # noqa: ARG005
    "random": Rule(every(5), ranked(2, by_chance(0))),
    "random:capacity=3,every=2,seed=7,pin_first=true": Rule(every(2), ranked(3, by_chance(7), pin_first=True)),
    "random:capacity=3,every=2,frames=true": Rule(every(2), ranked(3, frames_by_chance(0))),
    "reservoir": reservoir(2, 0, 5),
    "reservoir:capacity=3,every=1,seed=3": reservoir(3, 3, 1),
    "lfu": Rule(every(5), bounded(2, hits_per_frame)),
    "lfu:capacity=2.5,every=2": Rule(every(2), bounded(2.5, hits_per_frame)),
    "lfu:capacity=3,every=2,pin_first=true": Rule(every(2), bounded(3, hits_per_frame, pin_first=True)),
    "lfu:capacity=3,every=2,min_age=4": Rule(
        every(2), bounded(3, lambda token, t: hits_per_frame(token, t) if t - token.frame >= 4 else math.inf)
    ),
    "lfu-plain": Rule(every(5), bounded(2, lambda token, t: token.hits)),  # noqa: ARG005
    "lru:every=3": Rule(
        every(3),
        bounded(2, lambda token, t: max(token.used, token.frame) + token.last_hits / 1e6),  # noqa: ARG005
    ),
    "recent-n": Rule(every(1), queue(6)),
    "recent-n:n=2,stride=3": Rule(every(3), queue(2)),
    "lfu-softmax": Rule(every(5), bounded(2, mass_per_frame)),
    "lfu-softmax:every=2": Rule(every(2), bounded(2, mass_per_frame)),
    "afb": afb(2, 0.95),
    "afb:capacity=3,threshold=0.8": afb(3, 0.8),
    "xmem:every=1,min_frames=2,max_frames=4,prototypes=3,long_term=8": xmem(1, 2, 4, 3, 8),
    "xmem:every=2,min_frames=3,max_frames=5": xmem(2, 3, 5, 128, 10_000),
    "rmem:capacity=3,every=2": rmem(3, 2),
    "readmem:capacity=4,every=2": readmem(4, 2, 0.5),
    "readmem:capacity=5,every=3,least=0.9": readmem(5, 3, 0.9),
    "novelty": novelty(0.1),
    "novelty:share=0.4,every=3": novelty(0.4, 3),
    "gated": gated(Rule(every(5), bounded(2, hits_per_frame)), 0.7),
    "gated:base=lfu(capacity=3,every=2),threshold=0.6,timeout=4": gated(
        Rule(every(2), bounded(3, hits_per_frame)), 0.6, 4
    ),
    "gated:base=rmem(capacity=3,every=2),timeout=5": gated(rmem(3, 2), 0.7, 5),
    "object-lfu": object_lfu(2, 5, 0.5),
    "object-lfu:capacity=3.5,every=2,rho=0.8": object_lfu(3.5, 2, 0.8),
    "oracle-masks:base=lfu(capacity=3,every=2)": Rule(every(2), bounded(3, hits_per_frame)),
    "offline": offline(2, 5),
    "offline:capacity=2.5,every=2": offline(2.5, 2),
}
