"""Faults that only a GPU would have shown, on one that is not there; see `faults.py`. On what a strategy does, waits
and repeatable sums there is `test_emulated_gpu.py`.
"""

import pytest

FRAMES = 8


@pytest.fixture(scope="module")
def found(emulated):
    return emulated("faults.py")


def test_what_a_gpu_would_refuse_is_refused(found):
    assert [what for what, holds in found["what_is_refused"].items() if not holds] == []
    assert len(found["what_is_refused"]) == 6


def test_the_reference_beside_frames_waits_once_in_the_end(found):
    pace = found["pace"]
    assert pace["during"] == [0] * 5
    assert pace["in the end"] == 1
    assert len(pace["ms"]) == 5
    assert min(pace["ms"]) > 0


def test_slots_of_another_device_are_told(found):
    told = found["slots_of_another_device"]
    assert "faults.py:" in told
    assert "frame 1: slots are on cpu, the memory on cuda:0: make them with device=bank.frame.device" in told


def test_a_resumed_training_does_not_wait_for_the_number_of_its_step(found):
    assert found["resumed_training"] == {"step on": "cpu", "waits": 0}


def test_a_mask_is_waited_for_one_frame_later(found):
    """The host waits for the mask of the frame before only; it has the mask of the last when it asks for it."""
    pushed = found["frames_that_come_one_by_one"]
    assert max(pushed["waits"][2:]) == 1
    assert pushed["was under way"]
    assert pushed["alike"] == [True] * FRAMES


def test_nan_in_the_last_frame_is_told_in_the_end(found):
    assert found["nan_in_the_last_frame"] == "the network predicts NaN in frame 7"


def test_masks_that_a_thread_writes_are_those_of_a_cpu(found):
    run = found["masks_of_a_run"]
    assert len(run["cpu"]) == 3
    assert None not in run["cpu"]
    assert run["cuda"] == run["cpu"]
