"""The reader, the stage clock and the controls."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch

from vosbench.errors import VosbenchError
from vosbench.inference.controls import CONTROLS, hash_of
from vosbench.inference.reader import read_ahead
from vosbench.inference.timing import STAGES, StageClock
from vosbench.video import FrameRef, Sequence

CPU = torch.device("cpu")


# Reader


class Probe:
    """Stands for a frame's file, and remembers that it was read."""

    def __init__(self, number: int, log: list[int], fails: bool = False, seconds: float = 0) -> None:
        self.number, self.log, self.fails, self.seconds = number, log, fails, seconds

    def load(self) -> np.ndarray:
        self.log.append(self.number)
        time.sleep(self.seconds)
        if self.fails:
            raise VosbenchError(f"frame {self.number} is broken", "copy it again")
        return np.full((1, 1, 3), self.number, np.uint8)


def test_frames_come_in_order_and_few_wait():
    log: list[int] = []
    for number, frame in enumerate(read_ahead([Probe(i, log) for i in range(30)], depth=3)):
        assert frame[0, 0, 0] == number
        time.sleep(0.001)
        assert len(log) <= number + 1 + 3
    assert log == list(range(30))


def test_a_broken_frame_raises_in_its_turn():
    log: list[int] = []
    reader = read_ahead([Probe(i, log, fails=i == 2) for i in range(9)])
    assert [int(next(reader)[0, 0, 0]) for _ in range(2)] == [0, 1]
    with pytest.raises(VosbenchError, match="frame 2 is broken"):
        next(reader)
    assert not any(thread.name.startswith("vosbench-reader") for thread in threading.enumerate())


def test_closing_ends_the_thread():
    log: list[int] = []
    reader = read_ahead([Probe(i, log, seconds=0.1) for i in range(99)], depth=20)
    next(reader)
    assert any(thread.name.startswith("vosbench-reader") for thread in threading.enumerate())
    reader.close()
    assert not any(thread.name.startswith("vosbench-reader") for thread in threading.enumerate())
    assert len(log) < 10  # what was waiting is not read any more


def test_no_frames():
    assert list(read_ahead([])) == []


# Clock


def test_stages_add_up_until_they_are_taken(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("vosbench.inference.timing.perf_counter", lambda: now[0])
    clock = StageClock(CPU)
    for stage, seconds in (("read", 2.0), ("decode", 0.5), ("read", 1.0)):
        with clock.stage(stage):
            now[0] += seconds
        now[0] += 100  # between stages: nobody's time
    assert clock.take() == dict.fromkeys(STAGES, 0.0) | {"read": 3.0, "decode": 0.5}
    assert clock.take() == dict.fromkeys(STAGES, 0.0)


def test_a_stage_inside_another_is_no_part_of_it(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("vosbench.inference.timing.perf_counter", lambda: now[0])
    clock = StageClock(CPU)
    with clock.stage("policy"):
        now[0] += 1
        for _ in range(2):
            with clock.stage("write"):
                now[0] += 3
        now[0] += 0.5
    with clock.stage("write"):
        now[0] += 10
    assert clock.take() == dict.fromkeys(STAGES, 0.0) | {"policy": 1.5, "write": 16.0}


def test_only_stages_that_are_known_can_be_timed():
    clock = StageClock(CPU)
    with pytest.raises(KeyError), clock.stage("lunch"):
        pass


def test_a_frame_is_timed_by_what_is_done_in_it(segment, sequence):
    predictions = segment(sequence)
    for t, p in enumerate(predictions):
        stages = p.timing.stages
        assert tuple(stages) == STAGES
        assert p.timing.seconds == pytest.approx(sum(stages.values()))
        for stage in ("encode_key", "aggregate", "output"):
            assert stages[stage] > 0
        for stage in ("read", "decode"):
            assert (stages[stage] > 0) == (t > 0)
        assert stages["policy"] > 0  # its start and its first write count, too
        for stage in ("encode_value", "write"):
            assert (stages[stage] > 0) == (t in {0, 5, 10, 15, 20})


class AtOnce(ThreadPoolExecutor):
    """Does in the caller's thread what it is given: nothing is read while a frame is computed."""

    def submit(self, function, *inputs):
        done = Future()
        done.set_result(function(*inputs))
        return done


def test_reading_files_is_nobodys_time(segment, small_clip, monkeypatch):
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb[:2], {0: labels[0]})
    clock, waited = time.perf_counter, [0.0]
    monkeypatch.setattr("vosbench.inference.timing.perf_counter", lambda: clock() + waited[0])
    monkeypatch.setattr("vosbench.inference.reader.ThreadPoolExecutor", AtOnce)
    for part in (FrameRef, type(sequence.first_masks[0])):
        load = part.load

        def slow(self, load=load):
            waited[0] += 1000
            return load(self)

        monkeypatch.setattr(part, "load", slow)
    assert sum(p.timing.seconds for p in segment(sequence)) < 1000
    assert waited[0] >= 3000  # two frames, a mask


# Controls


def test_the_first_mask_is_copied(small_clip):
    rgb, labels = small_clip
    first = np.where(labels[0] == 1, 1, 0).astype(np.uint8)
    masks = list(CONTROLS["copy-first-mask"](Sequence.from_arrays(rgb[:9], {2: first, 5: labels[5]})))
    assert len(masks) == 9
    assert all(mask.dtype == np.uint8 for mask in masks)
    assert not np.any(masks[:2])
    both = np.where(labels[5] == 2, 2, first)
    for t, mask in enumerate(masks):
        if t >= 2:
            assert (mask == (first if t < 5 else both)).all()


def test_nothing_is_predicted_without_reading_a_frame(small_clip, tmp_path):
    rgb, labels = small_clip
    assert cv2.imwrite(str(tmp_path / "0.png"), rgb[0])
    sequence = Sequence("a", (FrameRef("0", tmp_path / "0.png"), FrameRef("1", tmp_path / "absent.png")),
                        Sequence.from_arrays(rgb, {0: labels[0]}).first_masks)  # fmt: skip
    for mask in CONTROLS["predict-nothing"](sequence):
        assert mask.shape == (40, 56)
        assert not mask.any()


def test_controls_are_told_apart():
    assert len({hash_of(control) for control in CONTROLS.values()}) == len(CONTROLS)
