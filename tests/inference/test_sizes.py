"""Frames of any size, frames that do not fit together, and arrays that are no video."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vosbench.errors import VosbenchError
from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.stcn.network import STCN
from vosbench.video import FirstMask, FrameRef, MasksInMemory, Sequence


@pytest.mark.parametrize(("height", "width"), [(40, 56), (33, 47), (16, 17), (32, 48)])
def test_any_size(segment, small_clip, height, width):
    rgb, labels = small_clip
    predictions = segment(Sequence.from_arrays(rgb[:4, :height, :width], {0: labels[0, :height, :width]}))
    for p in predictions:
        assert p.mask.shape == (height, width)
        assert p.prob.shape[1:] == (height, width)
    assert (predictions[0].mask == labels[0, :height, :width]).all()


def test_the_shorter_side_at_inference(segment, small_clip):
    rgb, labels = small_clip
    sequence = replace(Sequence.from_arrays(rgb[:3], {0: labels[0]}), shorter_side=64)
    predictions = segment(sequence)
    assert predictions[0].timing.tokens_per_frame == 4 * 6  # 64x89, padded to 64x96
    assert predictions[0].prob.shape == (3, 40, 56)
    assert (predictions[0].mask == labels[0]).mean() > 0.97
    assert segment(sequence, shorter_side=32)[0].timing.tokens_per_frame == 2 * 3
    assert segment(sequence, shorter_side=0)[0].timing.tokens_per_frame == 3 * 4  # 40x56, padded


def test_arrays_that_are_read_only_or_run_backwards(segment, stacked, small_clip):
    rgb, labels = small_clip
    expected = stacked(segment(Sequence.from_arrays(rgb[:3], {0: labels[0]})))
    frozen = rgb[:3].copy()
    frozen.flags.writeable = False
    turned = rgb[:3, ..., ::-1].copy()[..., ::-1]
    for frames in (frozen, turned):
        found = stacked(segment(Sequence.from_arrays(frames, {0: labels[0]})))
        assert torch.equal(found, expected)


def test_frames_of_different_sizes(segment, small_clip):
    rgb, labels = small_clip
    frames = [*rgb[:2], rgb[2, :-1]]
    sequence = Sequence(
        "a",
        tuple(FrameRef(f"f{i}", f) for i, f in enumerate(frames)),
        (FirstMask(0, (1,), MasksInMemory.of(labels[0])),),
    )
    with pytest.raises(VosbenchError, match=r"frame f2 of a is 56x39, the frames before it 56x40"):
        segment(sequence)


def test_a_mask_of_another_size(segment, small_clip):
    rgb, labels = small_clip
    frames = tuple(FrameRef(str(i), frame) for i, frame in enumerate(rgb[:3]))
    with pytest.raises(VosbenchError, match=r"frame 0 of a is 56x40, its masks 55x40"):
        segment(Sequence("a", frames, (FirstMask(0, (1,), MasksInMemory.of(labels[0, :, 1:])),)))


def test_arrays_that_are_no_video(small_clip):
    rgb, labels = small_clip
    for wrong in (rgb / 255, rgb[..., 0], rgb[..., :2], rgb[0]):
        with pytest.raises(VosbenchError, match="the video is"):
            Sequence.from_arrays(wrong, {0: labels[0]})
    with pytest.raises(VosbenchError, match="annotation of frame 0 is int64"):
        Sequence.from_arrays(rgb, {0: labels[0].astype(np.int64)})
    void = np.where(labels[0] == 2, 255, labels[0]).astype(np.uint8)
    assert Sequence.from_arrays(rgb, {0: void}).object_ids == (1,)


def test_a_model_in_training_mode_is_refused(segment, small_model, sequence):
    with pytest.raises(VosbenchError, match="training mode"):
        next(propagate(STCN(small_model.config), sequence, load_policy("every-k")))
    with pytest.raises(VosbenchError, match="top_k must be at least 1"):
        segment(sequence, top_k=0)
