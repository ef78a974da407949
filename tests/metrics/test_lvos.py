"""LVOS by the ranges of a meta file: the frames, the entries that nothing fills, V, seen and unseen."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_scores import label_maps, slow_boundary_f, slow_jaccard

from vosbench.errors import VosbenchError
from vosbench.metrics.evaluate import object_scores, score_sequence
from vosbench.metrics.protocols import find_protocol
from vosbench.metrics.statistics import ObjectScore, Statistics
from vosbench.video import GroundTruth, MasksInMemory, ObjectSpan

RULES = find_protocol("lvos")


def numbered(maps, first=1):
    """Label maps of the frames 1, 6, 11, ..."""
    return {f"{first + 5 * t:08d}": MasksInMemory.of(labels) for t, labels in enumerate(maps)}


def scored(truths, predictions, spans, unseen=None):
    masks = numbered(truths)
    truth = GroundTruth("video", tuple(masks), masks, {i: ObjectSpan(*span) for i, span in spans.items()}, unseen)
    return object_scores(score_sequence(truth, numbered(predictions), RULES), RULES)


def slow_entries(object_id, span, truths, predictions):
    """The array of (J, F) of an object, as the published code fills it."""
    start, end, count = span
    entries = [(0.0, 0.0)] * (count - 2)
    for number, frame in enumerate(range(start, end, 5)):
        if number in (0, count - 1):
            continue
        p, t = (maps[(frame - 1) // 5] == object_id for maps in (predictions, truths))
        entries[number - 1] = slow_jaccard(p, t), slow_boundary_f(p, t)
    return entries


@st.composite
def videos(draw):
    """Masks, and of some objects a range; it need not agree with the masks, nor its count with its ends."""
    height, width, frames = draw(st.integers(4, 20)), draw(st.integers(4, 20)), draw(st.integers(3, 9))
    maps = [[draw(label_maps(height, width, 4, void=True)) for _ in range(frames)] for _ in range(2)]
    spans = {}
    for object_id in draw(st.lists(st.integers(1, 5), min_size=1, max_size=4, unique=True)):
        first = draw(st.integers(0, frames - 2))
        last = draw(st.integers(first + 1, frames - 1))
        past = draw(st.integers(0 if last > first + 1 else 1, 5))
        length = len(range(5 * first, 5 * last + past, 5))
        spans[object_id] = 5 * first + 1, 5 * last + 1 + past, draw(st.integers(max(length, 3), length + 4))
    return *maps, spans


@settings(deadline=None, max_examples=60)
@given(videos())
def test_lvos_equals_plain_loops(video):
    truths, predictions, spans = video
    found = scored(truths, predictions, spans)
    assert [o.object_id for o in found] == list(spans)  # in the order of the meta file
    for o in found:
        entries = slow_entries(o.object_id, spans[o.object_id], truths, predictions)
        j, f = (statistics.fmean(series) for series in zip(*entries, strict=True))
        assert (o.frames, o.j.mean, o.f.mean) == (len(entries), pytest.approx(j), pytest.approx(f))
        variance = statistics.pvariance([(a + b) / 2 for a, b in entries])
        rounded = [math.sqrt(round(variance + tie, 4)) for tie in (-1e-12, 1e-12)]
        assert any(o.own["v_mean"] == pytest.approx(v, abs=1e-12) for v in rounded)


def test_what_the_meta_file_says_must_fit():
    masks = [np.ones((4, 4), np.uint8)] * 4
    with pytest.raises(VosbenchError, match="has no ground truth for frame 21, which its meta file names"):
        scored(masks, masks, {1: (1, 26, 6)})
    with pytest.raises(VosbenchError, match="gives object 1 3 frames, but from 1 to 17 there are 4"):
        scored(masks, masks, {1: (1, 17, 3)})
    assert [o.object_id for o in scored(masks, masks, {1: (1, 16, 4), 2: (1, 6, 2)})] == [1]  # 2 has nothing to score


def test_only_frames_of_a_range_need_a_prediction():
    masks = numbered([np.ones((4, 4), np.uint8)] * 6)
    truth = GroundTruth("video", tuple(masks), masks, {1: ObjectSpan(6, 21, 4)})
    inner = {name: masks[name] for name in ("00000011", "00000016")}
    (trace,) = score_sequence(truth, inner, RULES)
    assert trace.frames == ("00000011", "00000016")


def test_seen_and_unseen_weigh_alike():
    def score(j, f, unseen):
        own = {"v_mean": j / 2} | ({} if unseen is None else {"unseen": float(unseen)})
        return ObjectScore("video", 1, Statistics(j, 0, 0), Statistics(f, 0, 0), 1, own)

    seen = [score(0.2, 0.4, False), score(0.4, 0.6, False), score(0.6, 0.8, False)]
    total = RULES.figures.of_all([*seen, score(1, 1, True)])
    assert (total["j_seen"], total["j_unseen"], total["j_mean"]) == pytest.approx((0.4, 1, 0.7))
    assert (total["jf"], total["v_mean"]) == pytest.approx((0.75, 0.35))
    alone = RULES.figures.of_all(seen)  # our choice: the published code has no mean then
    assert (alone["j_mean"], alone["jf"]) == pytest.approx((0.4, 0.5))
    assert math.isnan(alone["j_unseen"])
    untold = RULES.figures.of_all([score(0.2, 0.4, None), score(1, 1, None)])
    assert untold["j_mean"] == pytest.approx(0.6)
    assert "j_seen" not in untold
