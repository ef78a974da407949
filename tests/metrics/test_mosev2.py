"""MOSE v2 against plain loops over pixels and frames, and the disk of a radius between integers against OpenCV."""

import itertools
import math

import cv2
import numpy as np
import pytest
from arrays import in_memory, unpack
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_scores import label_maps, slow_boundary, slow_boundary_f

from vosbench.metrics import bitmap
from vosbench.metrics.evaluate import missing_traces, object_scores, score_sequence
from vosbench.metrics.protocols import find_protocol
from vosbench.video import GroundTruth

RULES = find_protocol("mosev2")


def slow_f_off_centre(prediction, truth, radius):
    """F where a boundary pixel is matched if the other boundary hits the disk of the radius, which is off centre."""
    predicted, true = slow_boundary(prediction), slow_boundary(truth)
    if not predicted or not true:
        return float(not predicted and not true)
    count = math.ceil(2 * radius + 1)
    inside = [
        (i - count // 2, j - count // 2)
        for i in range(count)
        for j in range(count)
        if (i - radius) ** 2 + (j - radius) ** 2 <= radius**2
    ]

    def matched(points, others):
        return sum(any((y + dy, x + dx) in others for dy, dx in inside) for y, x in points) / len(points)

    precision, recall = matched(predicted, true), matched(true, predicted)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def slow_frame(prediction, truth):
    """J, F dot and F of two masks."""
    both = either = area = 0
    for p, t in zip(prediction.flat, truth.flat, strict=True):
        both, either, area = both + int(p and t), either + int(p or t), area + int(t)
    radius = 0.008 * math.sqrt(truth.shape[0] ** 2 + truth.shape[1] ** 2)
    own = math.ceil(0.1 * math.sqrt(area))
    if area and own < radius:
        f_dot, f = slow_boundary_f(prediction, truth, own), slow_boundary_f(prediction, truth, math.ceil(radius))
    else:
        f_dot = f = slow_f_off_centre(prediction, truth, radius)
    return (both + 1) / (either + 1), f_dot, f


def slow_runs(frames):
    """(J, F dot) of the runs of absence, and of the runs of presence, but for the first; None where there are none."""
    runs = [(shown, [f for _, f in run]) for shown, run in itertools.groupby(frames, key=lambda frame: frame[0])][1:]
    told = []
    for wanted in (False, True):
        means = [[sum(column) / len(run) for column in zip(*run, strict=True)][:2] for s, run in runs if s == wanted]
        told.append([sum(column) / len(means) for column in zip(*means, strict=True)] if means else None)
    return told


@st.composite
def videos(draw):
    """Of sizes for which 0.008 of the diagonal lies around 1, with ids 1 to 3 and 255."""
    height, width = draw(st.integers(40, 90)), draw(st.integers(80, 150))
    frames = draw(st.integers(4, 6))
    return [[draw(label_maps(height, width, 3, void=True)) for _ in range(frames)] for _ in range(2)]


@settings(deadline=None, max_examples=6)
@given(videos(), st.sampled_from([None, (1, 2), (1, 2, 3, 7), (2, 255)]))
def test_mosev2_equals_plain_loops(video, listed):
    predictions, truths = video
    masks = in_memory(truths)
    truth = GroundTruth("video", tuple(masks), masks, listed=listed)
    objects = object_scores(score_sequence(truth, in_memory(predictions), RULES), RULES)
    there = sorted({int(i) for frame in truths for i in np.unique(frame)} - {0, 255})
    assert [o.object_id for o in objects] == (there if listed is None else list(listed))
    for o in objects:
        frames = [
            ((t == o.object_id).any(), slow_frame(p == o.object_id, t == o.object_id))
            for p, t in list(zip(predictions, truths, strict=True))[1:-1]
        ]
        j, f_dot, f = (sum(column) / len(frames) for column in zip(*(found for _, found in frames), strict=True))
        assert (o.j.mean, o.own["f_dot"], o.f.mean) == pytest.approx((j, f_dot, f), abs=1e-12)
        for kind, expected in zip("dr", slow_runs(frames), strict=True):
            found = [o.own.get(f"{measure}_{kind}") for measure in ("j", "f_dot")]
            assert found == ([None, None] if expected is None else pytest.approx(expected, abs=1e-12))


def test_a_video_without_masks_scores_zero_and_has_no_runs():
    labels = np.zeros((6, 20, 30), np.uint8)
    labels[[0, 1, 4, 5], 3:9, 4:12] = 1
    masks = in_memory(labels)
    (trace,) = missing_traces(GroundTruth("video", tuple(masks), masks), RULES)
    (found,) = object_scores([trace], RULES)
    assert (found.j.mean, found.f.mean, found.own) == (0, 0, {"f_dot": 0, "jf_dot": 0})
    assert trace.visible.tolist() == [True, False, False, True]
    total = RULES.figures.of_all([found])
    assert math.isnan(total["jf_dot_d"])
    assert total["jf_dot"] == 0


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 60), st.integers(1, 150), st.integers(0, 99), st.floats(0.5, 30))
def test_dilation_by_a_radius_between_integers_is_that_of_opencv(height, width, seed, radius):
    along = np.arange(-radius, radius + 1)
    disk = (along[:, None] ** 2 + along**2 <= radius**2).astype(np.uint8)
    masks = np.random.default_rng(seed).random((3, height, width)) < 0.02
    masks[1] = False  # what one mask is dilated by reaches no other
    packed = bitmap.pack(masks, spare=math.ceil(radius) + 1)
    found = unpack(bitmap.dilate(packed, radius), height, width)
    if disk.any():
        np.testing.assert_array_equal(found, [cv2.dilate(mask.view(np.uint8), disk) > 0 for mask in masks])
    else:
        np.testing.assert_array_equal(found, masks)  # too small for a pixel: our choice


@pytest.mark.parametrize("over", [1 / 512, 1 / 64, 1 / 32])
def test_disks_whose_shortest_row_lies_beside_the_anchor_leave_no_hole(over):
    """Those hardly wider than an integer: what is left of that row is shorter than the way to the anchor."""
    height, width = 14, 40
    mask = np.zeros((height, width), bool)
    mask[0, 0] = mask[7, 25] = mask[-1, -1] = True
    for radius in np.arange(1, 30) + over:
        along = np.arange(-radius, radius + 1)
        disk = (along[:, None] ** 2 + along**2 <= radius**2).astype(np.uint8)
        found = unpack(bitmap.dilate(bitmap.pack(mask[None], spare=math.ceil(radius) + 1), radius), height, width)
        np.testing.assert_array_equal(found[0], cv2.dilate(mask.view(np.uint8), disk) > 0)


def test_a_pixel_in_the_first_corner_is_dilated_without_a_hole():
    """What of it lies to the left has left the picture, and with it what would fill a step as wide as all of it."""
    radius = 18.55
    along = np.arange(-radius, radius + 1)
    disk = (along[:, None] ** 2 + along**2 <= radius**2).astype(np.uint8)
    mask = np.zeros((30, 40), bool)
    mask[0, 0] = True
    found = unpack(bitmap.dilate(bitmap.pack(mask[None], spare=20), radius), 30, 40)
    np.testing.assert_array_equal(found[0], cv2.dilate(mask.view(np.uint8), disk) > 0)
