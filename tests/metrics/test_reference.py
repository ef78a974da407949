"""The fast metrics against plain loops over pixels that share no code with them."""

import itertools
import math

import numpy as np
import pytest
from arrays import pair_score, score_arrays, unpack
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_scores import label_maps, slow_boundary, slow_boundary_f, slow_jaccard
from vos_benchmark.evaluator import Evaluator

from vosbench.errors import VosbenchError
from vosbench.metrics import bitmap
from vosbench.metrics.boundary import tolerance


def slow_davis2017(predictions, truths):
    """{id: [(J, F) of each frame but the first and the last]}."""
    truths = [np.where(truth == 255, 0, truth) for truth in truths]
    return {
        i: [
            (slow_jaccard(p == i, t == i), slow_boundary_f(p == i, t == i))
            for p, t in zip(predictions[1:-1], truths[1:-1], strict=True)
        ]
        for i in range(1, truths[0].max() + 1)
    }


def slow_vos_benchmark(predictions, truths):
    """{id: [(J, F) of each inner frame from the id's first sight]}, for ids that inner frames of the truth hold."""
    series, true_ids = {}, set()
    for p, t in list(zip(predictions, truths, strict=True))[1:-1]:
        true_ids |= {int(i) for i in t.flat if i}
        for i in {int(i) for i in [*p.flat, *t.flat] if i} | set(series):
            series.setdefault(i, []).append((slow_jaccard(p == i, t == i), slow_boundary_f(p == i, t == i)))
    return {i: series[i] for i in sorted(true_ids)}


def slow_unsupervised(predictions, truths):
    """The highest sum of J and F over objects and frames that any assignment of proposals to objects reaches."""
    predictions = [np.where(t == 255, 0, p) for p, t in zip(predictions, truths, strict=True)]
    truths = [np.where(t == 255, 0, t) for t in truths]
    objects = range(1, truths[0].max() + 1)
    proposals = range(1, max(len(objects), max(p.max() for p in predictions)) + 1)
    worth = {
        (i, j): sum(
            slow_jaccard(p == j, t == i) + slow_boundary_f(p == j, t == i)
            for p, t in zip(predictions, truths, strict=True)
        )
        for i in objects
        for j in proposals
    }
    return max(
        sum(map(worth.get, zip(objects, order, strict=True)))
        for order in itertools.permutations(proposals, len(objects))
    )


@st.composite
def videos(draw, largest=64, objects=5):
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    highest, frames = draw(st.integers(0, objects)), draw(st.integers(3, 5))
    truths = [draw(label_maps(height, width, highest, void=True)) for _ in range(frames)]
    shown = int(np.where(truths[0] == 255, 0, truths[0]).max())
    return [draw(label_maps(height, width, shown)) for _ in range(frames)], truths


@settings(deadline=None, max_examples=60)
@given(videos())
def test_davis2017_equals_plain_loops(video):
    predictions, truths = video
    expected = slow_davis2017(predictions, truths)
    if not expected:
        with pytest.raises(VosbenchError, match="no object in its first annotated frame"):
            score_arrays(predictions, truths, "davis2017")
        return
    traces = score_arrays(predictions, truths, "davis2017")
    assert {trace.object_id: list(zip(trace.j, trace.f, strict=True)) for trace in traces} == expected


@settings(deadline=None, max_examples=40)
@given(videos())
def test_vos_benchmark_equals_plain_loops(video):
    traces = score_arrays(*video, "vos-benchmark")
    expected = slow_vos_benchmark(*video)
    assert {trace.object_id: list(zip(trace.j, trace.f, strict=True)) for trace in traces} == expected


@settings(deadline=None, max_examples=40)
@given(videos(largest=200, objects=8))
def test_vos_benchmark_equals_the_published_tool(video):
    """To the last digit but for the order of its sums, of which the public package takes the mean in per cent."""
    published = Evaluator()
    for prediction, truth in list(zip(*video, strict=True))[1:-1]:
        published.feed_frame(prediction, truth)
    j, f = published.conclude()
    traces = score_arrays(*video, "vos-benchmark")
    assert {trace.object_id for trace in traces} == set(j)
    for trace in traces:
        assert 100 * trace.j.mean() == pytest.approx(j[trace.object_id], rel=1e-13, abs=1e-13)
        assert 100 * trace.f.mean() == pytest.approx(f[trace.object_id], rel=1e-13, abs=1e-13)


@settings(deadline=None, max_examples=25)
@given(videos(largest=16, objects=3))
def test_unsupervised_equals_the_best_permutation(video):
    predictions, truths = video
    if not np.where(truths[0] == 255, 0, truths[0]).any():
        return
    traces = score_arrays(predictions, truths, "davis2017-unsupervised")
    assert sum(trace.j.sum() + trace.f.sum() for trace in traces) == pytest.approx(slow_unsupervised(*video))


@settings(deadline=None, max_examples=80)
@given(st.data(), st.integers(1, 64), st.integers(1, 64), st.integers(1, 12))
def test_j_and_f_equal_plain_loops(data, height, width, radius):
    prediction, truth = (data.draw(label_maps(height, width, 1)) > 0 for _ in range(2))
    expected = slow_jaccard(prediction, truth), slow_boundary_f(prediction, truth, radius)
    assert pair_score(prediction, truth, radius) == expected


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 40), st.integers(1, 140), st.integers(0, 9))
def test_bitmaps_equal_masks(data, height, width, radius):
    masks = np.stack([data.draw(label_maps(height, width, 1)) > 0 for _ in range(2)])
    packed = bitmap.pack(masks, spare=radius)
    assert bitmap.counts(packed) == masks.sum(axis=(1, 2)).tolist()
    np.testing.assert_array_equal(unpack(packed, height, width), masks)
    for edge, mask in zip(unpack(bitmap.boundary(packed, height, width), height, width), masks, strict=True):
        assert {tuple(point) for point in np.argwhere(edge)} == slow_boundary(mask)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 255), min_size=1, max_size=6), st.integers(1, 20), st.integers(1, 140), st.integers(0, 99)
)
def test_every_label_out_of_the_bits_of_all(values, height, width, seed):
    maps = np.random.default_rng(seed).choice(np.array(values, np.uint8), (2, height, width))
    planes = bitmap.label_planes(maps, spare=3)
    assert len(planes) == max(1, int(maps.max()).bit_length())
    for label in {*values, 1, 2, 3, 128, 255} - {0}:
        other = 256 - label
        found = unpack(bitmap.labelled(planes, (label, other)), height, width)
        np.testing.assert_array_equal(found, [maps[0] == label, maps[1] == other])


@pytest.mark.parametrize("radius", [*range(21), 70, 130])
def test_dilation_is_by_the_disk_of_scikit_image(radius):
    from skimage.morphology import disk

    points = np.zeros((300, 420), bool)
    points[[0, 150, 299, 140, 299], [0, 210, 419, 63, 64]] = True
    masks = np.stack([points, np.zeros_like(points), points])  # what one mask is dilated by reaches no other
    dilated = unpack(bitmap.dilate(bitmap.pack(masks, spare=radius), radius), 300, 420)
    expected = np.zeros((300 + 2 * radius, 420 + 2 * radius), bool)
    for y, x in np.argwhere(points):
        expected[y : y + 2 * radius + 1, x : x + 2 * radius + 1] |= disk(radius).astype(bool)
    expected = expected[radius : radius + 300, radius : radius + 420]
    np.testing.assert_array_equal(dilated, [expected, np.zeros_like(expected), expected])


def test_radius_of_known_sizes():
    assert [math.ceil(tolerance(*size)) for size in ((480, 854), (1080, 1920), (1, 1))] == [8, 18, 1]
    assert tolerance(480, 854, threshold=3) == 3
