"""Runs from a data set on disk to records: complete, resumed, invalidated, interrupted, and partial."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from vosbench.base import processes
from vosbench.bench import passes, plan
from vosbench.bench import scoring as background
from vosbench.bench.record import read_run
from vosbench.bench.runner import run
from vosbench.bench.suite import INCIDENTAL, Suite
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import PALETTE, read_labels
from vosbench.masks.score import score
from vosbench.report.tables.strategy import table

STRATEGIES = ("every-k:k=2", "first-only")
CONTROLS = ("copy-first-mask", "predict-nothing")


pytestmark = pytest.mark.usefixtures("lent_pool")


def lasting(records):
    """What of records a repetition must give again: everything but times and machine."""
    return [replace(record, timings=(), environment=None, together=1) for record in records]


def test_no_more_processes_score_than_there_are_records_or_cores(small_davis, small_suite, tmp_path, monkeypatch):
    lent, started = processes.start, []
    monkeypatch.setattr(processes, "start", lambda work, count: started.append(count) or lent(work, count))
    suite = small_suite(small_davis, policies=("first-only",), controls=False, jobs=100_000)
    for cores in (1, 64):
        monkeypatch.setattr(processes, "cpu_count", lambda cores=cores: cores)
        run(suite, tmp_path / str(cores))
    assert started == [1, 2]


def test_a_run_leaves_a_complete_record_per_strategy_and_sequence(finished_run):
    records = read_run(finished_run / "run")
    assert [(r.policy.spec, r.sequence) for r in records] == [
        (spec, sequence) for spec in STRATEGIES + CONTROLS for sequence in ("ant", "bee")
    ]
    assert len({r.identity for r in records}) == len(records)
    for record in records:
        assert [o.object_id for o in record.scores.objects] == ([1, 2] if record.sequence == "ant" else [1])
        assert all(len(o.j_per_frame) == len(o.f_per_frame) == o.frames == 4 for o in record.scores.objects)
        assert record.scores.protocol == "davis2017/1"
        assert not record.partial
        assert (record.dataset.name, record.dataset.split, record.dataset.frame_mode) == ("davis2017", "val", "480p")
        assert (record.model.name, record.model.precision) == ("toy_network", "fp32")
        assert (record.settings.top_k, record.settings.shorter_side, record.settings.affinity) == (5, None, "own")
    for record in records[:4]:
        assert record.policy.kind == "strategy"
        assert record.together == (1 if record.sequence == "ant" else 2)
        assert len(record.timings) == (record.sequence == "ant")  # the first sequence is timed
        for timing in record.timings:
            assert timing.frames == 6
            assert timing.objects == (2,) * 6
            assert 0 < timing.model_seconds <= timing.end_to_end_seconds
            assert sum(timing.latency_ms) == pytest.approx(1000 * timing.model_seconds)
        # 12 tokens a frame; the last frame is never written
        kept = (1, 1, 2, 2, 3, 3) if record.policy.name == "every-k" else (1,) * 6
        assert record.memory.frames == kept
    assert all(r.policy.kind == "control" and r.timings == () and r.memory is None for r in records[4:])


def test_masks_carry_the_ids_and_the_palette(finished_run):
    for strategy in ("every-k_k=2", *STRATEGIES[1:], *CONTROLS):
        for sequence, ids in (("ant", {0, 1, 2}), ("bee", {0, 1})):
            paths = sorted((finished_run / "run/masks" / strategy / sequence).iterdir())
            assert [path.name for path in paths] == [f"{t:05d}.png" for t in range(6)]
            for path in paths:
                with Image.open(path) as picture:
                    assert picture.mode == "P"
                    assert bytes(picture.getpalette()) == PALETTE
                    assert picture.size == (64, 48)
                assert set(np.unique(read_labels(path))) <= ids
            first = read_labels(finished_run / "DAVIS/Annotations/480p" / sequence / "00000.png")
            for path in paths if strategy == "copy-first-mask" else paths[:1]:
                expected = 0 * first if strategy == "predict-nothing" else first
                assert np.array_equal(read_labels(path), expected)


def test_scores_are_those_of_the_written_masks(finished_run):
    data = open_dataset("davis2017", finished_run / "DAVIS")
    for spec, folder in (("every-k:k=2", "every-k_k=2"), ("copy-first-mask", "copy-first-mask")):
        found = [r for r in read_run(finished_run / "run") if r.policy.spec == spec]
        objects = [(r.sequence, o.object_id, o.j, o.f) for r in found for o in r.scores.objects]
        expected = score(finished_run / "run/masks" / folder, data, jobs=1).objects
        for (sequence, object_id, j, f), o in zip(objects, expected, strict=True):
            assert (sequence, object_id) == (o.sequence, o.object_id)
            assert (j.mean, j.recall, j.decay) == (o.j.mean, o.j.recall, o.j.decay)
            assert (f.mean, f.recall, f.decay) == (o.f.mean, o.f.recall, o.f.decay)


def test_a_second_run_computes_nothing(finished, small_suite, monkeypatch, work):
    before = read_run(finished / "run")
    for module, name in ((passes, "propagate_together"), (passes, "write_labels"), (background, "score_sequence")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("computed again"))
    records = run(small_suite(finished / "DAVIS"), finished / "run", work)
    assert sorted(records, key=lambda r: (r.policy.position, r.sequence)) == list(before)
    assert not work


@pytest.mark.parametrize("how", ["deleted", "truncated", "of another identity"])
def test_only_what_lacks_a_valid_record_is_done_again(finished, small_suite, work, how):
    before = read_run(finished / "run")
    path = finished / "run/records/first-only/bee.json"
    if how == "deleted":
        path.unlink()
    elif how == "truncated":
        path.write_text(path.read_text()[:-40])
    else:
        path.write_text((finished / "run/records/first-only/ant.json").read_text())
    run(small_suite(finished / "DAVIS"), finished / "run", work)
    assert work == {("first-only", "bee")}
    assert lasting(read_run(finished / "run")) == lasting(before)


def test_a_changed_parameter_is_another_strategy(finished, small_suite, work):
    suite = small_suite(finished / "DAVIS", policies=("every-k:k=3", "first-only"))
    records = run(suite, finished / "run", work)
    assert work == {("every-k:k=3", "ant"), ("every-k:k=3", "bee")}
    assert {r.policy.parameters["k"] for r in records if r.policy.name == "every-k"} == {3}


def invert(path):
    cv2.imwrite(str(path), 255 - cv2.imread(str(path)))


def erase_a_row(path):
    labels = np.asarray(Image.open(path)).copy()
    labels[4] = 0
    Image.fromarray(labels).save(path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"top_k": 7}, id="top-k"),
        pytest.param({"affinity": "dot"}, id="affinity"),
        pytest.param({"precision": "bf16"}, id="precision"),
        pytest.param({"shorter_side": 32}, id="shorter-side"),
        pytest.param({"threads": 2}, id="threads"),
        pytest.param({"protocol": "davis2017-official"}, id="protocol"),
        pytest.param("code", id="code"),
    ],
)
def test_what_determines_a_result_invalidates_it(finished, small_suite, monkeypatch, change):
    common = {"root": finished / "DAVIS", "model": "stcn-tiny"}  # of which all can be changed
    before = plan.Plan(small_suite(**common))
    if change == "code":
        monkeypatch.setattr(plan, "source_hash", lambda *_: "another")
    after = plan.Plan(small_suite(**common, **(change if isinstance(change, dict) else {})))
    assert len(after.tasks) == len(before.tasks) == 8
    assert after.blank_record(after.tasks[0]).model.precision == after.model.precision == after.suite.precision
    assert {task.identity for task in before.tasks}.isdisjoint(task.identity for task in after.tasks)
    assert after.folder != before.folder


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: invert(root / "JPEGImages/480p/bee/00003.jpg"), id="frame"),
        pytest.param(lambda root: erase_a_row(root / "Annotations/480p/bee/00004.png"), id="mask"),
    ],
)
def test_a_changed_file_invalidates_the_results_of_its_sequence(finished, small_suite, work, change):
    suite, out = small_suite(finished / "DAVIS"), finished / "run"
    before = plan.Plan(suite)
    change(finished / "DAVIS")
    after = plan.Plan(suite)
    same = {task.identity for task in before.tasks} & {task.identity for task in after.tasks}
    assert same == {task.identity for task in before.tasks if task.name == "ant"}
    for choice in (
        {},
        {"sequences": ("ant",), "policies": ("latest-only",)},
    ):  # what is not asked for is held against its files as well
        with pytest.raises(VosbenchError, match="holds results of sequence bee of other files"):
            run(replace(suite, **choice), out, work)
    assert not work


@dataclass(frozen=True)
class LaterSuite(Suite):
    """A suite with a field of which nothing here knows."""

    flip: bool = False


def test_a_field_that_nobody_thought_of_determines_the_result(small_davis, small_suite):
    now = vars(small_suite(small_davis))
    suites = (Suite(**now), LaterSuite(**now), LaterSuite(**now, flip=True))
    assert len({plan.Plan(suite).conditions for suite in suites}) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"jobs": 3},
        {"controls": False},
        {"policies": ("first-only",)},
        {"threads": 1},
        {"timing": "all"},
        {"sequences": ("ant",)},
        {"exclude": ("ant",)},
        {"limit": 1},
    ],
)
def test_what_determines_nothing_leaves_it(small_davis, small_suite, change):
    assert plan.Plan(small_suite(small_davis, **change)).conditions == plan.Plan(small_suite(small_davis)).conditions
    assert {
        *("name", "jobs", "controls", "policies", "seeds", "root", "timing", "keep_memory_trace"),
        *("sequences", "exclude", "limit", "shard"),
    } == INCIDENTAL


def test_threads_are_those_that_were_asked_for_while_the_run_lasts(small_davis, small_suite, tmp_path, monkeypatch):
    used, real = set(), passes.propagate_together

    def propagate(*arguments, **settings):
        used.add(torch.get_num_threads())
        torch.set_num_threads(1)  # two would wait for one another where other tests run beside this one
        yield from real(*arguments, **settings)
        torch.set_num_threads(2)

    monkeypatch.setattr(passes, "propagate_together", propagate)
    suite = small_suite(small_davis, threads=2, policies=("first-only",), controls=False)
    assert {record.environment.threads for record in run(suite, tmp_path / "run")} == {2} == used
    assert torch.get_num_threads() == 1


def test_a_changed_frame_is_computed_and_scored_again(finished, small_suite, work):
    before = read_run(finished / "run")
    invert(finished / "DAVIS/JPEGImages/480p/bee/00000.jpg")
    records = run(small_suite(finished / "DAVIS"), finished / "run", work, fresh=True)
    assert len(work) == 8
    for one in (lambda r: r.identity, lambda r: r.fingerprint):
        assert {*map(one, records)} & {*map(one, before)} == {one(r) for r in before if r.sequence == "ant"}
    changed = [
        (old.policy.spec, old.sequence)
        for old, new in zip(before, read_run(finished / "run"), strict=True)
        if old.scores != new.scores
    ]
    assert set(changed) <= {(spec, "bee") for spec in STRATEGIES}
    assert changed


def test_a_record_tells_the_suite_without_the_places_of_this_machine(finished_run):
    for record in read_run(finished_run / "run"):
        assert record.suite["name"] == "default"
        assert record.suite["dataset"] == "davis2017"
        assert record.suite["policies"] == list(STRATEGIES)
        assert record.suite["model"] == "toy_network.py"
        assert str(finished_run) not in str(record.suite)


def test_fresh_does_everything_again(finished, small_suite, work):
    before = read_run(finished / "run")
    records = run(small_suite(finished / "DAVIS"), finished / "run", work, fresh=True)
    assert len(work) == len(records) == 8
    assert lasting(read_run(finished / "run")) == lasting(before)
    assert read_run(finished / "run") != before  # times are new


def test_controls_can_be_left_out(small_davis, small_suite, tmp_path):
    records = run(small_suite(small_davis, controls=False, policies=("first-only",), limit=1), tmp_path / "run")
    assert [(r.policy.spec, r.sequence) for r in records] == [("first-only", "ant")]


@pytest.mark.parametrize("choice", [{"limit": 1}, {"sequences": ("bee",)}])
def test_a_part_of_the_split_is_marked_partial(small_davis, small_suite, tmp_path, choice):
    records = run(small_suite(small_davis, policies=("first-only",), **choice), tmp_path / "run")
    assert len(records) == 3
    assert all(r.partial for r in records)
    assert {r.sequence for r in records} == {"ant" if "limit" in choice else "bee"}
    assert "PARTIAL" in table(records).caption


def test_a_limit_that_leaves_nothing_out_is_not_partial(finished, small_suite, work):
    run(small_suite(finished / "DAVIS", limit=9), finished / "run", work)
    assert not work


def test_a_private_split_gives_masks_and_no_scores(small_davis, small_suite, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "start", lambda *_: pytest.fail("nothing is to be scored"))
    records = run(small_suite(small_davis, split="test-dev"), tmp_path / "run")
    assert [(r.policy.spec, r.sequence) for r in records] == [(spec, "cat") for spec in STRATEGIES]
    assert all(r.scores is None and r.timings[0].frames == 6 for r in records)
    assert len(list((tmp_path / "run/masks/first-only/cat").glob("*.png"))) == 6
    assert table(records).frame["jf"].isna().all()
