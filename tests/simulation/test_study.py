"""Studies over several traces and processes, and one strategy watched."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.memory.spec import load_policy
from vosbench.models.checkpoint import load_model
from vosbench.models.geometry import Geometry
from vosbench.simulation import study
from vosbench.simulation.cache import keep
from vosbench.simulation.history import History, history
from vosbench.simulation.measures import measure
from vosbench.simulation.study import Study, carry_out, plan
from vosbench.video import Sequence

SPECS = ("lfu", "lru", "fifo:capacity=1", "fifo", "first-and-latest")


@pytest.fixture
def traces(small_clip, tmp_path):
    rgb, labels = small_clip
    clips = [Sequence.from_arrays(rgb[:length], {0: labels[0]}, f"clip-{length}") for length in (9, 14)]
    return [keep(tmp_path, load_model("stcn-tiny"), "weights", clip, clip.name) for clip in clips]


def test_a_gpu_is_used_by_one_process_unless_more_are_asked_for(traces, monkeypatch):
    """Each process would hold the state of the GPU once more, some hundred megabytes, on every core."""
    monkeypatch.setattr(study, "cpu_count", lambda: 8)
    on_cpu, on_gpu = Study(SPECS), Study(SPECS, device="cuda:1")
    assert (on_cpu.processes(None), on_gpu.processes(None), on_gpu.processes(3)) == (8, 1, 3)
    assert (on_cpu.processes(100_000), on_gpu.processes(100_000)) == (8, 8)
    assert (len(plan(on_cpu, traces)), len(plan(on_gpu, traces))) == (8, 2)
    here = []
    monkeypatch.setattr(study.ReplayTask, "carry_out", lambda *_: here.append(1) or {})
    assert len(list(carry_out(plan(on_gpu, traces)))) == len(here) == 2


def collected(tasks, jobs):
    """The outcomes by spec and sequence, and the errors by spec and trace."""
    outcomes, faults = {}, {}
    for task, found in carry_out(tasks, jobs):
        for spec, outcome in found.items():
            if isinstance(outcome, VosbenchError):
                faults[spec, task.trace] = outcome.message, outcome.hint
            else:
                outcomes[spec, outcome.sequence] = outcome
    return outcomes, faults


def test_settings_are_divided_only_where_sequences_are_few(monkeypatch):
    monkeypatch.setattr("vosbench.simulation.study.cpu_count", lambda: 64)
    study, four = Study(SPECS), [Path(str(number)) for number in range(4)]
    assert [task.study.specs for task in plan(study, four, 2)] == [SPECS] * 4
    assert [task.study.specs for task in plan(study, four[:1], 2)] == [SPECS[::2], SPECS[1::2]]
    assert [len(task.study.specs) for task in plan(study, four[:3], 4)] == [3, 2] * 3
    assert [len(task.study.specs) for task in plan(study, four[:1], 64)] == [1] * 5


def test_processes_change_nothing(traces):
    alone, faults = collected(plan(Study(SPECS), traces, 1), 1)
    assert set(alone) == {(spec, f"clip-{n}") for spec in SPECS for n in (9, 14) if spec != "fifo:capacity=1"}
    assert list(faults) == [("fifo:capacity=1", trace) for trace in traces]
    assert collected(plan(Study(SPECS), traces, 2), 2) == (alone, faults)


def test_processes_work_in_the_folder_of_their_caller(traces, tmp_path, monkeypatch):
    for folder in (tmp_path / "a", tmp_path / "b"):  # joblib keeps the processes of the first
        folder.mkdir()
        monkeypatch.chdir(folder)
        near = [Path(shutil.copy(trace, folder)).relative_to(folder) for trace in traces]
        assert collected(plan(Study(SPECS), near, 2), 2) == collected(plan(Study(SPECS), near, 1), 1)


def test_progress_of_work_in_this_process(traces):
    seen = []
    tasks = plan(Study(("lfu",)), traces, 1)
    for _ in carry_out(tasks, 1, lambda task, done, total: seen.append((task.trace, done, total))):
        pass
    assert seen == [(trace, t, n) for trace, n in zip(traces, (9, 14), strict=True) for t in range(1, n + 1)]


@pytest.mark.parametrize("appearing", [{0: 2}, {3: 1, 8: 1}])
def test_history(drawn, draw, appearing):
    trace = draw(20, appearing)
    seen = history(trace, "lfu", load_policy("lfu:every=2"), drawn, at=11)
    outcome = measure(trace, {"lfu": load_policy("lfu:every=2")}, load_policy("every-k"), drawn)["lfu"]
    assert tuple(seen.kept.sum(1)) == outcome.tokens
    assert np.array_equal(np.triu(seen.kept, 1), np.zeros_like(seen.kept))  # nothing of a frame still to come
    assert np.array_equal(seen.places.sum(1), seen.kept[11])
    assert (np.diff(seen.kept, axis=0)[:, : trace.first] == 0).all()
    last = history(trace, "lfu", load_policy("lfu:every=2"), drawn)
    assert last.at == 19
    assert np.array_equal(last.places.sum(1), seen.kept[19])


def test_history_of_a_frame_that_is_not_there(drawn, draw):
    for at in (-1, 20):
        with pytest.raises(VosbenchError, match=f"drawn has no frame {at}"):
            history(draw(20), "lfu", load_policy("lfu"), drawn, at=at)


def test_places_as_pixels():
    geometry = Geometry.of(40, 56, None)  # padded to 48x64: 4 pixels on every side
    places = np.zeros((2, 12), bool)
    places[1, [0, 7]] = True  # the upper left token, and the last of the second row
    mask = History(np.zeros((2, 2), np.int32), places, 1, geometry).mask(1)
    expected = np.zeros((48, 64), bool)
    expected[:16, :16] = expected[16:32, 48:] = True
    assert np.array_equal(mask, expected[4:44, 4:60])
    large = History(np.zeros((2, 2), np.int32), places, 1, Geometry((80, 112), (40, 56), geometry.padding)).mask(1)
    assert np.array_equal(large, mask.repeat(2, 0).repeat(2, 1))
