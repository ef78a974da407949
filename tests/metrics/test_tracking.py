"""The measures of VOTS against a plain loop over frames, and J alone under VOST's rules."""

import math

import numpy as np
import pytest
from arrays import score_arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_scores import slow_jaccard

from vosbench.metrics.analysis import analyse
from vosbench.metrics.evaluate import object_scores
from vosbench.metrics.protocols import find_protocol
from vosbench.metrics.statistics import decay, recall
from vosbench.metrics.tracking import MEASURES, pooled, tracking

VOST = find_protocol("vost")


def slow_tracking(pairs):
    """The measures of one object from its (predicted, true) masks."""
    ious = [slow_jaccard(p, t) for p, t in pairs]
    counts = dict.fromkeys(("tracked", "drifted", "missed", "hallucinated", "rejected"), 0)
    hits = []
    for (p, t), iou in zip(pairs, ious, strict=True):
        if t.any() and iou > 0:
            counts["tracked"] += 1
            hits.append(iou)
        elif t.any():
            counts["drifted" if p.any() else "missed"] += 1
        else:
            counts["hallucinated" if p.any() else "rejected"] += 1
    told = {"quality": sum(ious) / len(ious), "accuracy": sum(hits) / len(hits) if hits else 0}
    visible = counts["tracked"] + counts["drifted"] + counts["missed"]
    if visible:
        for name, kind in (("robustness", "tracked"), ("not_reported", "missed"), ("drift", "drifted")):
            told[name] = counts[kind] / visible
    absent = counts["hallucinated"] + counts["rejected"]
    if absent > 10:
        told["absence"] = counts["rejected"] / absent
    return told | counts


@st.composite
def videos(draw):
    """Up to 25 frames of 3x4 pixels in which objects 1, 2 and 7 come and go."""
    frames, noise = draw(st.integers(2, 25)), np.random.default_rng(draw(st.integers(0, 9999)))
    maps = noise.choice(np.array([0, 0, 0, 1, 2, 7], np.uint8), (2, frames, 3, 4))
    maps[noise.random(maps.shape[:2]) < draw(st.sampled_from([0.2, 0.6]))] = 0
    return maps


@settings(deadline=None, max_examples=150)
@given(videos(), st.sampled_from(["vots", "mosev2"]))
def test_vots_equals_a_plain_loop(maps, protocol):
    predictions, truths = maps
    frames = slice(1, None) if protocol == "vots" else slice(1, -1)
    if not len(truths[frames]):
        return
    for trace in score_arrays(predictions, truths, protocol):
        pairs = [(p == trace.object_id, t == trace.object_id) for p, t in zip(*maps[:, frames], strict=True)]
        assert tracking(trace) == pytest.approx(slow_tracking(pairs), abs=1e-12)


def test_objects_of_a_sequence_count_before_sequences():
    told = [("a", {"quality": 0.2}), ("a", {"quality": 0.6, "drift": 1.0}), ("b", {"quality": 1.0})]
    found = pooled(told)
    assert (found["quality"], found["drift"]) == pytest.approx(((0.4 + 1) / 2, 1))
    assert all(math.isnan(found[measure]) for measure in MEASURES if measure not in {"quality", "drift"})


@settings(deadline=None, max_examples=60)
@given(videos())
def test_vost_equals_a_plain_loop(maps):
    predictions, truths = (np.where(video > 2, 0, video) for video in maps)
    truths[0, 0, 0] = 2
    if len(truths) < 3:
        return
    objects = object_scores(score_arrays(predictions, truths, VOST), VOST)
    assert [o.object_id for o in objects] == [1, 2]
    for o in objects:
        pairs = list(zip(predictions == o.object_id, truths == o.object_id, strict=True))[1:-1]
        j = np.array([slow_jaccard(p, t) for p, t in pairs])
        last = j[math.floor(0.75 * len(j)) :]
        assert (o.j.mean, o.j.recall, o.j.decay) == pytest.approx((j.mean(), recall(j), decay(j)))
        own = (o.own["j_last_mean"], o.own["j_last_recall"], o.own["j_last_decay"])
        assert own == pytest.approx((last.mean(), recall(last), decay(last)))
        assert o.f is None
    total = VOST.figures.of_all(objects)
    assert total["j_mean"] == pytest.approx(np.mean([o.j.mean for o in objects]))
    assert not any(key.startswith(("f_", "jf")) for key in total)


def test_analyses_without_f():
    here = np.ones((4, 4), np.uint8)
    found = analyse(score_arrays([here] * 6, [here, here, 0 * here, here, here, here], VOST))
    assert (found.after_reappearance, found.last_quarter) == (1, 1)
    assert found.recall[0.5][0] == 0.75
    assert math.isnan(found.recall[0.5][1])
