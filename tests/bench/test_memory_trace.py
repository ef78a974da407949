"""Traces of the memory beside the records: kept when they are asked for, and never part of a result."""

import os
from dataclasses import replace

import numpy as np
import pytest

from vosbench.bench.plan import Plan
from vosbench.bench.record import read_record, read_run
from vosbench.bench.runner import run
from vosbench.memory.trace import MemoryTrace

pytestmark = pytest.mark.usefixtures("lent_pool")


def traces(folder):
    return {path.relative_to(folder / "records").as_posix(): path for path in (folder / "records").rglob("*.npz")}


def test_a_trace_tells_the_tokens_of_the_record(small_davis, small_suite, tmp_path):
    """Of strategies that write whole frames, single tokens, tokens for one frame, and merged ones."""
    policies = ("every-k:k=2,last=true", "random:capacity=2,every=1", "lfu:capacity=1.5,every=1", "afb:capacity=2")
    suite = small_suite(small_davis, policies=policies, keep_memory_trace=True)
    run(suite, tmp_path / "run")
    kept = traces(tmp_path / "run").values()
    assert len(kept) == 8  # controls have none
    for path in kept:
        counts = tuple(int(held.sum()) for held in MemoryTrace.read(path).held())
        assert counts == read_record(path.with_suffix(".json")).memory.tokens


def test_a_trace_is_no_part_of_the_result(finished, small_suite, work):
    before = read_run(finished / "run")
    suite = small_suite(finished / "DAVIS")
    kept = replace(suite, keep_memory_trace=True)
    assert Plan(kept).conditions == Plan(suite).conditions
    after = run(kept, finished / "run", work)
    assert len(work) == 4  # the strategies: there was no trace yet; controls have none
    assert [(r.identity, r.masks, r.scores) for r in sorted(after, key=lambda r: (r.policy.position, r.sequence))] == [
        (r.identity, r.masks, r.scores) for r in before
    ]
    assert traces(finished / "run").keys() == {
        f"{name}/{sequence}.npz" for name in ("every-k_k=2", "first-only") for sequence in ("ant", "bee")
    }
    work.clear()
    run(kept, finished / "run", work)
    run(suite, finished / "run", work)
    assert work == set()
    assert len(traces(finished / "run")) == 4

    labelled = replace(suite, policies=("Mine=every-k:k=2", "first-only"))
    run(labelled, finished / "run", work)
    (mine,) = (name for name in os.listdir(finished / "run/records") if name.startswith("Mine"))
    assert {name.split("/")[0] for name in traces(finished / "run")} == {mine, "first-only"}
    run(suite, finished / "run", work, fresh=True)
    assert traces(finished / "run") == {}  # an older trace is not that of the new masks


def test_whole_frames_cost_a_few_bytes(small_davis, small_suite, tmp_path):
    run(small_suite(small_davis, keep_memory_trace=True, controls=False), tmp_path / "run")
    for path in traces(tmp_path / "run").values():
        with np.load(path) as file:
            assert len(file["changes"]) <= 6 * 4
        assert path.stat().st_size < 1500
