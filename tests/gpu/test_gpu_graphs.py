"""CUDA graphs on a GPU that is not there; see `graphs.py`."""

import pytest

CALLS = 5  # of a function until a graph of it is replayed: three, that of the capture, and one to compare with


@pytest.fixture(scope="module")
def found(emulated):
    return emulated("graphs.py")


def test_a_function_is_replayed_with_other_numbers(found):
    replayed = found["replayed"]
    assert replayed["calls"] == CALLS
    assert replayed["doubled"] == [[2 * t + 1, -2 * t + 1] for t in range(8)]
    assert replayed["sums"] == [[t + 1, -t + 1] for t in range(8)]
    assert replayed["told"] == 0


def test_tensors_may_be_packed_and_constants_stand_beside_them(found):
    *results, graphs = found["packed"]
    assert results == [[(0, 1, 0)[t // 8] * t + 100, "a", None] for t in range(24)]
    assert graphs == 3  # of each constant: 0.0 is not -0.0


def test_what_is_made_anew_for_each_frame_is_not_kept(found):
    made = found["made_anew"]
    assert made["results"] == [t + 1 for t in range(40)]
    assert (made["alive"], made["graphs"], made["lasting"]) == (0, 0, 3)


def test_a_function_has_no_graph_of_one_that_is_gone(found):
    assert found["in_its_place"] == [2 * t + 100 for t in range(CALLS)]


def test_each_shape_has_its_graph_and_only_where_graphs_are_wanted(found):
    assert found["other_shapes"] == {"two shapes": 2 * CALLS, "a CPU": 20, "not wanted": 21, "no more": 41}


def test_what_a_graph_cannot_do_goes_on_without_one(found):
    refused, begin = found["not_captured"], "Function is slower than it might be, since it makes no CUDA graph: "
    assert refused["waits"]["results"] == [[2 * t + 1] for t in range(6)]
    assert refused["waits"]["calls"] == 6 + 1
    assert refused["waits"]["told"] == [f"{begin}CUDA would not capture this: aten._local_scalar_dense"]
    assert refused["counts"]["results"] == [[2 * t + 10 * n] for t, n in enumerate((1, 2, 3, 6, 7, 8))]
    assert refused["counts"]["told"] == [f"{begin}replayed, it gives other numbers"]
    assert refused["after one that waits"] == [[[2 * t + 1] for t in range(6)], 6]  # torch might not bear another


def test_a_graph_of_nothing_is_noticed(found):
    """As when kernels go to another stream than that of the capture: what they wrote seems right at first."""
    empty = found["not_captured"]["empty"]
    assert empty["results"] == [[2 * t + 1] for t in range(6)]
    assert [one.partition(": ")[2] for one in empty["told"]] == ["replayed, it gives other numbers"]
    assert found["not_captured"]["close"] == [True, False]  # infinity is compared, too, and allows nothing else


def test_graphs_hold_little_memory_and_give_way_where_there_is_none(found):
    memory = found["memory"]
    assert memory["captured"] == [6, 5, 4, 3, 8, 2]  # 7 was not used for longest
    assert memory["calls of a large one"] == CALLS - 1
    assert memory["known"] == [1]  # and that of 9 is counted
    assert memory["spare"] == [40, 1]  # bytes: 2 * x, before it is an output, is memory that torch does not tell of
    assert memory["without memory"] == [3, 5]
    assert memory["captured after that"] == [0, 0]
    assert memory["captured again"] == 1


def test_a_network_is_captured_once_for_all_videos_of_a_size(found):
    network = found["network"]
    assert network["free"] == {"calls": CALLS, "alike": True}
    assert network["again"] == {"calls": 0, "alike": True}
    assert network["limited"] == {"calls": 8, "alike": True}  # each frame: graphs hold what nobody counts
    assert network["graphs"] == 5  # of the frame, of what depends on it alone twice, of decoder and value encoder


def test_graphs_are_of_the_weights_as_they_were(found):
    assert (found["network"]["of a copy"], found["network"]["of one that moved"]) == (0, 0)


def test_each_network_rounds_in_its_own_way(found):
    """The switch of tf32 is one for all networks."""
    assert (found["network"]["tf32"], found["network"]["fp32"]) == (True, False)
