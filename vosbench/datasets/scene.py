"""Renders generated video: layers that move, turn, scale, deform, hide one another and leave, over a moving ground.

A layer is a picture with coverage (RGBA) on the square [-1,1]^2; a frame warps each layer into place from the
farthest to the nearest. Masks are exact: the label of a pixel is the nearest layer that covers more than half of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from vosbench.datasets.textures import blob, texture

Sprite = Callable[[int, np.random.Generator], np.ndarray]  # (size, rng) -> RGBA uint8 [size,size,4]


@dataclass(frozen=True)
class SceneSpec:
    """What happens in a clip. Lengths are shares of the shorter side of the frame, speeds are per frame."""

    height: int
    width: int
    frames: int
    objects: int  # labelled layers, ids 1..objects
    occluders: int = 1  # layers without a label
    radius: tuple[float, float] = (0.14, 0.34)
    speed: float = 0.02
    turning: float = 0.03  # radians
    scaling: float = 0.01
    deformation: float = 0.12  # amplitude in units of the layer's radius
    pace: float = 0.15  # phase of the deformation, radians
    camera: float = 0.01
    lighting: float = 0.02
    twins: float = 0.2  # chance that an occluder looks like one of the objects
    roam: float = 0.45  # how far from the centre layers wander; beyond 0.6 they leave the view
    noise: float = 3.0  # standard deviation, grey levels


@dataclass(frozen=True)
class Layer:
    """One thing in the scene: its picture and its state in every frame."""

    label: int
    picture: np.ndarray  # RGBA, uint8 [S,S,4]
    centre: np.ndarray  # float [T,2], x and y, in shorter sides from the middle of the frame
    angle: np.ndarray  # float [T], radians
    radius: np.ndarray  # float [T], shorter sides
    waves: np.ndarray  # float [K,3]: frequency in u, frequency in v, amplitude
    phases: np.ndarray  # float [T,K]
    gain: np.ndarray  # float [T]


def drift(rng: np.random.Generator, steps: int, scale: float, size: int = 1, memory: float = 0.9) -> np.ndarray:
    """A smooth random path from 0, float [steps,size]: its velocity is an autoregressive process of size `scale`."""
    velocity = rng.standard_normal(size)
    kicks = rng.standard_normal((steps, size)) * np.sqrt(1 - memory**2)
    path = np.zeros((steps, size))
    for t in range(1, steps):
        velocity = memory * velocity + kicks[t]
        path[t] = path[t - 1] + scale * velocity
    return path


def _fold(path: np.ndarray, limit: float | np.ndarray) -> np.ndarray:
    """The path mirrored at -limit and limit, so that it never leaves them."""
    return limit - np.abs((path + limit) % (4 * limit) - 2 * limit)


def _layer(rng: np.random.Generator, spec: SceneSpec, label: int, picture: np.ndarray) -> Layer:
    count = spec.frames
    start = rng.uniform(-0.35, 0.35, 2)
    speed = spec.speed * rng.uniform(0.2, 1.5)
    scale = np.exp(_fold(drift(rng, count, spec.scaling)[:, 0], 0.5))
    waves = np.stack(
        [
            rng.uniform(-2.5, 2.5, 3),
            rng.uniform(-2.5, 2.5, 3),
            spec.deformation * rng.uniform(0, 1, 3) * np.array([1, 0.6, 0.4]),
        ],
        1,
    )
    return Layer(
        label,
        picture,
        _fold(start + drift(rng, count, speed, 2), spec.roam * np.array([spec.width, spec.height]) / _side(spec)),
        rng.uniform(-0.4, 0.4) + drift(rng, count, spec.turning)[:, 0],
        rng.uniform(*spec.radius) * scale,
        waves,
        rng.uniform(0, 2 * np.pi, 3) + drift(rng, count, spec.pace, 3),
        np.exp(_fold(drift(rng, count, spec.lighting)[:, 0], 0.4)),
    )


def _side(spec: SceneSpec) -> int:
    return min(spec.height, spec.width)


def blob_sprite(photos: tuple[np.ndarray, ...]) -> Sprite:
    """Layers cut as blobs from photographs or noise."""

    def draw(size: int, rng: np.random.Generator) -> np.ndarray:
        return np.dstack([texture(photos, size, rng), blob(size, rng)])

    return draw


@dataclass(frozen=True)
class Scene:
    """A drawn clip, of which any frame can be rendered by itself."""

    spec: SceneSpec
    ground: np.ndarray  # RGB uint8, larger than the frame
    camera: np.ndarray  # float [T,4]: x, y (shorter sides), angle, log zoom
    layers: tuple[Layer, ...]  # from far to near
    light: np.ndarray  # float [T]
    noise_seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, spec: SceneSpec, photos: tuple[np.ndarray, ...], sprite: Sprite) -> "Scene":
        """A random scene; the same generator state gives the same scene."""
        size = max(32, int(2.4 * spec.radius[1] * _side(spec)))
        pictures = [sprite(size, rng) for _ in range(spec.objects)]
        layers = [_layer(rng, spec, i + 1, picture) for i, picture in enumerate(pictures)]
        for _ in range(spec.occluders):
            twin = pictures[rng.integers(len(pictures))] if pictures and rng.random() < spec.twins else None
            layers.append(_layer(rng, spec, 0, sprite(size, rng) if twin is None else twin))
        order = rng.permutation(len(layers))
        extent = int(1.3 * max(spec.height, spec.width))
        camera = drift(rng, spec.frames, spec.camera, 4) * np.array([1, 1, 0.5, 0.5])
        return cls(
            spec,
            texture(photos, extent, rng),
            _fold(camera, 0.3),
            tuple(layers[i] for i in order),
            np.exp(_fold(drift(rng, spec.frames, spec.lighting)[:, 0], 0.4)),
            int(rng.integers(2**31)),
        )

    def frames(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All frames in order, as `render` gives them."""
        return (self.render(t) for t in range(self.spec.frames))

    def render(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame t: RGB uint8 [H,W,3] and its label map uint8 [H,W]."""
        spec, side = self.spec, _side(self.spec)
        x, y, angle, zoom = self.camera[t]
        view = _similarity(x * side + spec.width / 2, y * side + spec.height / 2, angle, np.exp(zoom))
        place = view @ _translation(-self.ground.shape[1] / 2, -self.ground.shape[0] / 2)
        image = cv2.warpAffine(
            self.ground, place[:2], (spec.width, spec.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        ).astype(np.float32)
        labels = np.zeros((spec.height, spec.width), np.uint8)
        for layer in self.layers:
            self._paint(layer, t, view, image, labels)
        rng = np.random.Generator(np.random.Philox(key=[self.noise_seed, t]))
        noise = rng.standard_normal(image.shape, dtype=np.float32) * spec.noise
        return np.clip(image * self.light[t] + noise, 0, 255).astype(np.uint8), labels

    def _paint(self, layer: Layer, t: int, view: np.ndarray, image: np.ndarray, labels: np.ndarray) -> None:
        side = _side(self.spec)
        cx, cy = layer.centre[t] * side
        place = view @ _similarity(cx, cy, layer.angle[t], layer.radius[t] * side)  # the unit square into the frame
        reach = np.hypot(*place[:2, 0]) * 1.7  # corners of the square, and what the waves add
        left, right = (int(np.clip(place[0, 2] + s * reach, 0, labels.shape[1])) for s in (-1, 1))
        top, bottom = (int(np.clip(place[1, 2] + s * reach, 0, labels.shape[0])) for s in (-1, 1))
        if left >= right or top >= bottom:
            return
        back = np.linalg.inv(place).astype(np.float32)
        xs, ys = np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)[:, None]
        u = back[0, 0] * xs + back[0, 1] * ys + back[0, 2]
        v = back[1, 0] * xs + back[1, 1] * ys + back[1, 2]
        du, dv = np.zeros_like(u), np.zeros_like(v)
        for k, (fu, fv, amplitude) in enumerate(layer.waves.astype(np.float32)):
            angle = fu * u + fv * v + np.float32(layer.phases[t, k])
            du += amplitude * np.sin(angle)
            dv += amplitude * np.cos(angle)
        half = layer.picture.shape[0] / 2
        warped = cv2.remap(
            layer.picture, (u + du) * half + half - 0.5, (v + dv) * half + half - 0.5, cv2.INTER_LINEAR
        ).astype(np.float32)
        cover = warped[..., 3:] / 255
        patch = image[top:bottom, left:right]
        patch += cover * (warped[..., :3] * layer.gain[t] - patch)
        labels[top:bottom, left:right][warped[..., 3] > 127] = layer.label


def _similarity(x: float, y: float, angle: float, scale: float) -> np.ndarray:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1]])


def _translation(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
