"""Paths of generated video: within bounds, smooth, and as fast as asked."""

import numpy as np
import pytest

from vosbench.datasets.generated.motion import fold, similarity, swing, translation, wander


@pytest.mark.parametrize("speed", [0.0, 0.002, 0.03, 0.15])
def test_wandering_stays_within_reach_at_its_speed_without_a_corner(speed: float) -> None:
    path = wander(np.random.default_rng(0), 3_000, speed, 0.3)
    assert path.shape == (3_000, 2)
    assert np.abs(path).max() < 0.3
    steps = np.diff(path, axis=0)
    assert steps.std() == pytest.approx(speed, rel=0.35)
    if speed and speed < 0.05:
        assert np.diff(steps, axis=0).std() < steps.std() * 0.6


def test_a_longer_path_goes_on_from_the_shorter() -> None:
    short, long = (wander(np.random.default_rng(5), steps, 0.02, 0.3) for steps in (20, 50))
    assert np.array_equal(short, long[:20])


def test_folding_mirrors() -> None:
    assert fold(np.array([0.0, 0.9, 1.2, 2.1, -1.3]), 1.0) == pytest.approx([0, 0.9, 0.8, -0.1, -0.7])


def test_swinging_starts_in_the_upper_half() -> None:
    for seed in range(20):
        wave = swing(np.random.default_rng(seed), 60, 50)
        assert wave[0] >= 0
        assert wave[50] == pytest.approx(wave[0])
        assert -1 <= wave.min() < -0.99
        assert 0.99 < wave.max() <= 1


def test_a_similarity_scales_turns_and_then_shifts() -> None:
    moved = translation(1, 2) @ similarity(10, 20, np.pi / 2, 3) @ [1, 0, 1]
    assert moved == pytest.approx([11, 25, 1])
