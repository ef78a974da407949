"""From pictures to a network's input and back; by default by STCN's rules."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from vosbench.models.geometry import Geometry

CPU = torch.device("cpu")


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
    assert planes.shape == (2, 32, 32)
    for plane, object_id in zip(planes, (1, 3), strict=True):
        assert (plane[6:26, 6:25] == (labels == object_id)).all()
        assert plane.sum() == (labels == object_id).sum()


def test_masks_are_resized_to_nearest():
    labels = np.zeros((40, 60), np.uint8)
    labels[10:20, 30:50] = 1
    geometry = Geometry.of(40, 60, 80)
    left, _, top, _ = geometry.padding
    plane = geometry.prepare_masks(labels[None] > 0, CPU)[0, top : top + 80, left : left + 120]
    assert (plane.numpy() == labels.repeat(2, 0).repeat(2, 1)).all()


def test_restore_undoes_the_padding_and_the_resize():
    prob = torch.rand(3, 32, 32)
    assert torch.equal(Geometry.of(20, 19, None).restore(prob), prob[:, 6:26, 6:25])
    resized = Geometry.of(40, 38, 19)
    expected = F.interpolate(prob[None, :, 6:26, 6:25], (40, 38), mode="bilinear", align_corners=False)[0]
    assert torch.equal(resized.restore(prob), expected)


def test_a_family_may_have_another_stride_and_other_numbers():
    rgb = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    geometry = Geometry.of(30, 20, 10, 8, resize="bilinear", mean=(0, 0, 0), std=(1, 1, 1))
    assert (geometry.inference, geometry.padding, geometry.grid) == ((15, 10), (3, 3, 0, 1), (2, 2))
    frame = geometry.prepare(rgb, CPU)[:, :, :15, 3:13]
    pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255
    torch.testing.assert_close(frame, F.interpolate(pixels, (15, 10), mode="bilinear", align_corners=False))
