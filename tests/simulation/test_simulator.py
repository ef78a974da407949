"""`vosbench.simulate`: the whole of a simulation in one call, which gives values."""

from dataclasses import replace

import pytest
import torch

import vosbench
from vosbench.simulation import simulator, study


@pytest.fixture
def data(small_davis):
    return vosbench.open_dataset("davis2017", small_davis)


def test_one_call_gives_values(data, tmp_path):
    told = []
    found = vosbench.simulate(
        data,
        ("lfu:every=1", "fifo:every=1"),
        capacity="1..2",
        top_k=7,
        shorter_side=32,
        jobs=1,
        cache=str(tmp_path / "traces"),
        progress=lambda *step: told.append(step),
    )
    specs = ["lfu:every=1,capacity=1", "lfu:every=1,capacity=2", "fifo:every=1,capacity=2"]
    assert [(o.spec, o.sequence) for o in found.outcomes] == [(spec, name) for spec in specs for name in ("ant", "bee")]
    assert list(found.faults) == ["fifo:every=1,capacity=1"]
    assert all(len(o.retained) == 5 and 0 < sum(o.retained) <= 5 for o in found.outcomes)
    conditions = found.conditions
    assert (conditions.dataset, conditions.sequences, conditions.partial) == ("davis2017", ("ant", "bee"), False)
    assert (conditions.top_k, conditions.shorter_side, conditions.affinity) == (7, 32, "l2")
    assert list(conditions.source_hashes) == [*specs[:2], "fifo:every=1,capacity=1", specs[2]]
    assert "2 sequences; not the published val of 30 sequences but ant, bee; simulated with the keys" in conditions.text
    assert "top-7, shorter side 32" in conditions.text
    assert replace(conditions, frame_mode="").text.startswith(f"{conditions.dataset} {conditions.split}; 2 sequences; ")
    ends = [step[:3] for step in told if step[2] == step[3]]
    assert ends == [("keys", "ant", 6), ("keys", "bee", 6), ("4 settings", "ant", 6), ("4 settings", "bee", 6)]
    assert len(list((tmp_path / "traces").iterdir())) == 2


def test_recorded_keys_and_processes_change_nothing(data, tmp_path):
    def simulated(jobs):
        return vosbench.simulate(data, ("lfu", "lru"), jobs=jobs, cache=tmp_path)

    assert simulated(1) == simulated(2)


def test_if_all_settings_fail_the_first_fault_is_raised(data, tmp_path):
    with pytest.raises(vosbench.VosbenchError, match="ant, frame 1: the strategy must free"):
        vosbench.simulate(data, ("fifo:every=1,capacity=1",), jobs=1, cache=tmp_path)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_faulty_sequence_is_left_out_and_the_rest_goes_on(data, small_davis, tmp_path, jobs):
    settings = {"capacity": 2, "jobs": jobs, "threads": 1, "cache": tmp_path}
    whole = vosbench.simulate(data, ("lfu", "lru"), **settings)
    frame = small_davis / "JPEGImages/480p/ant/00004.jpg"
    frame.write_bytes(frame.read_bytes()[:300])
    found = vosbench.simulate(data, ("lfu", "lru"), **settings)
    assert [(name, "00004.jpg is truncated" in fault.message) for name, fault in found.faulty.items()] == [
        ("ant", True)
    ]
    assert found.outcomes == tuple(outcome for outcome in whole.outcomes if outcome.sequence == "bee")
    assert (found.conditions.sequences, found.conditions.faulty) == (("bee",), ("ant",))
    assert "1 sequence, PARTIAL: faulty: ant; " in found.conditions.text
    assert not whole.faulty
    with pytest.raises(vosbench.VosbenchError, match="is truncated"):
        vosbench.simulate(data.only(["ant"]), ("lfu",), **settings)


def test_a_capacity_may_be_a_number(data, tmp_path):
    one = data.only(["bee"])
    found = [vosbench.simulate(one, ("lfu",), capacity=size, jobs=1, cache=tmp_path) for size in (2, 2.0, [2], "2")]
    assert found == [found[0]] * 4
    assert [outcome.spec for outcome in found[0].outcomes] == ["lfu:capacity=2"]
    for wrong in (True, {"a": 1}):
        with pytest.raises(vosbench.VosbenchError, match="capacity must be of type str or float or list of float"):
            vosbench.simulate(one, ("lfu",), capacity=wrong, cache=tmp_path)


def test_threads_are_those_that_were_asked_for(data, tmp_path, monkeypatch):
    used, before = set(), torch.get_num_threads()

    def noting(do):
        return lambda *arguments, **settings: used.add(torch.get_num_threads()) or do(*arguments, **settings)

    for module, name in ((simulator, "keep"), (study, "measure")):
        monkeypatch.setattr(module, name, noting(getattr(module, name)))
    vosbench.simulate(data.only(["bee"]), ("lfu",), jobs=1, threads=3, cache=tmp_path)
    assert used == {3}
    assert torch.get_num_threads() == before
