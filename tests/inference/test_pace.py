"""The reference operation beside frames: CPU time of the frames alone, whatever the clock on the wall does."""

import time

import pytest
import torch

from vosbench.inference.pace import Pace


def work(seconds):
    """Use up so much CPU time of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def frames(count):
    for index in range(count):
        work(0.02)
        time.sleep(0.02)  # waiting for a core, a file, another program
        yield index


def test_frames_pass_and_only_their_work_counts():
    pace = Pace(torch.device("cpu"))
    assert pace.reference_ms == []  # the warm-up does not count
    found = []
    for index in pace.beside(frames(5)):
        work(0.03)  # what the caller does with a frame is not the frame's
        found.append(index)
    assert found == [0, 1, 2, 3, 4]
    assert len(pace.cpu_ms) == len(pace.reference_ms) == 5
    assert all(20 <= spent < 50 for spent in pace.cpu_ms)
    assert all(spent > 0 for spent in pace.reference_ms)
    assert pace.seconds >= sum(pace.reference_ms) / 1000


def test_an_error_of_a_frame_comes_through():
    def broken():
        yield 0
        raise MemoryError("full")

    pace = Pace(torch.device("cpu"))
    with pytest.raises(MemoryError, match="full"):
        list(pace.beside(broken()))
    assert len(pace.cpu_ms) == 1
