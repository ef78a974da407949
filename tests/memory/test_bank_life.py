"""A long random life of the bank, against a list in plain Python."""

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tell_tale import P, frame_tokens, make

from vosbench.errors import VosbenchError


class Life(RuleBasedStateMachine):
    """Random writes, frees and pins; the model is a dictionary {(frame, position): (key, values, hits, pinned)}."""

    @initialize(capacity=st.one_of(st.none(), st.integers(P, 6 * P)))
    def begin(self, capacity: int | None) -> None:
        self.bank = make(capacity)
        self.hits = self.bank.add_column("hits", torch.int32)
        self.capacity, self.time, self.groups = capacity, 0, (1,)
        self.model: dict[tuple[int, int], dict] = {}

    def slot(self, name: tuple[int, int]) -> int:
        found = [
            s for s in range(self.bank.extent)
            if self.bank.occupied[s] and (self.bank.frame[s].item(), self.bank.position[s].item()) == name
        ]  # fmt: skip
        assert len(found) == 1
        return found[0]

    @rule()
    def write(self) -> None:
        tokens = frame_tokens(self.time, self.groups)
        if self.capacity is not None and len(self.model) + P > self.capacity:
            assert self.bank.shortfall(P) == len(self.model) + P - self.capacity
            with pytest.raises(VosbenchError):
                self.bank.insert(tokens)
            return
        assert self.bank.shortfall(P) == 0
        self.bank.insert(tokens)
        for p in range(P):
            values = [v[p].tolist() for v in tokens.values]
            self.model[self.time, p] = {"key": tokens.key[p].tolist(), "values": values, "hits": 0, "pinned": False}
        self.time += 1

    @rule(positions=st.lists(st.integers(0, P - 1), unique=True))
    def write_some(self, positions: list[int]) -> None:
        tokens = frame_tokens(self.time, self.groups)
        if self.capacity is not None and len(self.model) + len(positions) > self.capacity:
            return
        self.bank.insert(tokens, torch.tensor(positions, dtype=torch.int64))
        for p in positions:
            values = [v[p].tolist() for v in tokens.values]
            self.model[self.time, p] = {"key": tokens.key[p].tolist(), "values": values, "hits": 0, "pinned": False}
        self.time += 1

    @rule(data=st.data(), number=st.integers(50, 99))
    def overwrite(self, data: st.DataObject, number: int) -> None:
        movable = sorted(name for name, token in self.model.items() if not token["pinned"])
        if not movable:
            return
        name = data.draw(st.sampled_from(movable))
        key = torch.full((1, 2), float(number))
        values = tuple(torch.full((1, objects, 1), float(number)) for objects in self.groups)
        self.bank.update(torch.tensor([self.slot(name)]), key, values)
        self.model[name]["key"] = key[0].tolist()
        self.model[name]["values"] = [v[0].tolist() for v in values]

    @rule(data=st.data(), act=st.sampled_from(["free", "pin"]))
    def name_slots(self, data: st.DataObject, act: str) -> None:
        movable = sorted(name for name, token in self.model.items() if not token["pinned"])
        chosen = data.draw(st.lists(st.sampled_from(movable), unique=True)) if movable else []
        if act == "pin":
            chosen = chosen[:2]
        getattr(self.bank, act)(torch.tensor([self.slot(name) for name in chosen], dtype=torch.int64))
        for name in chosen:
            if act == "pin":
                self.model[name]["pinned"] = True
            else:
                del self.model[name]

    @rule(count=st.integers(0, 5))
    def evict_lowest(self, count: int) -> None:
        movable = [name for name, token in self.model.items() if not token["pinned"]]
        count = min(count, len(movable))
        self.bank.free(self.bank.lowest(self.hits.values, count))
        for name in sorted(movable, key=lambda name: (self.model[name]["hits"], name))[:count]:
            del self.model[name]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def count_hit(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model)))
        self.hits.values[self.slot(name)] += 1
        self.model[name]["hits"] += 1

    @precondition(lambda self: len(self.groups) < 3)
    @rule(objects=st.integers(1, 2))
    def new_objects(self, objects: int) -> None:
        self.bank.add_group(self.time, objects)
        for token in self.model.values():
            token["values"].append([[0.0]] * objects)
        self.groups = (*self.groups, objects)

    @invariant()
    def agrees(self) -> None:
        bank = self.bank
        assert bank.count == len(self.model) == int(bank.occupied.sum())
        assert bank.movable == sum(not token["pinned"] for token in self.model.values())
        held = {}
        for s in bank.occupied.nonzero().flatten().tolist():
            values = [group.values[s].view(-1, 1).tolist() for group in bank._store.groups]
            held[bank.frame[s].item(), bank.position[s].item()] = {
                "key": bank.key[s].tolist(),
                "values": values,
                "hits": self.hits.values[s].item(),
                "pinned": bank.pinned[s].item(),
            }
        assert held == self.model
        names = [(bank.frame[s].item(), bank.position[s].item()) for s in bank.by_age()]
        assert names == sorted(self.model)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
