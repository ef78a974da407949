"""Clips of objects cut along their real masks, which move, deform and hide one another over other photographs.

The generator of vosbench (`datasets.scene`) moves and warps them; here are the pictures that it is given. An object
comes from a photograph, or from three frames of a video, so that its own movement of limbs is kept under the new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vosbench.datasets.generated.scene import Scene, SceneSpec
from vosbench.datasets.generated.textures import fractal
from vosbench.errors import VosbenchError
from vosbench.images import read_rgb
from vosbench.training.augment import Colour
from vosbench.training.sampling import FRAMES, ordered_frames
from vosbench.training.static import StaticClips, read_object
from vosbench.training.video import VideoClips
from vosbench.video import MaskSource

Pair = tuple[Path, Path]  # picture and mask
VideoFrame = tuple[Path, MaskSource]
SMALLEST, LARGEST = 0.004, 0.6  # share of the picture that an object to be cut may cover
VISIBLE = 0.003  # share of the first frame that each object must cover
ATTEMPTS = 20
SPRITE = 7 / 8  # of the frame: the most that a cut-out's picture is wide
# Of a `SceneSpec`, drawn evenly between these ends; of three in ten calmer.
VARIED: dict[str, Any] = {"speed": (0.002, 0.04), "turning": (0, 0.05), "scaling": (0, 0.035), "deformation": (0, 0.2)}
VARIED |= {"pace": (0, 0.3), "camera": (0, 0.025), "lighting": (0, 0.03), "roam": (0.3, 0.6), "noise": (0, 4)}
CALM = {"speed": (0.002, 0.012), "turning": (0, 0.015), "scaling": (0, 0.01)}


@dataclass(frozen=True)
class Cutouts:
    """An endless stream of clips, of which `clips` join each epoch; `max_gap` is the longest distance of two frames.

    sets: image/mask pairs, from which objects and grounds are drawn, one set as often as its entry of `shares` says
    (none: as often as it has pairs). videos: annotated sequences, from which the share `from_video` of the objects
    is cut, frame by frame.

    Raises VosbenchError for shares that do not fit the sets.
    """

    size: int
    objects: int
    max_gap: int
    sets: tuple[StaticClips, ...]
    shares: tuple[float, ...] = ()
    videos: tuple[VideoClips, ...] = ()
    from_video: float = 0.3
    clips: int = 1000
    _sequences: tuple[tuple[VideoFrame, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.sets or len(self.shares) not in (0, len(self.sets)) or not all(0 < x < inf for x in self.shares):
            hint = "give at least one root, and no shares or one above 0 for each root"
            raise VosbenchError(f"cut-outs have {len(self.sets)} roots and {len(self.shares)} shares", hint)
        object.__setattr__(self, "_sequences", tuple(video for source in self.videos for video in source.videos))

    def __len__(self) -> int:
        return self.clips

    @cached_property
    def _chances(self) -> np.ndarray:
        shares = np.array(self.shares or [len(one) for one in self.sets], float)
        return shares / shares.sum()

    def draw(self, item: int, rng: np.random.Generator, done: float) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
        """RGB uint8 [3,S,S,3] and labels uint8 [3,S,S], ids from 1, all seen in the first frame; frames are the farther
        apart the more is `done`. Raises VosbenchError for a faulty file, and where nothing that can be cut is found.
        """
        for _ in range(ATTEMPTS):
            rgb, labels = self._clip(rng, round(3 + (self.max_gap - 3) * min(1.0, 2 * done)))
            areas = np.bincount(labels[0].ravel(), minlength=2)[1:]
            if (areas > VISIBLE * labels[0].size).all():
                return rgb, labels
        raise VosbenchError("no object is seen in any of the cut-out clips", "use pictures with larger objects")

    def _clip(self, rng: np.random.Generator, reach: int) -> tuple[np.ndarray, np.ndarray]:
        times = np.concatenate([[0], np.cumsum(rng.integers(1, reach + 1, FRAMES - 1))])
        spec = _spec(self.size, int(times[-1]) + 1, int(rng.integers(1, self.objects + 1)), rng)
        kin = int(rng.choice(len(self.sets), p=self._chances)) if rng.random() < 0.3 else None  # all of one set
        drawn: list[list[np.ndarray]] = []

        def sprite(_: int, generator: np.random.Generator) -> np.ndarray:
            drawn.append(self._thing(generator, kin))
            return drawn[-1][0]

        scene = Scene.draw(rng, spec, (np.zeros((8, 8, 3), np.uint8),), sprite)
        shutter = float(rng.uniform(0.2, 0.9)) if rng.random() < 0.15 else 0.0
        scene = replace(scene, ground=self._ground(scene.ground.shape[0], rng), shutter=shutter)
        frames = []
        for number, time in enumerate(times):
            layers = tuple(
                replace(one, picture=drawn[one.label - 1][number]) if one.label else one for one in scene.layers
            )
            frames.append(replace(scene, layers=layers).render(int(time)))
        rgb, labels = (np.stack(part) for part in zip(*frames, strict=True))
        return _as_filmed(rgb, rng), labels

    def _pair(self, rng: np.random.Generator, kin: int | None) -> Pair:
        pairs = self.sets[rng.choice(len(self.sets), p=self._chances) if kin is None else kin].pairs
        return pairs[rng.integers(len(pairs))]

    def _thing(self, rng: np.random.Generator, kin: int | None) -> list[np.ndarray]:
        """A cut-out object in the three frames: RGBA uint8 [s,s,4] each."""
        for _ in range(ATTEMPTS):
            if self._sequences and rng.random() < self.from_video:
                found = _from_video(self._sequences[rng.integers(len(self._sequences))], rng)
            else:
                image, mask = self._pair(rng, kin)
                found = [(read_rgb(image), read_object(mask))]
            if all(SMALLEST < mask.mean() < LARGEST for _, mask in found):
                pictures = cut(found, rng, round(SPRITE * self.size))
                return pictures * (FRAMES if len(pictures) == 1 else 1)
        told = f"in {ATTEMPTS} draws no mask covers between {SMALLEST:.1%} and {LARGEST:.0%} of its picture"
        raise VosbenchError(told, "use pictures of objects that do not fill them")

    def _ground(self, extent: int, rng: np.random.Generator) -> np.ndarray:
        """A part of a photograph, at times noise, uint8 [extent,extent,3]."""
        if rng.random() < 0.05:
            return fractal(extent, rng)
        image = read_rgb(self._pair(rng, None)[0])
        side = int(min(image.shape[:2]) * rng.uniform(0.7, 1))
        top, left = (int(rng.integers(length - side + 1)) for length in image.shape[:2])
        part = image[top : top + side, left : left + side]
        part = part[:, ::-1] if rng.random() < 0.5 else part
        return _recoloured(cv2.resize(part, (extent, extent), interpolation=cv2.INTER_LINEAR), rng)


def _spec(size: int, frames: int, objects: int, rng: np.random.Generator) -> SceneSpec:
    varied = VARIED | CALM if rng.random() < 0.3 else VARIED
    return SceneSpec(
        size,
        size,
        frames,
        objects=objects,
        occluders=int(rng.choice(4, p=(0.4, 0.35, 0.15, 0.1))),
        radius=(0.1, float(rng.uniform(0.2, 0.65))),
        twins=0.25,
        **{name: float(rng.uniform(*ends)) for name, ends in varied.items()},
    )


def _from_video(video: Sequence[VideoFrame], rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Three frames of a sequence with the masks (0/1) of one object of the first of them."""
    chosen = [video[i] for i in ordered_frames(len(video), 12, rng)]
    if rng.random() < 0.5:
        chosen.reverse()
    masks = [mask.load() for _, mask in chosen]
    ids = masks[0].object_ids()
    which = int(rng.choice(ids)) if ids else 1
    planes = [mask.planes((which,))[0].astype(np.uint8) for mask in masks]
    return [(read_rgb(path), plane) for (path, _), plane in zip(chosen, planes, strict=True)]


def cut(found: Sequence[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator, most: int) -> list[np.ndarray]:
    """Objects in pictures, RGB uint8 [H,W,3] with masks uint8 [H,W] (0/1, none empty), as RGBA uint8 [s,s,4] each.

    All on squares of one size, at most `most`, about their own middles, with soft edges; flipped and recoloured alike.
    """
    boxes = [cv2.boundingRect(mask) for _, mask in found]
    side = int(1.06 * max(max(box[2:]) for box in boxes)) + 4
    size = min(most, side)
    feather = rng.uniform(0.4, 1.2)
    flip, state = rng.random() < 0.5, rng.bit_generator.state
    pictures = []
    for (image, mask), (x, y, w, h) in zip(found, boxes, strict=True):
        left, top = x + w / 2 - side / 2, y + h / 2 - side / 2
        matrix = np.array([[1, 0, -left], [0, 1, -top]]) * (size / side)
        both = np.dstack([image, mask * 255])
        square = cv2.warpAffine(both, matrix, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT)
        cover = cv2.GaussianBlur(square[..., 3], (0, 0), feather).astype(np.float32)
        cover = np.clip((cover - 70) * (255 / 165), 0, 255).astype(np.uint8)  # a little inside, free of the old ground
        rng.bit_generator.state = state
        picture = np.dstack([_recoloured(square[..., :3], rng), cover])
        pictures.append(np.ascontiguousarray(picture[:, ::-1]) if flip else picture)
    return pictures


def _recoloured(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The image, uint8 [H,W,3], in other light."""
    return Colour.draw(rng, (0.25, 0.2, 0.3), 0.04, 0.03).apply(image)


def _as_filmed(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Frames, uint8 [T,H,W,3], at times blurred and compressed, as video is."""
    if rng.random() < 0.25:
        sigma = rng.uniform(0.4, 1.2)
        frames = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))]
        packed = [cv2.imencode(".jpg", frame, quality)[1] for frame in frames]
        shown = [cv2.imdecode(one, cv2.IMREAD_COLOR) for one in packed]
        frames = np.stack([frame for frame in shown if frame is not None])
    return frames
