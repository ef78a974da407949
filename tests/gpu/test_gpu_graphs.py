"""CUDA graphs on a GPU that is not there; see `graphs.py`."""

import pytest

CALLS = 4  # of a function, before a graph of it is replayed: the last is that of the capture


@pytest.fixture(scope="module")
def found(emulated):
    return emulated("graphs.py")


def test_a_function_is_replayed_with_other_numbers(found):
    replayed = found["replayed"]
    assert replayed["calls"] == CALLS
    assert replayed["doubled"] == [[2 * t + 1, -2 * t + 1] for t in range(8)]
    assert replayed["sums"] == [[t + 1, -t + 1] for t in range(8)]
    assert replayed["told"] == 0


def test_each_shape_has_its_graph_and_only_where_graphs_are_wanted(found):
    assert found["other_shapes"] == {"two shapes": 2 * CALLS, "a CPU": 20, "not wanted": 40}


def test_what_a_graph_cannot_do_goes_on_without_one(found):
    refused = found["not_captured"]
    assert refused["waits"]["results"] == [[2 * t + 1] for t in range(6)]
    assert refused["waits"]["calls"] == refused["counts"]["calls"] == 6 + 1
    assert refused["counts"]["results"] == [[2 * t + 10 * n] for t, n in enumerate((1, 2, 3, 5, 6, 7))]
    (waits,), (counts,) = refused["waits"]["told"], refused["counts"]["told"]
    assert waits.startswith("Function is slower than it might be, since it makes no CUDA graph: CUDA would not capture")
    assert counts.endswith("makes no CUDA graph: replayed, it gives other numbers")


def test_graphs_hold_little_memory_and_give_way_where_there_is_none(found):
    memory = found["memory"]
    assert memory["captured"] == [6, 5, 4, 3, 8, 2]  # 7 was not used for longest
    assert memory["calls of a large one"] == CALLS
    assert memory["known"] == [1]  # and that of 9 is counted
    assert memory["without memory"] == [3, 5]
    assert memory["captured after that"] == []


def test_a_network_is_captured_once_for_all_videos_of_a_size(found):
    network = found["network"]
    assert network["free"] == {"calls": CALLS, "alike": True}
    assert network["again"] == {"calls": 0, "alike": True}
    assert network["limited"] == {"calls": 8, "alike": True}  # each frame: graphs hold what nobody counts
    assert network["graphs"] == 5  # of the frame, of what depends on it alone twice, of decoder and value encoder


def test_graphs_are_of_the_weights_as_they_were(found):
    assert (found["network"]["of a copy"], found["network"]["of one that moved"]) == (0, 0)
