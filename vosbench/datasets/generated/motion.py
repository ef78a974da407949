"""Paths through time for generated video: random, smooth, accelerating and turning."""

import numpy as np


def drift(rng: np.random.Generator, steps: int, scale: float, size: int = 1, memory: float = 0.9) -> np.ndarray:
    """A smooth random path from 0, float [steps,size]: its velocity is an autoregressive process of size `scale`."""
    velocity = rng.standard_normal(size)
    kicks = rng.standard_normal((steps, size)) * np.sqrt(1 - memory**2)
    path = np.zeros((steps, size))
    for t in range(1, steps):
        velocity = memory * velocity + kicks[t]
        path[t] = path[t - 1] + scale * velocity
    return path


def fold(path: np.ndarray, limit: float | np.ndarray) -> np.ndarray:
    """The path mirrored at -limit and limit, so that it never leaves them."""
    return limit - np.abs((path + limit) % (4 * limit) - 2 * limit)


def wander(rng: np.random.Generator, steps: int, speed: float, reach: float, size: int = 2) -> np.ndarray:
    """A random path about 0 that never leaves [-reach, reach], float [steps,size].

    A damped oscillator under random kicks, pulled back the harder the further it is: it turns round without a
    corner. Each coordinate's root mean square speed is `speed` per step, where `reach` leaves room for it.
    """
    start = rng.standard_normal((2, size))
    kicks = rng.standard_normal((steps, size))
    spread = reach / 2
    pull, damping = min(1.0, (speed / spread) ** 2), 0.06
    position, velocity = start[0] * spread, start[1] * speed
    path = np.empty((steps, size))
    for t in range(steps):
        path[t] = position
        kick = speed * np.sqrt(2 * damping) * kicks[t]
        velocity = (1 - damping) * velocity - pull * position + kick
        position = position + velocity
    return reach * np.tanh(path / reach)


def swing(rng: np.random.Generator, steps: int, period: float) -> np.ndarray:
    """A slow wave between -1 and 1 that starts anywhere in its upper half, float [steps]."""
    return np.sin(2 * np.pi * (np.arange(steps) / period + rng.uniform(0, 0.5)))


def similarity(x: float, y: float, angle: float, scale: float) -> np.ndarray:
    """Scaling and turning about the origin, then a shift, as a 3x3 matrix."""
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1]])


def translation(x: float, y: float) -> np.ndarray:
    """A shift as a 3x3 matrix."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
