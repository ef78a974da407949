"""The generated data set: the embedded default, which needs no download.

Clips of `scene` are written once, in the layout of DAVIS 2017, into a cache folder; what is in them is determined
by version and seed. `val` has objects that deform, turn, hide one another, leave the view and come back.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from vosbench.datasets.davis import Davis2017
from vosbench.datasets.scene import Scene, SceneSpec, blob_sprite
from vosbench.datasets.textures import photographs
from vosbench.errors import VosbenchError
from vosbench.images import write_labels

VERSION = 1  # goes up whenever a pixel of the data set changes
SEED = 0
CACHE = Path(".vosbench") / "datasets"
HEIGHT, WIDTH, FRAMES, CLIPS = 192, 288, 48, 6
VISIBLE = 0.004  # least share of the first frame that each object covers
JPEG_QUALITY = 95


class Synthetic(Davis2017):
    """Generated clips with exact masks. `root` is the folder that holds, or gets, the data (None: the cache)."""

    name = "synthetic"
    splits: ClassVar[tuple[str, ...]] = ("val",)
    frame_modes: ClassVar[tuple[str, ...]] = (f"{WIDTH}x{HEIGHT}",)
    private_splits = frozenset()

    def __init__(self, root: Path | None = None, split: str | None = None, frame_mode: str | None = None) -> None:
        root = root or CACHE / f"synthetic-v{VERSION}-seed{SEED}"
        if not root.exists() or (root.is_dir() and not any(root.iterdir())):
            generate(root, SEED)
        super().__init__(root, split, frame_mode)

    def _resolution_folder(self) -> str:
        return "480p"  # the folder's name in the layout, whatever the size of the frames


def val_spec(rng: np.random.Generator) -> SceneSpec:
    """What happens in one clip of `val`."""
    return SceneSpec(
        HEIGHT,
        WIDTH,
        FRAMES,
        objects=int(rng.integers(2, 4)),
        occluders=int(rng.integers(1, 3)),
        radius=(0.16, 0.34),
        speed=float(rng.uniform(0.015, 0.035)),
        turning=float(rng.uniform(0.01, 0.05)),
        scaling=float(rng.uniform(0.005, 0.02)),
        deformation=float(rng.uniform(0.05, 0.2)),
        pace=float(rng.uniform(0.05, 0.2)),
        camera=0.006,
        lighting=0.015,
        roam=0.62,
    )


def generate(root: Path, seed: int) -> None:
    """Write the data set to `root`, which appears complete or not at all.

    Raises VosbenchError if it cannot be written.
    """
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
        try:
            names = [f"clip-{number:02d}" for number in range(CLIPS)]
            for number, name in enumerate(names):
                _write_clip(part, name, np.random.Generator(np.random.Philox(key=[seed, number])))
            (part / "ImageSets" / "2017").mkdir(parents=True)
            (part / "ImageSets" / "2017" / "val.txt").write_text("".join(f"{name}\n" for name in names))
            (part / "synthetic.json").write_text(json.dumps({"version": VERSION, "seed": seed}) + "\n")
            os.rename(part, root)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        if root.is_dir():
            return  # another process was faster
        raise VosbenchError(
            f"cannot write the generated data set to {root}: {error.strerror}", "choose a writable folder with --root"
        ) from None


def _write_clip(root: Path, name: str, rng: np.random.Generator) -> None:
    frames, masks = (root / kind / "480p" / name for kind in ("JPEGImages", "Annotations"))
    frames.mkdir(parents=True)
    masks.mkdir(parents=True)
    for t, (rgb, labels) in enumerate(_draw(rng).frames()):
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        (frames / f"{t:05d}.jpg").write_bytes(jpeg.tobytes())
        write_labels(masks / f"{t:05d}.png", labels)


def _draw(rng: np.random.Generator) -> Scene:
    """A scene whose objects can all be seen in its first frame."""
    photos = photographs("val")
    while True:
        scene = Scene.draw(rng, val_spec(rng), photos, blob_sprite(photos))
        labels = scene.render(0)[1]
        areas = np.bincount(labels.flatten(), minlength=scene.spec.objects + 1)[1:]
        if min(areas) > VISIBLE * labels.size:
            return scene
