"""Clips from static images: three changed copies of one image and the mask of its single object."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vosbench.datasets.files import FRAMES as PICTURES
from vosbench.datasets.files import MASKS, pictures
from vosbench.errors import VosbenchError, a_few
from vosbench.images import check_size, read_labels, read_rgb, read_size
from vosbench.training.augment import Augmentation, augment_clip
from vosbench.training.sampling import FRAMES

ATTEMPTS = 10  # draws of a clip until its first frame shows the object


@dataclass(frozen=True)
class StaticClips:
    """A folder with `images` and `masks` of equal stems; masks are 0/255 (grey is cut at 127) or 0/1.

    Raises VosbenchError for a folder without pairs, an image or a mask without its partner, a pair of two sizes,
    and if no mask holds an object. Pairs with an empty mask are left out, with one warning for all of them.
    """

    root: Path
    size: int
    how: Augmentation
    pairs: tuple[tuple[Path, Path], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        images, masks = pictures(self.root / "images", PICTURES), pictures(self.root / "masks", MASKS)
        if not images or not masks:
            told = f"{self.root} holds no image/mask pairs"
            raise VosbenchError(told, "expected images/NAME.jpg and masks/NAME.png, 0/255")
        for kind, lone in (("mask", images.keys() - masks.keys()), ("image", masks.keys() - images.keys())):
            if lone:
                hint = "every images/NAME.jpg needs its masks/NAME.png, and the other way round"
                raise VosbenchError(f"{self.root}: {len(lone)} names have no {kind}: {a_few(sorted(lone))}", hint)
        found: list[tuple[Path, Path]] = []
        empty: list[str] = []
        for name, image in images.items():
            mask = read_object(masks[name])
            check_size(mask.shape, read_size(image), masks[name], "image")
            if mask.any():
                found.append((image, masks[name]))
            else:
                empty.append(name)
        if not found:
            told = f"none of the {len(empty)} masks in {self.root / 'masks'} holds an object"
            raise VosbenchError(told, "object pixels are 255")
        if empty:
            warnings.warn(f"{self.root}: {len(empty)} empty masks are left out: {a_few(empty)}", stacklevel=2)
        object.__setattr__(self, "pairs", tuple(found))

    def __len__(self) -> int:
        return len(self.pairs)

    def draw(self, item: int, rng: np.random.Generator, done: float) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
        """RGB uint8 [3,S,S,3] and labels uint8 [3,S,S] (0, 1) from pair `item`."""
        image, mask = self.pairs[item]
        rgb, labels = read_rgb(image), read_object(mask)
        for _ in range(ATTEMPTS):
            clip = augment_clip([rgb] * FRAMES, [labels] * FRAMES, self.how, self.size, rng)
            if clip[1][0].any():
                break
        return clip


def read_object(path: Path) -> np.ndarray:
    """The mask of a single object, uint8 [H,W] of 0 and 1."""
    mask = read_labels(path)
    return (mask > (127 if mask.max() > 1 else 0)).astype(np.uint8)
