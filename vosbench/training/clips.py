"""Generated training clips: three frames of a scene, some of its objects labelled."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vosbench.datasets.generated.scene import Scene, SceneSpec, blob_sprite
from vosbench.datasets.generated.textures import photographs, shrink
from vosbench.errors import VosbenchError
from vosbench.images import read_rgb
from vosbench.training.sampling import FRAMES

# Of a `SceneSpec`, drawn evenly between these ends.
VARIED: dict[str, Any] = {"speed": (0.002, 0.03), "turning": (0, 0.05), "scaling": (0, 0.03)}
VARIED |= {"deformation": (0, 0.25), "pace": (0, 0.3), "camera": (0, 0.02), "lighting": (0, 0.03), "noise": (0, 6)}


@dataclass(frozen=True)
class GeneratedClips:
    """An endless stream; `clips` join each epoch, frames are up to `max_gap` apart, JPEGs of `photos` are textures.

    Raises VosbenchError for a folder without any.
    """

    size: int
    objects: int = 2
    max_gap: int = 12
    photos: Path | None = None
    clips: int = 1000

    def __post_init__(self) -> None:
        if self.photos is not None and not any(self.photos.glob("*.jpg")):
            raise VosbenchError(f"no .jpg in {self.photos}", "photos names a folder of photographs")

    @cached_property
    def _photos(self) -> tuple[np.ndarray, ...]:
        own = photographs("train")
        if self.photos is None:
            return own
        others = tuple(shrink(read_rgb(path), 224) for path in sorted(self.photos.glob("*.jpg")))
        return own * max(1, len(others) // len(own) // 2) + others  # a third of all textures is our own

    def __len__(self) -> int:
        return self.clips

    def draw(self, item: int, rng: np.random.Generator, done: float) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
        """RGB uint8 [3,S,S,3] and labels uint8 [3,S,S], ids from 1; frames are the farther apart the more is `done`."""
        while True:
            rgb, labels = self._clip(rng, self._reach(done))
            if labels[0].any() and all(np.bincount(labels[0].flatten())[1:] > 0.002 * labels[0].size):
                return rgb, labels

    def _reach(self, done: float) -> int:
        """The longest distance between two frames: grows from 2 to `max_gap` over the first half of the training."""
        return round(2 + (self.max_gap - 2) * min(1.0, 2 * done))

    def _clip(self, rng: np.random.Generator, reach: int) -> tuple[np.ndarray, np.ndarray]:
        times = np.concatenate([[0], np.cumsum(rng.integers(1, reach + 1, FRAMES - 1))])
        spec = SceneSpec(
            self.size,
            self.size,
            int(times[-1]) + 1,
            objects=int(rng.integers(1, self.objects + 1)),
            occluders=int(rng.integers(0, 4)),
            radius=(0.18, float(rng.uniform(0.3, 0.6))),
            **{name: float(rng.uniform(*ends)) for name, ends in VARIED.items()},
        )
        photos = self._photos
        if rng.random() < 0.15:  # camouflage: objects and ground from one photograph
            photos = (photos[rng.integers(len(photos))],)
        scene = Scene.draw(rng, spec, photos, blob_sprite(photos))
        frames = [scene.render(int(t)) for t in times]
        rgb, labels = (np.stack(part) for part in zip(*frames, strict=True))
        if rng.random() < 0.3:
            sigma = rng.uniform(0.4, 1.2)
            rgb = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in rgb])
        return rgb, labels
