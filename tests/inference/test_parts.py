"""Geometry by STCN's rules, the reader, the stage clock and the controls."""

import threading
import time

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from vosbench.errors import VosbenchError
from vosbench.inference.controls import CONTROLS, hash_of
from vosbench.inference.frames import Geometry
from vosbench.inference.reader import read_ahead
from vosbench.inference.timing import STAGES, StageClock
from vosbench.video import FrameRef, Sequence

CPU = torch.device("cpu")


# Geometry


@pytest.mark.parametrize(
    ("size", "shorter_side", "inference", "padding", "tokens"),
    [
        ((480, 854), None, (480, 854), (5, 5, 0, 0), 30 * 54),
        ((480, 853), None, (480, 853), (5, 6, 0, 0), 30 * 54),  # left = floor(d/2)
        ((60, 90), None, (60, 90), (3, 3, 2, 2), 4 * 6),
        ((64, 96), None, (64, 96), (0, 0, 0, 0), 4 * 6),
        ((65, 97), None, (65, 97), (7, 8, 7, 8), 5 * 7),
        ((720, 1280), 480, (480, 853), (5, 6, 0, 0), 30 * 54),
        ((1280, 720), 480, (853, 480), (0, 0, 5, 6), 54 * 30),
        ((100, 150), 480, (480, 720), (0, 0, 0, 0), 30 * 45),
    ],
)
def test_sizes_and_padding(size, shorter_side, inference, padding, tokens):
    geometry = Geometry.of(*size, shorter_side)
    assert (geometry.original, geometry.inference, geometry.padding) == (size, inference, padding)
    assert geometry.tokens == tokens


@given(st.integers(1, 2000), st.integers(1, 2000), st.none() | st.integers(1, 600))
def test_every_size_ends_in_multiples_of_16(height, width, shorter_side):
    geometry = Geometry.of(height, width, shorter_side)
    left, right, top, bottom = geometry.padding
    assert 0 <= left <= right <= left + 1 <= 8
    assert 0 <= top <= bottom <= top + 1 <= 8
    padded = geometry.inference[0] + top + bottom, geometry.inference[1] + left + right
    assert padded[0] % 16 == padded[1] % 16 == 0
    assert geometry.tokens == padded[0] * padded[1] // 256
    if shorter_side is not None:
        assert min(geometry.inference) == shorter_side
        assert max(geometry.inference) == int(shorter_side * max(height, width) / min(height, width))


def test_pixels_are_normalised_and_padded_with_zeros():
    rgb = np.random.default_rng(0).integers(0, 256, (20, 19, 3), np.uint8)
    frame = Geometry.of(20, 19, None).prepare(rgb, CPU).numpy()[0]
    assert frame.shape == (3, 32, 32)
    expected = (rgb / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(frame[:, 6:26, 6:25], expected.transpose(2, 0, 1), rtol=1e-5, atol=1e-6)
    frame[:, 6:26, 6:25] = 0
    assert not frame.any()


def test_frames_are_resized_bicubically_after_normalising():
    rgb = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    found = Geometry.of(40, 60, 32).prepare(rgb, CPU)
    plain = Geometry.of(40, 60, None)
    left, _, top, _ = plain.padding
    normalised = plain.prepare(rgb, CPU)[:, :, top : top + 40, left : left + 60]
    expected = F.interpolate(normalised, (32, 48), mode="bicubic", align_corners=False, antialias=False)
    torch.testing.assert_close(found, expected)


def test_masks_keep_their_ids_apart():
    labels = np.random.default_rng(0).integers(0, 4, (20, 19), np.uint8)
    planes = Geometry.of(20, 19, None).prepare_masks(np.stack([labels == 1, labels == 3]), CPU).numpy()
    assert planes.shape == (1, 2, 32, 32)
    for plane, object_id in zip(planes[0], (1, 3), strict=True):
        assert (plane[6:26, 6:25] == (labels == object_id)).all()
        assert plane.sum() == (labels == object_id).sum()


def test_masks_are_resized_to_nearest():
    labels = np.zeros((40, 60), np.uint8)
    labels[10:20, 30:50] = 1
    geometry = Geometry.of(40, 60, 80)
    left, _, top, _ = geometry.padding
    plane = geometry.prepare_masks(labels[None] > 0, CPU)[0, 0, top : top + 80, left : left + 120]
    assert (plane.numpy() == labels.repeat(2, 0).repeat(2, 1)).all()


def test_restore_undoes_the_padding_and_the_resize():
    prob = torch.rand(1, 3, 32, 32)
    assert torch.equal(Geometry.of(20, 19, None).restore(prob), prob[0, :, 6:26, 6:25])
    resized = Geometry.of(40, 38, 19)
    expected = F.interpolate(prob[:, :, 6:26, 6:25], (40, 38), mode="bilinear", align_corners=False)[0]
    assert torch.equal(resized.restore(prob), expected)


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


def test_reading_files_is_nobodys_time(segment, small_clip, monkeypatch):
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb[:2], {0: labels[0]})
    for part in (FrameRef, type(sequence.first_masks[0])):
        load = part.load

        def slow(self, load=load):
            time.sleep(0.5)
            return load(self)

        monkeypatch.setattr(part, "load", slow)
    assert sum(p.timing.seconds for p in segment(sequence)) < 0.4


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
