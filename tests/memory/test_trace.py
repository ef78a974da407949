"""Traces of a memory: what is seen of a bank, and what comes back from the file."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vosbench.base.varints import pack, unpack
from vosbench.errors import VosbenchError
from vosbench.memory.trace import MemoryTrace, MemoryWatch
from vosbench.models.geometry import Geometry

GEOMETRY = Geometry.of(30, 40, None)  # 2 x 3 tokens; padded by 1 pixel above and below, by 4 at the sides


def bank(*slots):
    """A bank whose slots hold these tokens, (frame, position), or nothing."""
    frame, position = torch.tensor([slot or (0, 0) for slot in slots]).reshape(-1, 2).T
    occupied = torch.tensor([slot is not None for slot in slots], dtype=torch.bool)
    return SimpleNamespace(frame=frame, position=position, occupied=occupied, tokens_per_frame=6)


def watched(*banks):
    watch = MemoryWatch()
    for one in banks:
        watch.look(one, GEOMETRY)
    return watch.trace()


@given(st.lists(st.integers(0, 2**62)))
def test_numbers_come_back(numbers):
    assert unpack(pack(np.array(numbers, np.uint64))).tolist() == numbers


def test_a_cut_number_is_seen():
    with pytest.raises(ValueError, match="cut off"):
        unpack(pack(np.array([5, 300]))[:-1])


def test_a_trace_tells_what_came_and_went(tmp_path):
    first = [(0, p) for p in range(6)]
    trace = watched(bank(*first), bank(*first), bank((2, 1), None, *first[2:], (2, 4)), bank(*first, (3, 0)))
    trace.write(tmp_path / "a/dog.npz")
    trace = MemoryTrace.read(tmp_path / "a/dog.npz")
    assert (trace.grid, trace.picture, trace.frames) == ((2, 3), (4 / 16, 1 / 16, 40 / 16, 30 / 16), 4)
    events = [(gone.tolist(), come.tolist()) for gone, come in trace.events()]
    assert events == [([], [*range(6)]), ([], []), ([0, 1], [13, 16]), ([13, 16], [0, 1, 18])]
    assert [held.sum(axis=(1, 2)).tolist() for held in trace.held()] == [
        [6, 0, 0, 0],
        [6, 0, 0, 0],
        [4, 0, 2, 0],
        [6, 0, 0, 1],
    ]
    assert trace.written() == (0, 2, 3)  # tokens of frame 0 that come back were not written then


@given(st.lists(st.lists(st.none() | st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=9), min_size=4))
def test_whatever_a_bank_holds_is_told(states):
    size = max(map(len, states))  # a bank never gets smaller
    states = [state + [None] * (size - len(state)) for state in states]
    for state, held in zip(states, watched(*(bank(*state) for state in states)).held(), strict=True):
        expected = np.zeros(held.size, int)
        for frame, position in filter(None, state):  # the same token may be there twice
            expected[frame * 6 + position] += 1
        assert held.ravel().tolist() == expected.tolist()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", None])
def test_a_broken_file_is_one_line(tmp_path, content):
    path = tmp_path / "dog.npz"
    if content is None:
        np.savez(path, grid=[2, 3], picture=[0, 0, 3, 2], frames=3, changes=np.array([1, 0], np.uint8))
    else:
        path.write_bytes(content)
    with pytest.raises(VosbenchError, match=r"cannot read memory trace .*dog\.npz"):
        MemoryTrace.read(path)
