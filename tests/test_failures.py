"""A strategy that runs out of memory or breaks its contract is a row of the result, and the rest goes on."""

import re

import pytest
import toy_network
from layouts import write_small_davis

from vosbench.bench.record import read_run
from vosbench.bench.runner import run
from vosbench.errors import VosbenchError
from vosbench.report.tables import strategy

pytestmark = pytest.mark.usefixtures("lent_pool")

HUNGRY = """
from dataclasses import dataclass
import torch
from vosbench.memory.policy import MemoryPolicy

@dataclass
class Hungry(MemoryPolicy):
    def admit(self, step):
        if step.frame == 3 and self.video.name == "ant":
            FAULT
        return False
"""
TOY = toy_network.__file__
AT = r"broke its contract: .*hungry\.py:10: ant, frame 3: "


@pytest.fixture(scope="module")
def sound_run(tmp_path_factory, small_suite):
    """The records of a run in which nothing fails."""
    folder = tmp_path_factory.mktemp("sound")
    suite = small_suite(write_small_davis(folder / "DAVIS"), model=TOY, policies=("every-k:k=2",), controls=False)
    return run(suite, folder / "run")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("torch.zeros(2**46)", "out of memory: .*DefaultCPUAllocator"),
        ("raise torch.OutOfMemoryError('CUDA out of memory.\\nTried')", "out of memory: CUDA out of memory. Tried"),
        ("raise MemoryError()", "out of memory"),
        ("raise RuntimeError('CUDA error: out of memory')", "out of memory: CUDA error: out of memory"),
        ("torch.zeros(2) @ torch.zeros(3)", AT + "RuntimeError: .*size"),
        (
            "self.bank.free(torch.tensor([9999]))",
            AT + "the strategy named slots out of range: 9999",
        ),
    ],
)
def test_a_strategy_that_fails(small_davis, small_suite, tmp_path, fault, reason, work, sound_run):
    source = tmp_path / "hungry.py"
    source.write_text(HUNGRY.replace("FAULT", fault))
    suite = small_suite(small_davis, model=TOY, policies=(str(source), "every-k:k=2"))
    records = run(suite, tmp_path / "run", work)
    assert len(records) == 8
    (failed,) = (r for r in records if r.failure)
    assert (failed.policy.name, failed.sequence) == ("hungry", "ant")
    assert re.match(reason, failed.failure.reason)
    assert "\n" not in failed.failure.reason
    assert failed.failure.frames == 3
    assert failed.failure.bytes_peak > 0
    assert failed.scores is failed.memory is failed.masks is None
    assert not list((tmp_path / "run/masks").glob("*hungry*/*ant*"))
    assert [r.scores for r in records if r.policy.spec == "every-k:k=2"] == [r.scores for r in sound_run]
    (row,) = (row for row in strategy.table(records).rows if row["strategy"] == str(source))
    assert (row["kind"], row["failed_sequences"]) == ("failed", 1)


@pytest.mark.parametrize("fault", ["raise MemoryError()", "self.bank.free(torch.tensor([9999]))"])
def test_a_strategy_that_failed_is_tried_again(small_davis, small_suite, tmp_path, fault, work):
    source = tmp_path / "hungry.py"
    source.write_text(HUNGRY.replace("FAULT", fault))
    suite = small_suite(small_davis, model=TOY, policies=(str(source), "every-k:k=2"))
    records = run(suite, tmp_path / "run")
    assert [r.policy.name for r in records if r.failure] == ["hungry"]
    assert [r.failure is None for r in run(suite, tmp_path / "run", work)] == [r.failure is None for r in records]
    assert not work  # it was, and did not come to its end
    source.write_text(HUNGRY.replace("FAULT", "pass"))
    assert not any(r.failure for r in run(suite, tmp_path / "run", work))
    assert work == {(str(source), "ant"), (str(source), "bee")}


def test_a_failure_during_warm_up_is_found_again(small_davis, small_suite, tmp_path):
    """Where two objects need more than there is, the warm-up fails, and then every strategy; one object fits."""
    suite = small_suite(small_davis, policies=("first-only",), timing="all", repeats=2, memory_limit="4.3MB")
    records = run(suite, tmp_path / "run")
    assert [(r.sequence, r.failure.frames) for r in records if r.failure] == [("ant", 0)]
    assert [len(r.timings) for r in records if r.sequence == "bee"] == [2, 0, 0]


def test_a_gpu_that_failed_ends_the_run_and_nothing_finished_is_lost(small_davis, small_suite, tmp_path, work):
    source = tmp_path / "hungry.py"
    source.write_text(HUNGRY.replace("FAULT", "raise RuntimeError('CUDA error: device-side assert triggered')"))
    suite = small_suite(small_davis, model=TOY, policies=("every-k:k=2", str(source)))
    with pytest.raises(VosbenchError, match="the GPU failed: CUDA error: device-side assert triggered"):
        run(suite, tmp_path / "run", work)
    assert read_run(tmp_path / "run")
