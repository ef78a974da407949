"""Temporal stability: against plain loops that share no code, and what any measure of jitter must do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.datasets.label_pngs import label_pngs
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.metrics.protocols import find_protocol
from vosbench.metrics.stability import (
    descriptors,
    instability,
    object_stability,
    one_to_one,
    outline,
    shape_contexts,
    warp,
)
from vosbench.metrics.statistics import ObjectTrace

RULES = find_protocol("davis2017")


def stability(first, second):
    return instability(descriptors(first), descriptors(second))


def star(wobble, spikes=7, radius=22, phase=0.0, size=80):
    """A disk whose rim moves in and out by `wobble` pixels."""
    y, x = np.mgrid[:size, :size] - size / 2 + 0.25
    return np.hypot(x, y) < radius + wobble * np.sin(spikes * np.arctan2(y, x) + phase) + 3 * np.arctan2(y, x)


def slow_shape_context(points, here):
    mean = sum(math.dist(p, q) for p in points for q in points) / len(points) ** 2
    histogram = [[0] * 12 for _ in range(5)]
    for other in points:
        share = math.dist(here, other) / mean
        edges = [2 ** (-3 + step) for step in range(5)]  # 1/8, 1/4, 1/2, 1, 2
        inside = [ring for ring, edge in enumerate(edges) if share < edge]
        if inside:
            angle = math.degrees(math.atan2(other[1] - here[1], other[0] - here[0])) % 360
            histogram[inside[0]][int(angle / 30 + 1e-9) % 12] += 1
    total = sum(map(sum, histogram))
    return [count / total for row in histogram for count in row]


def slow_cost(a, b):
    return sum((x - y) ** 2 / (x + y) for x, y in zip(a, b, strict=True) if x + y) / 2


def slow_warp(costs):
    """(total cost, pairs) of the best match from the first pair to the last."""
    n, m = len(costs), len(costs[0])
    best = {}
    for i in range(n):
        for j in range(m):
            before = [best[p] for p in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if p in best]
            total, path = min(before, key=lambda found: found[0]) if before else (0, [])
            best[i, j] = total + costs[i][j], [*path, (i, j)]
    return best[n - 1, m - 1]


def slow_stability(first, second):
    sides = [outline(mask).tolist() for mask in (first, second)]
    a, b = ([slow_shape_context(points, here) for here in points] for points in sides)
    costs = [[slow_cost(x, y) for y in b] for x in a]
    n, m = len(a), len(b)
    diagonals = [[(i, (i * m // n + shift) % m) for i in range(n)] for shift in range(m)]
    best = min(diagonals, key=lambda diagonal: sum(costs[i][j] for i, j in diagonal))
    start = min(best, key=lambda pair: costs[pair[0]][pair[1]])
    turned = [[costs[(i + start[0]) % n][(j + start[1]) % m] for j in range(m)] for i in range(n)]
    pairs = slow_warp(turned)[1]
    for side in (0, 1):
        of_point = {}
        for i, j in pairs:
            if (i, j)[side] not in of_point or turned[i][j] < of_point[(i, j)[side]][0]:
                of_point[(i, j)[side]] = turned[i][j], (i, j)
        pairs = [pair for _, pair in of_point.values()]
    return sum(turned[i][j] for i, j in pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(6))
def test_equals_plain_loops(seed):
    rng = np.random.default_rng(seed)
    masks = [star(rng.uniform(0, 6), spikes=3 + seed, radius=rng.uniform(12, 20), size=70) for _ in range(2)]
    assert stability(*masks) == pytest.approx(slow_stability(*masks), abs=1e-9)
    assert stability(*masks) > 1e-3


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_match_keeps_order_and_costs_least(n, m, seed):
    costs = np.random.default_rng(seed).random((n, m))
    pairs = warp(costs)
    assert set(pairs[:, 0]) == set(range(n))
    assert set(pairs[:, 1]) == set(range(m))
    assert {tuple(step) for step in (np.diff(pairs, axis=0) % (n, m)).tolist()} <= {(1, 1), (1, 0), (0, 1)} | {
        (1 % n, 1 % m),
        (1 % n, 0),
        (0, 1 % m),
    }
    turned = np.roll(costs, -pairs[0], axis=(0, 1))
    assert costs[tuple(pairs.T)].sum() == pytest.approx(slow_warp(turned.tolist())[0])


def test_of_pairs_that_share_a_point_the_cheapest_counts():
    costs = np.array([[0.5, 0.1, 0.9], [0.9, 0.2, 0.3]])
    pairs = one_to_one(np.array([[0, 0], [0, 1], [1, 1], [1, 2]]), costs)
    assert pairs.tolist() == [[0, 1]]  # (1, 1) is cheaper than (1, 2), and loses its other point to (0, 1)


def test_descriptors_of_a_square_by_hand():
    points = np.array([[0.0, 0.0], [10, 0], [10, 10], [0, 10]])  # mean distance 8.54: sides in ring 4 of 5, from 1 on
    found = shape_contexts(points).reshape(4, 5, 12)
    assert found.sum(axis=(1, 2)) == pytest.approx(1)
    seen = [{(int(r), int(t)) for r, t in np.argwhere(one)} for one in found]
    assert seen == [
        {(0, 0), (4, 0), (4, 3), (4, 1)},
        {(0, 0), (4, 6), (4, 3), (4, 4)},
        {(0, 0), (4, 6), (4, 9), (4, 7)},
        {(0, 0), (4, 0), (4, 9), (4, 10)},
    ]


def test_outline_is_the_longest_and_even():
    mask = np.zeros((60, 90), bool)
    mask[5:8, 5:8] = True
    mask[20:41, 30:71] = True
    mask[25:35, 40:50] = False  # a hole
    points = outline(mask)
    assert points.min(axis=0).tolist() == [0, 0]
    assert points.max(axis=0).tolist() == [40, 20]
    steps = np.hypot(*(points - np.roll(points, 1, axis=0)).T)
    assert len(points) == 40  # 120 pixels around
    assert steps.max() <= 3 + 1e-9
    assert outline(np.zeros((5, 5), bool)).shape == (0, 2)
    assert outline(np.eye(5, dtype=bool)[:1]).tolist() == [[0, 0]]


@pytest.mark.parametrize("mask", [star(0), star(5), np.eye(1, dtype=bool), np.ones((9, 30), bool)])
def test_what_keeps_its_shape_is_stable(mask):
    assert stability(mask, mask) == pytest.approx(0, abs=1e-12)


def test_motion_is_no_jitter():
    canvas = np.zeros((120, 140), bool)
    canvas[20:100, 30:110] = star(4)
    later = np.roll(canvas, (-15, 20), axis=(0, 1))
    other = np.zeros((120, 140), bool)
    other[20:100, 30:110] = star(6, phase=1)
    assert stability(canvas, later) == pytest.approx(0, abs=1e-12)
    assert stability(canvas, other) == pytest.approx(stability(later, other), abs=1e-12)


def test_more_jitter_costs_more():
    still = star(0)
    found = [stability(still, star(wobble)) for wobble in (0, 1, 2, 4, 8)]
    assert found == sorted(found)
    assert found[1] > 0.005
    assert found[-1] < 1
    assert stability(still, star(0, radius=24)) < found[2]  # growth is matched away


def test_an_empty_mask_has_none():
    assert descriptors(np.zeros((80, 80), bool)) is None


@pytest.fixture
def video(tmp_path):
    """Six frames of object 2 beside object 1; it wobbles, is out of sight in frame 3 and not predicted in frame 5."""
    shapes = [star(wobble) for wobble in (0, 2, 0, 0, 4, 0)]
    (tmp_path / "ant").mkdir()
    for t, shape in enumerate(shapes):
        labels = np.zeros((80, 100), np.uint8)
        labels[:5, 90:] = 1
        labels[:, :80][shape if t != 5 else shape & False] = 2
        write_labels(tmp_path / "ant" / f"{t}.png", labels)
    pixels = np.array([1, 1, 1, 0, 1, 1])[:, None].repeat(3, axis=1)
    return label_pngs(tmp_path / "ant"), ObjectTrace("ant", 2, tuple("012345"), np.ones(6), np.ones(6), pixels), shapes


def test_an_object_is_measured_where_it_is_in_sight(video):
    masks, trace, shapes = video
    found = object_stability(trace, masks, RULES)
    assert (found.sequence, found.object_id, found.pairs) == ("ant", 2, 2)
    assert found.t == pytest.approx((stability(*shapes[0:2]) + stability(*shapes[1:3])) / 2)
    hidden = ObjectTrace("ant", 2, ("0", "1"), np.ones(2), np.ones(2), np.array([[1, 1, 1], [1, 0, 0]]))
    assert object_stability(hidden, masks, RULES).pairs == 0
    assert math.isnan(object_stability(hidden, masks, RULES).t)


def test_binary_takes_every_label(video):
    masks, trace, _ = video
    both = object_stability(
        ObjectTrace("ant", 1, *[getattr(trace, n) for n in ("frames", "j", "f", "pixels")]),
        masks,
        find_protocol("davis2016"),
    )
    assert both.pairs == 3  # the other object is there in frame 5
    masks["4"].path.unlink()
    with pytest.raises(VosbenchError, match=r"ant.4\.png does not exist"):
        object_stability(trace, masks, RULES)
