"""Strategies that draw: the seed and the video decide, and every outcome is as probable as it should be."""

from collections import Counter
from dataclasses import replace

import pytest

from vosbench.memory.policy import VideoInfo
from vosbench.memory.spec import load_policy
from vosbench.memory.trial import TrialVideo, held

TRACE = TrialVideo.draw(frames=40, positions=2)


@pytest.mark.parametrize("spec", ["random:every=1", "random:every=1,frames=true", "reservoir:every=1"])
def test_seed_and_video_decide(spec):
    runs = [held(load_policy(f"{spec},seed={seed}"), TRACE) for seed in (1, 2, 1)]
    assert runs[0] == runs[2] != runs[1]
    policy = load_policy(spec)
    here, there = held(policy, TRACE), held(policy, replace(TRACE, name="other"))
    assert here != there
    assert here == held(policy, TRACE)


def test_the_draws_are_the_same_in_every_process():
    """Not hash(), which differs from one to the next."""
    assert VideoInfo("clip-00", 1, 1).generator(0).initial_seed() == 6069698582498985279
    assert VideoInfo("clip-00", 1, 1).generator(1).initial_seed() != 6069698582498985279


def test_a_reservoir_holds_every_frame_with_the_same_probability():
    """10 candidates, 4 places: 0.4 each; 500 runs, so 200 +- 11 standard deviations of 1."""
    trace, counts = TrialVideo.draw(frames=11, positions=1), Counter()
    for seed in range(500):
        counts.update(held(load_policy(f"reservoir:capacity=4,every=1,seed={seed}"), trace, top_k=1)[-1])
    assert sum(counts.values()) == 2000
    assert set(counts) == {(frame, 0) for frame in range(10)}
    assert max(abs(count - 200) for count in counts.values()) < 4 * 11


def test_random_tokens_leave_with_the_same_probability():
    """Of 6 tokens 2 leave: each in a third of 300 runs, 100 +- 8."""
    trace, counts = TrialVideo.draw(frames=5, positions=2), Counter()
    for seed in range(300):
        before, after = held(load_policy(f"random:capacity=3,every=1,seed={seed}"), trace)[2:4]
        counts.update(set(before) - set(after))
    assert sum(counts.values()) == 600
    assert max(abs(count - 100) for count in counts.values()) < 4 * 8.2
