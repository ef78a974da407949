"""Strategies that merge, consolidate or weigh frames against each other, in plain Python."""

import math

from plain_video import Read, Rule, State, Token, bounded, cosine, every, ranked


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
