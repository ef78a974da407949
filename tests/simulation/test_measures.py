"""The measures, against a plain model of the same memories that computes them in loops."""

import math

import pytest
from plain_memory import RULES
from plain_video import read
from plain_video import simulate as plain

from vosbench.errors import VosbenchError
from vosbench.memory.spec import load_policy
from vosbench.simulation.measures import measure

SPECS = ("lfu", "lru:every=3", "fifo:capacity=3", "recent-n:n=2,stride=3", "latest-only", "every-k")


@pytest.mark.parametrize("appearing", [{0: 2}, {2: 1, 9: 2}])
@pytest.mark.parametrize("reference", ["every-k", "every-k:k=3"])
def test_measures_are_those_of_the_plain_model(drawn, draw, appearing, reference):
    trace, k = draw(appearing=appearing), 5
    keys = trace.tokens.key.double().tolist()
    held = {spec: plain(RULES[spec], keys, tuple(appearing), k) for spec in {*SPECS, reference}}
    found = measure(trace, {spec: load_policy(spec) for spec in SPECS}, load_policy(reference), drawn, top_k=k)
    for spec in SPECS:
        retained, ages, evicted = [], [], []
        for t in range(trace.first + 1, len(keys)):
            own, every = held[spec][t - 1], held[reference][t - 1]
            names, share, total, age, hits = {token.name for token in own}, 0.0, 0.0, 0, 0
            for first in [first for first in appearing if first < t]:
                for query in keys[t]:
                    for token, weight in read([token for token in every if token.frame >= first], query, k):
                        total += weight
                        share += weight * (token.name in names)
                    for token, _ in read([token for token in own if token.frame >= first], query, k):
                        age, hits = age + t - token.frame, hits + 1
            retained.append(share / total)
            ages.append(age / hits)
        for before, after in zip(held[spec][trace.first :], held[spec][trace.first + 1 :], strict=False):
            names = {token.name for token in after}
            if names - {token.name for token in before}:
                evicted.append(sum(token.name not in names for token in before))
        outcome = found[spec]
        assert outcome.retained == pytest.approx(retained, abs=1e-6)
        assert outcome.hit_age == pytest.approx(ages)
        assert outcome.tokens == tuple(map(len, held[spec]))
        assert outcome.evicted == tuple(evicted)
        assert (outcome.spec, outcome.sequence, outcome.tokens_per_frame) == (spec, "drawn", 12)
    if reference == "every-k":
        assert found["every-k"].retained == pytest.approx([1] * len(retained))


def test_a_faulty_setting_fails_alone(drawn, draw):
    specs = ("fifo:capacity=1", "lfu")
    found = measure(draw(), {spec: load_policy(spec) for spec in specs}, load_policy("every-k"), drawn)
    assert isinstance(found["fifo:capacity=1"], VosbenchError)
    assert "fifo.py" in found["fifo:capacity=1"].message
    assert "drawn, frame 5: the strategy must free 12 tokens" in found["fifo:capacity=1"].message
    assert math.isfinite(sum(found["lfu"].retained))
    with pytest.raises(VosbenchError, match="drawn, frame 5: the strategy must free"):
        measure(draw(), {"lfu": load_policy("lfu")}, load_policy("fifo:capacity=1"), drawn)


def test_short_videos(drawn, draw):
    for frames in (1, 2):
        outcome = measure(draw(frames), {"lfu": load_policy("lfu")}, load_policy("every-k"), drawn)["lfu"]
        assert outcome.retained == (pytest.approx(1),) * (frames - 1)
        assert outcome.tokens == ((0,), (12, 12))[frames - 1]
        assert outcome.evicted == ()


def test_progress_counts_frames(drawn, draw):
    seen = []
    measure(draw(6), {"lfu": load_policy("lfu")}, load_policy("every-k"), drawn, progress=lambda *now: seen.append(now))
    assert seen == [(frame, 6) for frame in range(1, 7)]
