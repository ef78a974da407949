"""What the command line makes of suites."""

from dataclasses import replace
from pathlib import Path

import pytest

from vosbench.bench.suite import Suite, override, read_suites
from vosbench.errors import VosbenchError


def test_roots_go_to_their_data_sets(tmp_path):
    two = read_suites("paper-table4")
    assert [s.root for s in override(two, None, ["DAVIS"], {})] == [Path("DAVIS")] * 2
    for roots in (["youtube-vos-2019=Y", "D"], ["D", "youtube-vos-2019=Y"], ["davis2017=D", "youtube-vos-2019=Y"]):
        assert [s.root for s in override(two, None, roots, {})] == [Path("D"), Path("Y")]
    assert [s.root for s in override(two, None, ["davis2017=D"], {})] == [Path("D"), None]
    (tmp_path / "a=b").mkdir()
    assert {s.root for s in override(two, None, [str(tmp_path / "a=b")], {})} == {tmp_path / "a=b"}
    with pytest.raises(VosbenchError, match="unknown data set 'davis2071'") as caught:
        override(two, None, ["davis2071=D"], {})
    assert "davis2017" in caught.value.hint
    with pytest.raises(VosbenchError, match="suite has no data set davis2016") as caught:
        override(two, None, ["davis2016=D"], {})
    assert "davis2017, youtube-vos-2019" in caught.value.hint


def test_options_override_every_suite():
    suites = override(read_suites("paper-table1"), None, (), {"top_k": 5, "policies": ("fifo",)})
    assert {(s.top_k, s.policies) for s in suites} == {(5, ("fifo",))}
    assert [s.dataset for s in suites] == ["davis2016", "davis2017"]
    with pytest.raises(VosbenchError, match="repeats must be at least 1"):
        override(suites, None, (), {"repeats": 0})


def test_a_data_set_is_chosen_or_takes_the_place_of_all():
    suites = read_suites("paper-table4")
    assert override(suites, "youtube-vos-2019", (), {}) == suites[1:]
    (other,) = override(suites, "synthetic", (), {"split": "long"})
    assert other == replace(suites[0], dataset="synthetic", split="long")
    assert override((Suite(),), None, (), {}) == (Suite(),)


def test_a_list_of_splits_is_a_run_for_each(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text('split = ["occlusion=5", "occlusion=20"]\n[[data]]\nshorter_side = 96\n[[data]]\nsplit = "val"\n')
    found = [(suite.split, suite.shorter_side) for suite in read_suites(path)]
    assert found == [("occlusion=5", 96), ("occlusion=20", 96), ("val", None)]
    path.write_text("split = [5]\n")
    with pytest.raises(VosbenchError, match="split must be of type str, not 5"):
        read_suites(path)


def test_amounts_of_memory_that_are_equal_are_the_same() -> None:
    assert Suite(memory_limit="4GB") == Suite(memory_limit="4000 mb") == Suite(memory_limit=4_000_000_000)
    assert Suite(memory_limit="4GB") != Suite(memory_limit="4GiB")
