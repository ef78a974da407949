"""What the checks of a GPU segment, and with which strategies: every one that ships, and settings that do more."""

from pathlib import Path

import cv2
import numpy as np

from vosbench.errors import VosbenchError
from vosbench.images import VOID
from vosbench.video import GroundTruth, MasksInMemory, Sequence

PAPER = ("every-k:k=5", "first-and-latest", "lfu:capacity=2")
SETTINGS = (
    *("every-k:last=true", "lfu:pin_first=true,capacity=2.5", "random:frames=true", "readmem:capacity=3,every=2"),
    *("rmem:capacity=3", "xmem:max_frames=4,min_frames=2,prototypes=4,long_term=8"),
)


def strategies() -> tuple[str, ...]:
    """The specs of all."""
    folder = Path(__file__).resolve().parents[2] / "policies"
    return (*sorted(path.stem.replace("_", "-") for path in folder.glob("[!_]*.py")), *SETTINGS)


def clip(frames: int, height: int, width: int, objects: int) -> tuple[np.ndarray, np.ndarray]:
    """Textured squares that drift, pass each other and turn round: rgb uint8 [T,H,W,3], labels uint8 [T,H,W].

    Raises VosbenchError for more objects than a label map holds, and for frames of less than 8 pixels.
    """
    if objects >= VOID or min(height, width) < 8:
        raise VosbenchError(
            f"no clip has {objects} objects of {height}x{width}", "ask for 1 to 254, of 8 pixels or more"
        )
    draw, side = np.random.default_rng(5), height // 4
    ground, coats = _texture(draw, height, width), [_texture(draw, side, side) for _ in range(objects)]
    rgb, labels = np.repeat(ground[None], frames, 0), np.zeros((frames, height, width), np.uint8)
    for t in range(frames):
        for number, coat in enumerate(coats):
            y = int((height - side) * (0.5 + 0.5 * np.sin(0.05 * t + 2 * number)))
            x = int((width - side) * (0.5 + 0.5 * np.cos(0.04 * t + 1.3 * number)))
            rgb[t, y : y + side, x : x + side] = coat
            labels[t, y : y + side, x : x + side] = number + 1
    return rgb, labels


def two_objects(frames: int, height: int, width: int) -> Sequence:
    """A clip of two objects; the second is given in frame 6."""
    rgb, labels = clip(frames, height, width, 2)
    first = np.where(labels[0] == 1, labels[0], 0).astype(np.uint8)
    return Sequence.from_arrays(rgb, {0: first, 6: labels[6]})


def truth(sequence: Sequence) -> GroundTruth:
    """The true masks of `two_objects`, for the strategies that look at them."""
    names = tuple(frame.name for frame in sequence.frames)
    size = sequence.frames[0].load().shape
    masks = clip(len(names), size[0], size[1], 2)[1]
    return GroundTruth(sequence.name, names, {n: MasksInMemory.of(m) for n, m in zip(names, masks, strict=True)})


def _texture(draw: np.random.Generator, height: int, width: int) -> np.ndarray:
    coarse = draw.integers(0, 256, (max(2, height // 8), max(2, width // 8), 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + draw.integers(-20, 20, (height, width, 3)), 0, 255).astype(np.uint8)
