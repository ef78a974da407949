"""Strategies of a run go through a sequence together, and each goes alone where it is timed."""

import gc
import threading
import time
import weakref
from dataclasses import replace

import pytest
import torch

from vosbench.bench import passes
from vosbench.bench.plan import Plan
from vosbench.bench.record import read_run
from vosbench.bench.runner import run
from vosbench.images import write_labels
from vosbench.inference import session
from vosbench.memory.bank import MemoryBank
from vosbench.models.graphs import CALLS, NEVER
from vosbench.report.measures import model_fps
from vosbench.report.tables import latency, strategy

pytestmark = pytest.mark.usefixtures("lent_pool")

SEVERAL = (
    "every-k:k=2",
    "xmem:every=1,min_frames=2,max_frames=3",
    "gated:base=lfu(capacity=1,every=1)",
    "oracle-masks",
)
CROWDED = """
from dataclasses import dataclass
from vosbench.memory.policy import MemoryPolicy

tries = []

@dataclass
class Crowded(MemoryPolicy):
    def admit(self, step):
        if step.frame == 3:
            tries.append(self.video.name)
            if tries.count(self.video.name) <= TIMES:
                raise MemoryError()
        return False
"""
SPOILING = """
from dataclasses import dataclass
from vosbench.memory.policy import MemoryPolicy

@dataclass
class Spoiling(MemoryPolicy):
    def admit(self, step):
        return True

    def write(self, tokens):
        for tensor in (tokens.key, *tokens.values):
            tensor.mul_(0)
        super().write(tokens)
"""


def results(records):
    """What of records has nothing to do with how they came about."""
    return {(r.policy.spec, r.sequence): (r.scores, r.masks, r.memory, r.identity) for r in records}


def test_together_and_alone_is_the_same(small_davis, small_suite, tmp_path):
    suite = small_suite(small_davis, policies=SEVERAL)
    alone = run(replace(suite, timing="all"), tmp_path / "alone")
    assert {r.together for r in alone} == {1}
    assert all(len(r.timings) == (r.policy.kind != "control") for r in alone)
    both = run(replace(suite, timing="none"), tmp_path / "together")
    assert {r.together for r in both if r.policy.kind != "control"} == {4}
    assert not any(r.timings for r in both)
    assert results(alone) == results(both)
    masks = sorted((tmp_path / "alone/masks").rglob("*.png"))
    assert len(masks) == 6 * 6 * 2
    for path in masks:
        assert path.read_bytes() == (tmp_path / "together" / path.relative_to(tmp_path / "alone")).read_bytes()
    assert "; not timed" in strategy.table(both).caption


def test_what_a_strategy_does_to_its_tokens_is_its_own_business(small_davis, small_suite, tmp_path):
    (tmp_path / "spoiling.py").write_text(SPOILING)
    suite = small_suite(small_davis, policies=(str(tmp_path / "spoiling.py"), "every-k:k=2"), timing="none")
    beside = [r for r in run(suite, tmp_path / "together") if r.policy.spec == "every-k:k=2"]
    alone = run(replace(suite, policies=("every-k:k=2",)), tmp_path / "alone")
    assert results(beside) == results(r for r in alone if r.policy.kind != "control")


def test_the_first_sequence_is_timed(finished_run):
    records = read_run(finished_run / "run")
    made = strategy.table(records)
    assert "; times are of ant, where each strategy ran alone" in made.caption
    assert made.rows[0]["model_fps"] == model_fps(r for r in records if r.policy.position == 0 and r.sequence == "ant")
    assert [row["frames"] for row in latency.table(records).rows] == [6, 6]


def test_what_is_to_be_timed_now_is_done_again(finished, small_suite, work):
    before = read_run(finished / "run")
    suite = small_suite(finished / "DAVIS", timing="all")
    records = run(suite, finished / "run", work)
    assert work == {("every-k:k=2", "bee"), ("first-only", "bee")}
    assert results(records) == results(before)
    assert all(r.timings for r in records if r.policy.kind == "strategy")
    assert "times are of" not in strategy.table(records).caption
    work.clear()
    run(replace(suite, timing="none"), finished / "run", work)
    assert not work


def test_times_count_where_all_strategies_have_some(small_davis, small_suite, tmp_path, work):
    run(small_suite(small_davis, policies=("first-only",), timing="all"), tmp_path / "run")
    records = run(small_suite(small_davis, policies=("first-only", "fifo")), tmp_path / "run", work)
    assert work == {("fifo", "ant"), ("fifo", "bee")}
    assert [(r.sequence, len(r.timings)) for r in records if r.policy.spec == "first-only"] == [("ant", 1), ("bee", 1)]
    assert "times are of ant" in strategy.table(records).caption
    assert [row["frames"] for row in latency.table(records).rows] == [6, 6]


@pytest.mark.parametrize("times", [1, 2])
def test_what_found_no_room_among_others_goes_again_alone(small_davis, small_suite, tmp_path, finished_run, times):
    source = tmp_path / "crowded.py"
    source.write_text(CROWDED.replace("TIMES", str(times)))
    suite = small_suite(small_davis, policies=(str(source), "first-only"), timing="none")
    records = run(suite, tmp_path / "run")
    ours = [r for r in records if r.policy.name == "crowded"]
    assert [r.failure is None for r in ours] == [times == 1] * 2
    if times == 1:
        assert [(r.together, r.memory.tokens) for r in ours] == [(1, (48,) * 6)] * 2
    else:
        assert {r.failure.reason for r in ours} == {"out of memory"}
    sound = {r.sequence: r.masks for r in read_run(finished_run / "run") if r.policy.spec == "first-only"}
    assert {r.sequence: r.masks for r in records if r.policy.spec == "first-only"} == sound


def test_a_warm_up_does_what_any_strategy_may_do(small_davis, small_suite, tmp_path, monkeypatch):
    """A frame is written and takes the place of another, so that no strategy's time has the first eviction in it."""
    done, plan = [], Plan(small_suite(small_davis), tmp_path / "run")
    for act in ("read", "free", "insert"):
        real = getattr(MemoryBank, act)
        monkeypatch.setattr(MemoryBank, act, lambda *given, act=act, real=real: done.append(act) or real(*given))
    passes.warm_up(plan, plan.sequences["ant"])
    assert done == ["insert", "read", "free", "insert", "read"]


def test_no_graph_is_captured_in_a_timed_frame(small_davis, small_suite, tmp_path, monkeypatch):
    """But in the warm-up, after a call: it goes to the frames where objects appear, and to those that follow."""
    asked, plan = [], Plan(small_suite(small_davis), tmp_path / "run")
    real = passes.propagate_together

    def noted(model, video, policies, **options):
        names = [frame.name for frame in video.frames], [first.frame_index for first in video.first_masks]
        asked.append((*names, CALLS.get()))
        return real(model, video, policies, **options)

    monkeypatch.setattr(passes, "propagate_together", noted)
    video = plan.sequences["ant"]
    first, later = (replace(video.first_masks[0], object_ids=(i,)) for i in (1, 2))
    passes.warm_up(plan, replace(video, first_masks=(first, replace(later, frame_index=4))))
    passes.alone(plan, plan.tasks[0], video, None)
    names = [frame.name for frame in video.frames]
    assert asked == [(names[:3] + names[4:], [0, 3], 1), (names, [0], NEVER)]


def test_what_a_strategy_held_is_free_when_it_failed(small_davis, small_suite, tmp_path, monkeypatch):
    """Before a GPU is asked to give back what nobody uses: not when the garbage collector comes by."""
    source, banks, alive = tmp_path / "crowded.py", [], []
    source.write_text(CROWDED.replace("TIMES", "2"))

    class Noted(MemoryBank):
        def __init__(self, *given):
            super().__init__(*given)
            banks.append(weakref.ref(self))

    monkeypatch.setattr(session, "MemoryBank", Noted)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: alive.append(sum(bank() is not None for bank in banks)))
    suite = small_suite(small_davis, policies=(str(source), "first-only"), timing="none", sequences=("ant",))
    plan = Plan(suite, tmp_path / "run")
    tasks = [task for task in plan.tasks if task.policy.kind == "strategy"]
    gc.collect()
    gc.disable()
    try:
        records = [record for _, record in passes.together(plan, tasks, plan.sequences["ant"], None)]
    finally:
        gc.enable()
    assert sorted(record.failure is None for record in records) == [False, True]
    assert len(banks) == 3
    assert alive == [0, 0]


def test_masks_are_written_beside_the_frames_and_before_the_record(small_davis, small_suite, tmp_path, monkeypatch):
    done, waiting, main = [], [], threading.get_ident()

    def slowly(path, mask):
        assert threading.get_ident() != main
        time.sleep(0.05)
        write_labels(path, mask)
        done.append(path.name)

    monkeypatch.setattr(passes, "write_labels", slowly)
    suite = small_suite(small_davis, policies=("first-only",), timing="none", sequences=("ant",), controls=False)
    plan = Plan(suite, tmp_path / "run")
    ((_, record),) = passes.together(
        plan, plan.tasks, plan.sequences["ant"], lambda *told: waiting.append(told[2] - len(done))
    )
    assert record.masks
    assert len(done) == 6
    assert 1 <= max(waiting) <= passes.AHEAD


def test_who_goes_with_whom(small_davis, small_suite, tmp_path, monkeypatch):
    policies, real = [], passes.propagate_together

    def noted(model, video, chosen, **options):
        policies.append((video.name, [type(policy).__name__ for policy in chosen], options["timed"]))
        return real(model, video, chosen, **options)

    monkeypatch.setattr(passes, "propagate_together", noted)
    run(small_suite(small_davis, controls=False), tmp_path / "run")
    warm_up, *rest = policies
    assert warm_up == ("ant", ["_WarmUp"], False)
    assert rest == [("ant", ["EveryK"], True), ("ant", ["FirstOnly"], True), ("bee", ["EveryK", "FirstOnly"], False)]


def test_instead_of_a_sequence_that_is_faulty_the_next_is_timed(small_davis, small_suite, tmp_path):
    broken = small_davis / "JPEGImages/480p/ant/00004.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    records = run(small_suite(small_davis), tmp_path / "run")
    assert [(r.sequence, len(r.timings)) for r in records if r.policy.kind == "strategy"] == [
        ("ant", 0),
        ("ant", 0),
        ("bee", 1),
        ("bee", 1),
    ]


def test_repetitions_take_turns(small_davis, small_suite, tmp_path):
    gone = []

    def note(name, sequence, frame, frames):
        if frame == frames:
            gone.append((sequence, name))

    suite = small_suite(small_davis, timing="all", repeats=3)
    records = run(suite, tmp_path / "run", note)
    for sequence in ("ant", "bee"):
        turns = [name for at, name in gone if at == sequence]
        assert turns == [*3 * ("every-k:k=2", "first-only"), "copy-first-mask", "predict-nothing"]
    assert len(gone) == (plan := Plan(suite)).passes_of(plan.tasks) == 16
    assert {len(r.timings) for r in records if r.policy.kind == "strategy"} == {3}
    assert len({t.model_seconds for r in records for t in r.timings}) == 12  # raw, not one figure thrice
    assert all(r.scores and r.masks for r in records)
    assert Plan(replace(suite, repeats=1)).conditions != records[0].conditions
