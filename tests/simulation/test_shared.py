"""Sharing an affinity changes nothing: every bank finds what it would find alone, bit for bit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.errors import VosbenchError
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.trial import l2
from vosbench.models.affinity import affinity
from vosbench.models.base import Keys, Spec
from vosbench.simulation import shared
from vosbench.simulation.shared import SharedBank, SharedRead, _first

POSITIONS, CHANNELS = 16, 4
SPEC = Spec("grid", CHANNELS, 0)


def filled(keys, generator, writes, groups):
    """A bank after some frames were written to it and some tokens freed in between."""
    bank = MemoryBank(SPEC, l2, POSITIONS)
    for frame in writes:
        if frame in groups:
            bank.add_group(frame, 1)
        if bank.count and torch.rand((), generator=generator) < 0.8:
            slots = bank.occupied.nonzero().flatten()
            slots = slots[bank.frame[slots] < max(first for first in groups if first <= frame)]  # no group goes empty
            bank.free(slots[torch.randperm(len(slots), generator=generator)[: len(slots) // 2]])
        values = tuple(torch.empty(POSITIONS, 1, 0) for first in groups if first <= frame)
        bank.insert(FrameTokens(frame, keys[frame], values, frame in groups))
    return bank


@given(
    seed=st.integers(0, 2**32),
    top_k=st.integers(1, 40),
    steps=st.sampled_from([None, 2, 0.5]),
    metric=st.sampled_from(["l2", "dot", "cosine"]),
    later=st.booleans(),
    prefixes=st.sampled_from([(64, 256), (8, 32), (5,)]),
)
@settings(max_examples=60, deadline=None)
def test_every_bank_finds_what_it_finds_alone(seed, top_k, steps, metric, later, prefixes):
    """Keys on a coarse grid have equal scores everywhere, where the order of the slots decides."""
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randn(9, POSITIONS, CHANNELS, generator=generator)
    keys = keys if steps is None else (keys * steps).round() / steps + 0.1
    groups = (0, 3) if later else (0,)
    banks = []
    for number, writes in enumerate([(0, 3), (0, 1, 2, 3, 4, 5), (0, 2, 3, 5), (0, 3, 4)]):
        banks.append(SharedBank(str(number), filled(keys, generator, writes, groups), Keys(keys.flatten(0, 1))))
        banks[-1].refresh()
        assert not banks[-1].is_own
    query = torch.randn(POSITIONS * 3, CHANNELS, generator=generator)

    def scores(memory, wanted, out=None):
        return affinity(memory.key, wanted.key, metric, out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "PREFIXES", prefixes)
        reader = SharedRead(Keys(keys.flatten(0, 1)), top_k, scores)
        reader.refresh(banks, groups)
        found = reader.read(8, Keys(query))
    for bank, match in zip(banks, found, strict=True):
        alone = bank.bank.match(8, affinity(bank.bank.key, query, metric), top_k)
        assert torch.equal(match.hits(), alone.hits())
        assert torch.equal(match.mass(), alone.mass())
        assert match.extent == alone.extent
        for one, other in zip(match, alone, strict=True):
            assert torch.equal(one.weights, other.weights)


def test_queries_are_read_in_parts_if_there_are_many(monkeypatch):
    generator = torch.Generator().manual_seed(1)
    keys = torch.randn(6, 200, 8, generator=generator)
    bank = MemoryBank(Spec("wide", 8, 0), l2, 200)
    bank.add_group(0, 1)
    for frame in range(4):
        bank.insert(FrameTokens(frame, keys[frame], (torch.empty(200, 1, 0),), frame == 0))
    bank.free(torch.arange(0, 800, 3))
    one = SharedBank("one", bank, Keys(keys.flatten(0, 1)))
    one.refresh()
    reader = SharedRead(Keys(keys.flatten(0, 1)), 20, l2)
    reader.refresh([one], (0,))
    (whole,) = reader.read(5, Keys(keys[5]))
    monkeypatch.setattr(shared, "AT_ONCE", 1)
    (parts,) = reader.read(5, Keys(keys[5]))
    assert torch.equal(whole.mass(), parts.mass())
    assert torch.equal(whole.hits(), parts.hits())


def test_a_bank_with_keys_of_its_own_is_read_alone():
    keys = torch.randn(3, POSITIONS, CHANNELS, generator=torch.Generator().manual_seed(2))
    bank = MemoryBank(SPEC, l2, POSITIONS)
    bank.add_group(0, 1)
    bank.insert(FrameTokens(0, keys[0] * 2, (torch.empty(POSITIONS, 1, 0),), True))
    own = SharedBank("own", bank, Keys(keys.flatten(0, 1)))
    own.refresh()
    assert own.is_own
    reader = SharedRead(Keys(keys.flatten(0, 1)), 5, l2)
    reader.refresh([own], (0,))
    (found,) = reader.read(1, Keys(keys[1]))
    assert torch.equal(found.mass(), bank.match(1, affinity(bank.key, keys[1]), 5).mass())


def test_an_empty_bank_is_the_fault_of_its_strategy_alone():
    keys = torch.randn(3, POSITIONS, CHANNELS, generator=torch.Generator().manual_seed(3))
    banks = [SharedBank(name, filled(keys, None, (0,), (0,)), Keys(keys.flatten(0, 1))) for name in ("full", "empty")]
    banks[1].bank.free(torch.arange(POSITIONS))
    for bank in banks:
        bank.refresh()
    reader = SharedRead(Keys(keys.flatten(0, 1)), 5, l2)
    reader.refresh(banks, (0,))
    full, empty = reader.read(1, Keys(keys[1]))
    assert int(full.hits().sum()) == 5 * POSITIONS
    assert isinstance(empty, VosbenchError)
    assert "left the memory empty" in empty.message


def test_the_first_of_a_mask():
    mask = torch.tensor([[0, 1, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], dtype=torch.bool)
    assert _first(mask, 2).tolist() == [[1, 3], [4, 4], [4, 4]]
