"""The bank: what it stores and what it refuses."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from tell_tale import SPEC, P, frame_tokens, make, slots

from vosbench.errors import VosbenchError
from vosbench.memory.attention import Scratch
from vosbench.memory.bank import FrameTokens, MemoryBank
from vosbench.memory.trial import l2
from vosbench.models.base import Keys


def test_what_is_inserted_is_held():
    bank = make()
    written = bank.insert(frame_tokens(7))
    assert written.tolist() == [0, 1, 2, 3]
    assert (bank.count, bank.extent) == (P, P)
    assert bank.frame.tolist() == [7] * P
    assert bank.position.tolist() == [0, 1, 2, 3]
    assert bank.occupied.all()
    assert not bank.pinned.any()
    assert torch.equal(bank.key, frame_tokens(7).key)
    assert bank.nbytes == P * (2 + 1) * 4


def test_freed_slots_are_used_again_and_nothing_moves():
    bank = make(frames=2)
    bank.free(slots(6, 1, 3))
    assert (bank.count, bank.extent) == (5, 8)
    written = bank.insert(frame_tokens(2))
    assert sorted(written.tolist()) == [1, 3, 6, 8]
    assert bank.key[0].tolist() == [0, 0]
    assert bank.key[7].tolist() == [1, 3]
    assert [bank.frame[s].item() for s in written] == [2] * P


def test_an_unbounded_bank_keeps_everything_as_it_grows():
    bank = make()
    column = bank.add_column("worth", torch.float32)
    for t in range(40):
        written = bank.insert(frame_tokens(t))
        assert (column.values[written] == 0).all()
        column.values[written] = t + 0.5
    assert bank.count == bank.extent == 40 * P
    assert column.values.tolist() == [t + 0.5 for t in range(40) for _ in range(P)]
    assert torch.equal(bank.key, torch.cat([frame_tokens(t).key for t in range(40)]))
    readouts, _ = bank.read(40, frame_tokens(31).keys, top_k=1)
    torch.testing.assert_close(readouts[0], frame_tokens(31).values[0])


def test_a_bounded_bank_allocates_no_more_than_its_capacity():
    bank = make(capacity=11)
    for t in range(9):
        bank.free(bank.lowest(bank.frame, bank.shortfall(P)))
        bank.insert(frame_tokens(t))
        assert bank.count <= 11
        assert bank._store.allocated <= 11
    assert (bank.count, bank.extent, bank.shortfall(P)) == (11, 11, P)


def test_a_large_capacity_costs_nothing_until_it_is_used():
    bank = make(capacity=10**12, frames=3)
    assert bank._store.allocated < 100


def test_columns_start_at_zero_in_a_slot_that_is_written_again():
    bank = make(frames=1)
    column = bank.add_column("hits", torch.int32)
    column.values[:] = 9
    bank.free(slots(2))
    bank.insert(frame_tokens(1))
    assert column.values.tolist() == [9, 9, 0, 9, 0, 0, 0]


def test_a_column_is_added_once():
    bank = make()
    bank.add_column("hits", torch.int32)
    for name in ("hits", "frame"):
        with pytest.raises(VosbenchError, match=f"has a column '{name}' already"):
            bank.add_column(name, torch.int32)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (slots(8), "named slots out of range: 8"),
        (slots(0, -1), "named slots out of range: -1"),
        (slots(5), "named slots that are free: 5"),
        (slots(1, 0, 1), "named slots twice: 1"),
        (slots(4, 3), "named pinned slots: 3"),
        (slots(0, 1, 2, 4, 6, 7), "named 6 slots, of which only 5 can be"),
        (torch.tensor([0], dtype=torch.int32), "slots must be int64"),
        (slots(0)[None], "slots must be int64"),
        (torch.ones(8, dtype=torch.bool), "slots must be int64"),
        ([0, 1], "slots must be int64 .n., not a list"),
    ],
)
@pytest.mark.parametrize("act", ["free", "pin", "update"])
def test_what_may_not_be_freed_pinned_or_overwritten(named, message, act):
    bank = make(frames=2)
    bank.free(slots(5))
    bank.pin(slots(2, 3))
    before = bank.occupied.clone(), bank.pinned.clone(), bank.count
    computed = (torch.full((len(named), 2), 9.0), (torch.full((len(named), 1, 1), 9.0),)) if act == "update" else ()
    with pytest.raises(VosbenchError, match=message) as caught:
        getattr(bank, act)(named, *computed)
    assert caught.value.hint
    assert not (bank.key == 9).any()
    assert torch.equal(bank.occupied, before[0])
    assert torch.equal(bank.pinned, before[1])
    assert bank.count == before[2]


def test_a_part_of_a_frame_is_inserted():
    bank = make(capacity=6, frames=1)
    written = bank.insert(frame_tokens(1), slots(3, 1))
    assert written.tolist() == [4, 5]
    assert bank.frame.tolist() == [0, 0, 0, 0, 1, 1]
    assert bank.position.tolist() == [0, 1, 2, 3, 3, 1]
    assert torch.equal(bank.key[written], frame_tokens(1).key[[3, 1]])
    assert torch.equal(bank.values[0][written], frame_tokens(1).values[0][[3, 1]])
    assert bank.by_age().tolist() == [0, 1, 2, 3, 5, 4]
    assert bank.insert(frame_tokens(2), slots()).tolist() == []


@pytest.mark.parametrize(
    ("positions", "message"),
    [(slots(0, 4), "positions out of range: 4"), (slots(2, 2), "positions twice: 2"), ([0], "positions must be int64")],
)
def test_positions_that_a_frame_does_not_have(positions, message):
    bank = make(frames=1)
    with pytest.raises(VosbenchError, match=message):
        bank.insert(frame_tokens(1), positions)
    assert (bank.count, bank.extent) == (P, P)


def test_computed_tokens_overwrite_in_place():
    bank = make(frames=2)
    column = bank.add_column("hits", torch.int32)
    column.values[:] = 7
    bank.add_group(1, 2)
    values = torch.tensor([[[1.0]], [[2.0]]]), torch.tensor([[[3.0], [4.0]], [[5.0], [6.0]]])
    bank.update(slots(6, 1), torch.tensor([[8.0, 8.0], [9.0, 9.0]]), values)
    assert bank.key[[6, 1]].tolist() == [[8, 8], [9, 9]]
    assert torch.equal(bank.values[0][[6, 1]], values[0])
    assert torch.equal(bank.values[1][[6, 1]], values[1])
    assert (bank.frame.tolist(), bank.position.tolist()) == ([0] * P + [1] * P, [0, 1, 2, 3] * 2)
    assert column.values.tolist() == [7] * 8
    untouched = [0, 2, 3]
    assert torch.equal(bank.key[untouched], frame_tokens(0).key[untouched])
    assert bank.first_frames == (0, 1)


def test_half_precision_is_stored_as_full():
    bank, tokens = make(), frame_tokens(3)
    bank.insert(FrameTokens(3, tokens.key, (tokens.values[0].half(),), annotated=False))
    assert bank.values[0].dtype == torch.float32
    assert torch.equal(bank.values[0], tokens.values[0].half().float())


def test_copying_can_be_timed():
    entered = []

    @contextmanager
    def storing():
        entered.append(True)
        yield

    bank = MemoryBank(SPEC, l2, P, storing=storing)
    bank.add_group(0, 1)
    written = bank.insert(frame_tokens(0))
    assert len(entered) == 1
    bank.update(written[:1], torch.zeros(1, 2), (torch.zeros(1, 1, 1),))
    assert len(entered) == 2
    bank.lowest(bank.frame, 2)
    bank.free(written)
    assert len(entered) == 2


def test_an_empty_bank_has_nothing_to_free():
    with pytest.raises(VosbenchError, match="named 1 slots"):
        make().free(slots(0))
    make().free(slots())


def test_no_room():
    bank = make(capacity=6, frames=1)
    assert bank.shortfall(P) == 2
    with pytest.raises(VosbenchError, match="inserts 4 tokens into a memory with 4 of 6 occupied"):
        bank.insert(frame_tokens(1))
    with pytest.raises(VosbenchError, match="cannot hold one frame"):
        bank.bound(P - 1)
    bank.pin(slots(0, 1, 2))
    with pytest.raises(VosbenchError, match="must free 2 tokens but only 1 are not pinned"):
        bank.lowest(bank.frame, 2)


@pytest.mark.parametrize("seed", range(8))
def test_lowest_equals_a_sort(seed):
    """Few different scores, so that ties decide; some infinite; slots out of the order of writing."""
    generator = torch.Generator().manual_seed(seed)
    bank = make(frames=5)
    for t in range(5, 12):
        bank.free(bank.occupied.nonzero().flatten()[torch.randperm(bank.count, generator=generator)[:P]])
        bank.insert(frame_tokens(t))
    bank.pin(bank.occupied.nonzero().flatten()[torch.randperm(bank.count, generator=generator)[:3]])
    bank.free((bank.occupied & ~bank.pinned).nonzero().flatten()[:2])
    choices = torch.tensor([0.0, 1.0, -torch.inf, torch.inf, -2.0])
    score = choices[torch.randint(5, (bank.extent,), generator=generator)]
    order = sorted(
        (score[s].item(), bank.frame[s].item(), bank.position[s].item(), s)
        for s in range(bank.extent)
        if bank.occupied[s] and not bank.pinned[s]
    )
    for count in range(bank.movable + 1):
        assert bank.lowest(score, count).tolist() == [s for *_, s in order[:count]]


def test_objects_read_no_token_from_before_their_first_frame():
    bank = make(frames=2)
    bank.add_group(2, 2)
    bank.insert(frame_tokens(2, groups=(1, 2)))
    query = frame_tokens(0).keys  # nearest to frame 0, which the second group must not see
    (first, second), match = bank.read(3, query, top_k=6)
    assert (first.shape, second.shape) == ((P, 1, 1), (P, 2, 1))
    old, new = match.groups
    assert (bank.frame[old.indices[:, 0]] == 0).all()
    assert (bank.frame[new.indices[new.matched]] == 2).all()
    assert new.matched.sum(1).tolist() == [P] * P
    assert match.hits().sum() == P * 6 + P * P
    torch.testing.assert_close(match.mass().sum(), torch.tensor(2.0 * P))
    for p in range(P):
        picks = zip(new.indices[p].tolist(), new.weights[p].tolist(), strict=True)
        expected = sum(w * (2 + bank.position[s].item() / 10 + 0.02) for s, w in picks)
        assert second[p, 1, 0].item() == pytest.approx(expected)


def test_a_read_sees_no_free_slot():
    bank = make(frames=2)
    bank.free(slots(0, 1, 2, 3))
    readouts, match = bank.read(2, frame_tokens(0).keys, top_k=20)
    torch.testing.assert_close(readouts[0].mean(), frame_tokens(1).values[0].mean(), atol=0.2, rtol=0)
    assert match.hits().tolist() == [0] * 4 + [P] * 4


def test_reading_what_a_strategy_left_empty():
    bank = make(frames=1)
    bank.add_group(1, 1)
    with pytest.raises(VosbenchError, match="holds nothing of the objects of frame 1"):
        bank.read(1, frame_tokens(1).keys, top_k=2)
    bank.free(slots(0, 1, 2, 3))
    with pytest.raises(VosbenchError, match="left the memory empty before frame 1"):
        bank.read(1, frame_tokens(1).keys, top_k=2)


def test_a_long_memory_is_read_in_parts_of_the_query():
    torch.manual_seed(1)
    bank = MemoryBank(replace(SPEC, key_dim=8), l2, 50, "cpu")
    for t in range(12):  # later objects appear, and some tokens have left: nothing of what a read may meet is missing
        if t in {0, 5}:
            bank.add_group(t, 2)
        values = tuple(torch.rand(50, 2, SPEC.value_dim) for _ in bank.first_frames)
        bank.insert(FrameTokens(t, torch.rand(50, 8), values, t in {0, 5}))
    bank.free(slots(3, 60, 599))
    query = Keys(torch.rand(50, 8))
    whole, match = bank.read(12, query, top_k=20)
    bank._scores_at_once, bank._scratch = 7 * 600, Scratch()
    parts, pieced = bank.read(12, query, top_k=20)
    assert bank._scratch._room.numel() <= 7 * 600
    torch.testing.assert_close(parts, whole)
    for a, b in zip(pieced, match, strict=True):
        assert torch.equal(a.indices, b.indices)
        torch.testing.assert_close(a.weights, b.weights)
        assert torch.equal(a.matched, b.matched)
    torch.testing.assert_close(pieced.mass(), match.mass())
