"""Renders generated video: layers that move, turn, scale, deform, hide one another and leave, over a moving ground.

A layer is a picture with coverage (RGBA) on the square [-1,1]^2; a frame warps each layer into place from the
farthest to the nearest. Masks are exact: the label of a pixel is the nearest layer that covers more than half of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from vosbench.datasets.generated.layers import Layer, Patch, at, look_up
from vosbench.datasets.generated.motion import drift, fold, similarity, translation
from vosbench.datasets.generated.textures import blob, texture

Sprite = Callable[[int, np.random.Generator], np.ndarray]  # (size, rng) -> RGBA uint8 [size,size,4]
EXPOSURES = 5  # moments of which a frame with motion blur is the mean; odd, so that one is the frame's own


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

    @property
    def side(self) -> int:
        """The shorter side of the frame in pixels."""
        return min(self.height, self.width)


@dataclass(frozen=True)
class Frame:
    """A rendered frame, and what it took to render it."""

    rgb: np.ndarray  # uint8 [H,W,3]
    labels: np.ndarray  # uint8 [H,W]
    owners: np.ndarray  # uint8 [H,W]: which layer is seen, 1 + its place in the scene; 0 for the ground
    patches: tuple[Patch | None, ...]  # of every layer, hidden or not, what falls into the frame


def _layer(rng: np.random.Generator, spec: SceneSpec, label: int, picture: np.ndarray) -> Layer:
    count = spec.frames
    start = rng.uniform(-0.35, 0.35, 2)
    speed = spec.speed * rng.uniform(0.2, 1.5)
    scale = np.exp(fold(drift(rng, count, spec.scaling)[:, 0], 0.5))
    frequencies = rng.uniform(-2.5, 2.5, (2, 3))
    waves = np.vstack([frequencies, spec.deformation * rng.uniform(0, 1, 3) * np.array([1, 0.6, 0.4])]).T
    path = fold(start + drift(rng, count, speed, 2), spec.roam * np.array([spec.width, spec.height]) / spec.side)
    angle = rng.uniform(-0.4, 0.4) + drift(rng, count, spec.turning)[:, 0]
    radius = rng.uniform(*spec.radius) * scale
    phases = rng.uniform(0, 2 * np.pi, 3) + drift(rng, count, spec.pace, 3)
    gain = np.exp(fold(drift(rng, count, spec.lighting)[:, 0], 0.4))
    return Layer(label, picture, path, angle, radius, waves.astype(np.float32), phases, gain)


def blob_sprite(photos: tuple[np.ndarray, ...]) -> Sprite:
    """Layers cut as blobs from photographs or noise."""
    return lambda size, rng: np.dstack([texture(photos, size, rng), blob(size, rng)])


@dataclass(frozen=True)
class Scene:
    """A drawn clip, of which any frame can be rendered by itself."""

    spec: SceneSpec
    ground: np.ndarray  # RGB uint8, larger than the frame
    camera: np.ndarray  # float [T,4]: x, y (shorter sides), angle, log zoom
    layers: tuple[Layer, ...]  # from far to near
    light: np.ndarray  # float [T]
    noise_seed: int
    shutter: float = 0.0  # share of the time between two frames in which the camera takes in light
    exact: bool = False  # the ground too rounds the same on every machine; slower

    @classmethod
    def draw(cls, rng: np.random.Generator, spec: SceneSpec, photos: tuple[np.ndarray, ...], sprite: Sprite) -> "Scene":
        """A random scene; the same generator state gives the same scene."""
        size = max(32, int(2.4 * spec.radius[1] * spec.side))
        pictures = [sprite(size, rng) for _ in range(spec.objects)]
        layers = [_layer(rng, spec, i + 1, picture) for i, picture in enumerate(pictures)]
        for _ in range(spec.occluders):
            twin = pictures[rng.integers(len(pictures))] if pictures and rng.random() < spec.twins else None
            layers.append(_layer(rng, spec, 0, sprite(size, rng) if twin is None else twin))
        order = rng.permutation(len(layers))
        extent = int(1.3 * max(spec.height, spec.width))
        camera = fold(drift(rng, spec.frames, spec.camera, 4) * np.array([1, 1, 0.5, 0.5]), 0.3)
        ground = texture(photos, extent, rng)
        light = np.exp(fold(drift(rng, spec.frames, spec.lighting)[:, 0], 0.4))
        return cls(spec, ground, camera, tuple(layers[i] for i in order), light, int(rng.integers(2**31)))

    def render(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame t: RGB uint8 [H,W,3] and its label map uint8 [H,W]."""
        frame = self.frame(t)
        return frame.rgb, frame.labels

    def frame(self, t: int) -> Frame:
        """Frame t. With motion blur, what is in it and where is that of the middle of the exposure."""
        image, owners, patches = self._compose(t)
        if self.shutter:
            moments = t + self.shutter * (np.arange(EXPOSURES) / (EXPOSURES - 1) - 0.5)
            others = np.clip(np.delete(moments, EXPOSURES // 2), 0, self.spec.frames - 1)
            for moment in others:
                image += self._compose(float(moment))[0]
            image /= EXPOSURES
        rng = np.random.Generator(np.random.Philox(key=[self.noise_seed, t]))
        noise = rng.standard_normal(image.shape, dtype=np.float32) * self.spec.noise
        rgb = np.clip(image * self.light[t] + noise, 0, 255).astype(np.uint8)
        labels = np.array([0, *(layer.label for layer in self.layers)], np.uint8)
        return Frame(rgb, labels[owners], owners, patches)

    def view(self, t: float) -> np.ndarray:
        """The matrix that takes the world, in pixels from its middle, into the frame."""
        x, y, angle, zoom = at(self.camera, t)
        side = self.spec.side
        return similarity(x * side + self.spec.width / 2, y * side + self.spec.height / 2, angle, np.exp(zoom))

    def _backdrop(self, view: np.ndarray) -> np.ndarray:
        """The ground as `view` shows it, uint8 [H,W,3]."""
        height, width = self.spec.height, self.spec.width
        place = view @ translation(-self.ground.shape[1] / 2, -self.ground.shape[0] / 2)
        if not self.exact:
            return cv2.warpAffine(
                self.ground, place[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
            )
        back = np.linalg.inv(place)
        xs, ys = np.arange(width), np.arange(height)[:, None]
        across, down = (row[0] * xs + row[1] * ys + row[2] for row in back[:2])
        return look_up(self.ground, across, down, cv2.BORDER_REFLECT_101)

    def _compose(self, t: float) -> tuple[np.ndarray, np.ndarray, tuple[Patch | None, ...]]:
        """The picture at time t as float32 [H,W,3], which layer is seen where, and the layers' patches."""
        size, side, view = (self.spec.height, self.spec.width), self.spec.side, self.view(t)
        image = self._backdrop(view).astype(np.float32)
        owners = np.zeros(size, np.uint8)
        patches = tuple(layer.warp(t, view, side, size) for layer in self.layers)
        for index, (layer, patch) in enumerate(zip(self.layers, patches, strict=True)):
            if patch is None:
                continue
            if layer.shadow:
                _darken(image, patch, layer.shadow, side)
            warped = patch.rgba.astype(np.float32)
            cover = warped[..., 3:] / 255
            part = image[patch.window]
            part += cover * (warped[..., :3] * at(layer.gain, t) - part)
            owners[patch.window][patch.inside] = index + 1
        return image, owners, patches


def _darken(image: np.ndarray, patch: Patch, strength: float, side: int) -> None:
    """The soft shadow of a patch, a little below and to the right of it."""
    width = side // 12
    soft = cv2.blur(patch.rgba[..., 3], (width, width))
    shift = round(0.025 * side)
    part = image[patch.top + shift :, patch.left + shift :][: soft.shape[0], : soft.shape[1]]
    part *= 1 - np.float32(strength / 255) * soft[: part.shape[0], : part.shape[1], None]
