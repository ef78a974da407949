"""The endless stream of generated training clips: three frames, up to two labelled objects."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vosbench.datasets.scene import Scene, SceneSpec, Sprite, blob_sprite
from vosbench.datasets.textures import photographs, repaint, shrink
from vosbench.errors import VosbenchError
from vosbench.images import read_rgb

OBJECTS = 2  # planes in a training sample; a clip with one object leaves the second empty
FRAMES = 3


@dataclass
class ClipStream(Dataset[tuple[Tensor, Tensor]]):
    """Clip number i is a pure function of (seed, i): any step of a training can be drawn again.

    `cutouts` is an optional folder with images/ and masks/ (same stems, mask 0/255) whose objects join the
    generated blobs and whose photographs join the textures.
    """

    size: int
    clips: int
    seed: int
    max_gap: int = 12
    cutouts: Path | None = None

    @cached_property
    def _pairs(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        return () if self.cutouts is None else read_pairs(self.cutouts)

    @cached_property
    def _photos(self) -> tuple[np.ndarray, ...]:
        own = photographs("train")
        return own * max(1, len(self._pairs) // len(own) // 2) + tuple(image for image, _ in self._pairs)

    def __len__(self) -> int:
        return self.clips

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """RGB uint8 [3,3,S,S] (frame, channel) and labels uint8 [3,S,S] with ids 0..2."""
        rng = np.random.Generator(np.random.Philox(key=[self.seed, index]))
        while True:
            rgb, labels = self._clip(rng)
            if all((labels[0] == i).sum() > 0.002 * labels[0].size for i in range(1, labels[0].max(initial=0) + 1)):
                if labels[0].any():
                    return torch.from_numpy(rgb).permute(0, 3, 1, 2), torch.from_numpy(labels)

    def _clip(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        gaps = rng.integers(1, self.max_gap + 1, FRAMES - 1)
        times = np.concatenate([[0], np.cumsum(gaps)])
        spec = SceneSpec(
            self.size,
            self.size,
            int(times[-1]) + 1,
            objects=int(rng.integers(1, OBJECTS + 1)),
            occluders=int(rng.integers(0, 4)),
            radius=(0.12, float(rng.uniform(0.22, 0.6))),
            speed=float(rng.uniform(0.002, 0.03)),
            turning=float(rng.uniform(0, 0.05)),
            scaling=float(rng.uniform(0, 0.03)),
            deformation=float(rng.uniform(0, 0.25)),
            pace=float(rng.uniform(0, 0.3)),
            camera=float(rng.uniform(0, 0.02)),
            lighting=float(rng.uniform(0, 0.03)),
            noise=float(rng.uniform(0, 6)),
        )
        scene = Scene.draw(rng, spec, self._photos, self._sprite(rng))
        frames = [scene.render(int(t)) for t in times]
        rgb, labels = (np.stack(part) for part in zip(*frames, strict=True))
        if rng.random() < 0.3:
            sigma = rng.uniform(0.4, 1.2)
            rgb = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in rgb])
        return rgb, labels

    def _sprite(self, rng: np.random.Generator) -> Sprite:
        blobs = blob_sprite(self._photos)
        if not self._pairs:
            return blobs
        share = rng.choice([0.0, 0.5, 1.0])

        def draw(size: int, rng: np.random.Generator) -> np.ndarray:
            if rng.random() >= share:
                return blobs(size, rng)
            return cut_out(*self._pairs[rng.integers(len(self._pairs))], size, rng)

        return draw


def read_pairs(folder: Path) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """All (RGB, mask) pairs of a folder with images/ and masks/, the shorter side at most 224; mask 0..255."""
    pairs = []
    for mask_path in sorted((folder / "masks").glob("*.png")):
        image_path = next((folder / "images").glob(f"{mask_path.stem}.*"), None)
        mask = cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE)
        if image_path is None or mask is None:
            raise VosbenchError(f"{mask_path} has no image of the same name, or is not readable")
        pairs.append((shrink(read_rgb(image_path), 224), shrink(mask, 224)))
    if not pairs:
        raise VosbenchError(f"no masks in {folder / 'masks'}", "expected images/NAME.jpg and masks/NAME.png")
    return tuple(pairs)


def cut_out(image: np.ndarray, mask: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """The object of a photograph, or a part of it, fitted into a square: RGBA uint8 [size,size,4]."""
    rows, columns = np.flatnonzero(mask.max(1) > 127), np.flatnonzero(mask.max(0) > 127)
    if not len(rows):
        return np.zeros((size, size, 4), np.uint8)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if rng.random() < 0.4:  # a part: upper or lower body
        middle = int(top + (bottom - top) * rng.uniform(0.35, 0.7))
        top, bottom = (top, middle) if rng.random() < 0.5 else (middle, bottom)
    picture = np.dstack([repaint(image, rng, flip=False) if rng.random() < 0.5 else image, mask])[top:bottom, left:right]
    factor = 0.94 * size / max(picture.shape[:2])
    picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((size, size, 4), np.uint8)
    y, x = (size - picture.shape[0]) // 2, (size - picture.shape[1]) // 2
    canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return canvas[:, ::-1] if rng.random() < 0.5 else canvas

