"""Generated frames against formulas of their own: where a layer covers more than half, and what colour it has there."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from vosbench.datasets.generated.layers import Layer
from vosbench.datasets.generated.motion import drift
from vosbench.datasets.generated.scene import Scene, SceneSpec, blob_sprite
from vosbench.datasets.generated.textures import blob

HEIGHT, WIDTH, SIDE = 48, 64, 48
SPEC = SceneSpec(HEIGHT, WIDTH, frames=2, objects=1, noise=0)
GROUND = np.array([10, 20, 30])
NOWHERE = np.array([0, 0, 0, 0])


def disc(colour: tuple[int, int, int]) -> np.ndarray:
    """RGBA uint8 [40,40,4]: a disc with a soft edge in one colour."""
    y, x = (np.mgrid[:40, :40] + 0.5) / 20 - 1
    alpha = np.clip((0.7 - np.hypot(x, y)) * 12 + 0.5, 0, 1) * 255
    return np.dstack([np.full((40, 40, 3), colour), alpha]).astype(np.uint8)


def layer(
    label: int = 1,
    colour: tuple[int, int, int] = (200, 100, 50),
    centre: tuple[float, float] = (0.0, 0.0),
    angle: float = 0.0,
    radius: float = 0.3,
    waves: np.ndarray | None = None,
    gain: float = 1.0,
    picture: np.ndarray | None = None,
) -> Layer:
    """A layer that stands still."""
    waves = np.zeros((3, 3)) if waves is None else waves
    return Layer(
        label,
        disc(colour) if picture is None else picture,
        np.array([centre] * 2),
        np.full(2, angle),
        np.full(2, radius),
        waves,
        np.array([[0.3, 1.1, 2.0]] * 2),
        np.full(2, gain),
    )


def scene(*layers: Layer, camera: np.ndarray = NOWHERE) -> Scene:
    ground = np.broadcast_to(GROUND, (90, 90, 3)).astype(np.uint8)
    return Scene(SPEC, ground, np.array([camera] * 2, float), layers, np.ones(2), 0)


def sampled(one: Layer, camera: np.ndarray = NOWHERE) -> np.ndarray:
    """RGBA of a layer at every pixel, float [H,W,4], by the definition, pixel by pixel backwards into its picture.

    Camera: turned and zoomed about the middle of the frame, then shifted. Layer: placed in shorter sides from the
    middle, turned, its square [-1,1]^2 scaled to its radius; waves shift the point that is looked up.
    """
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    point = (x - WIDTH / 2 - camera[0] * SIDE) + 1j * (y - HEIGHT / 2 - camera[1] * SIDE)
    point = point / np.exp(camera[3] + 1j * camera[2])
    point = (point - SIDE * complex(*one.centre[0])) / (one.radius[0] * SIDE * np.exp(1j * one.angle[0]))
    u, v = point.real, point.imag
    phase = [one.waves[k, 0] * u + one.waves[k, 1] * v + one.phases[0, k] for k in range(3)]
    across = u + sum(one.waves[k, 2] * np.sin(phase[k]) for k in range(3))
    down = v + sum(one.waves[k, 2] * np.cos(phase[k]) for k in range(3))
    half = one.picture.shape[0] / 2
    at = [(down + 1) * half - 0.5, (across + 1) * half - 0.5]
    return np.dstack([map_coordinates(one.picture[..., c].astype(float), at, order=1) for c in range(4)])


WAVES = np.array([[1.5, -2.0, 0.1], [-0.7, 1.2, 0.06], [2.2, 0.4, 0.05]])
LAYERS = {
    "in the middle": layer(),
    "aside and turned": layer(centre=(0.2, -0.15), angle=0.7, radius=0.22),
    "partly outside": layer(centre=(0.6, 0.4), radius=0.35),
    "deformed": layer(centre=(-0.1, 0.05), angle=-0.4, radius=0.4, waves=WAVES),
    "a blob": layer(
        angle=1.2,
        radius=0.4,
        picture=np.dstack([np.full((96, 96, 3), 180, np.uint8), blob(96, np.random.default_rng(3))]),
    ),
}
CAMERAS = {"still": NOWHERE, "moved, turned and zoomed": np.array([0.08, -0.05, 0.2, 0.15])}


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_mask_is_where_the_layer_covers_more_than_half(name: str, camera: str) -> None:
    one = LAYERS[name]
    rgb, labels = scene(one, camera=CAMERAS[camera]).render(1)
    expected = sampled(one, CAMERAS[camera])
    cover = expected[..., 3]
    decided = np.abs(cover - 127.5) > 8  # OpenCV looks up in steps of 1/32 pixel
    assert decided.mean() > 0.97
    assert 100 < (labels == 1).sum() < labels.size / 2
    assert np.array_equal(labels[decided] == 1, cover[decided] > 127.5)
    assert set(np.unique(labels)) == {0, 1}
    blend = cover[..., None] / 255
    composed = blend * expected[..., :3] + (1 - blend) * GROUND
    assert np.abs(rgb - composed).max() < 10
    assert np.abs(rgb - composed).mean() < 1


def test_the_nearest_layer_wins_and_an_occluder_has_no_label() -> None:
    far, near = layer(1, (200, 0, 0)), layer(2, (0, 200, 0), centre=(0.15, 0))
    occluder = layer(0, (0, 0, 200), centre=(0, 0.15))
    covers = [sampled(one)[..., 3] for one in (far, near, occluder)]
    decided = np.all([np.abs(cover - 127.5) > 8 for cover in covers], 0)
    inside = [cover > 127.5 for cover in covers]
    _, labels = scene(far, near, occluder).render(0)
    expected = np.where(inside[2], 0, np.where(inside[1], 2, np.where(inside[0], 1, 0)))
    assert {1, 2} <= set(np.unique(expected[decided]))
    assert (inside[2] & (inside[0] | inside[1])).sum() > 50
    assert np.array_equal(labels[decided], expected[decided])


def test_light_changes_colours_and_never_masks() -> None:
    plain = scene(layer()).render(0)
    lit = scene(layer(gain=0.5)).render(0)
    assert np.array_equal(plain[1], lit[1])
    assert lit[0][24, 32].tolist() == pytest.approx([100, 50, 25], abs=1)
    assert lit[0][0, 0].tolist() == GROUND.tolist()


def test_a_frame_is_the_same_rendered_alone_or_in_order() -> None:
    spec = SceneSpec(HEIGHT, WIDTH, frames=5, objects=2, occluders=2)
    photos = (np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8),)
    drawn = [Scene.draw(np.random.default_rng(7), spec, photos, blob_sprite(photos)) for _ in range(2)]
    frames = [drawn[0].render(t) for t in range(drawn[0].spec.frames)]
    assert len(frames) == 5
    for t in (4, 1):
        for alone, in_order in zip(drawn[1].render(t), frames[t], strict=True):
            assert np.array_equal(alone, in_order)
    assert (frames[0][0] != frames[1][0]).mean() > 0.5  # each frame has its own noise


def test_layers_roam_no_further_than_allowed() -> None:
    spec = SceneSpec(HEIGHT, WIDTH, frames=200, objects=3, speed=0.3, roam=0.4)
    photos = (np.zeros((50, 60, 3), np.uint8),)
    drawn = Scene.draw(np.random.default_rng(1), spec, photos, blob_sprite(photos))
    centres = np.abs(np.concatenate([one.centre for one in drawn.layers]))
    assert (centres <= 0.4 * np.array([WIDTH, HEIGHT]) / SIDE + 1e-9).all()
    assert (centres.max(0) > 0.3).all()
    assert np.abs(drawn.camera).max() <= 0.3


def test_drift_starts_at_rest_and_is_smooth() -> None:
    path = drift(np.random.default_rng(0), 500, 0.02, 2)
    assert path.shape == (500, 2)
    assert not path[0].any()
    velocity = np.diff(path, axis=0)
    assert velocity.std() == pytest.approx(0.02, rel=0.3)
    assert np.diff(velocity, axis=0).std() < velocity.std() / 2
