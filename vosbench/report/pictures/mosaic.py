"""Pictures side by side under captions, as frames of a video."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vosbench.report.pictures.lettering import legible, write

GROUND, TEXT, VALUE = (24, 24, 24), (240, 240, 240), (160, 160, 160)  # RGB
_CANVAS = 1080, 1920  # (height, width) in pixels that a video should fit
_LEAST = 320  # pixels of width of a picture, so that its caption can be read


@dataclass(frozen=True)
class Mosaic:
    """Pictures side by side in `columns`, each of a `size` (height, width) in pixels, under a caption of a height."""

    pictures: int
    columns: int
    size: tuple[int, int]
    caption: int
    gap: int

    @classmethod
    def of(cls, pictures: int, height: int, width: int) -> "Mosaic":
        """The arrangement with the largest pictures that fit a screen, but no larger than they are, unless tiny."""
        caption = 0.09
        scales = {}
        for columns in range(1, pictures + 1):
            rows = -(-pictures // columns)
            scales[columns] = min(_CANVAS[1] / (columns * width), _CANVAS[0] / (rows * height * (1 + caption)))
        columns = max(scales, key=lambda number: (round(scales[number], 6), -number))
        scale = max(min(scales[columns], 1), _LEAST / width)
        size = round(scale * height), round(scale * width)
        return cls(pictures, columns, size, max(20, round(caption * size[0])), max(2, size[1] // 160))

    @property
    def canvas(self) -> tuple[int, int]:
        """(height, width) of all of it, both even."""
        height, width = -(-self.pictures // self.columns) * (self.size[0] + self.caption), self.columns * self.size[1]
        height, width = height + self.gap, width + (self.columns - 1) * self.gap
        return height + height % 2, width + width % 2

    def place(self, number: int) -> tuple[int, int]:
        """(top, left) of a picture in pixels; its caption is above it."""
        row, column = divmod(number, self.columns)
        return row * (self.size[0] + self.caption) + self.caption, column * (self.size[1] + self.gap)

    def compose(self, pictures: Sequence[np.ndarray], captions: Sequence[tuple[str, str]]) -> np.ndarray:
        """Pictures, uint8 [h,w,3] of `size`, each under a name at the left and a value at the right: uint8 [H,W,3]."""
        drawn = np.full((*self.canvas, 3), GROUND, np.uint8)
        (height, width), pad = self.size, self.caption // 4
        for number, (picture, (name, value)) in enumerate(zip(pictures, captions, strict=True)):
            top, left = self.place(number)
            drawn[top : top + height, left : left + width] = picture
            box = left + pad, top - self.caption, width - 2 * pad, self.caption
            taken = write(drawn, legible(value), box, VALUE, right=True)
            write(drawn, legible(name), (*box[:2], box[2] - taken - 2 * pad, box[3]), TEXT, right=False)
        return drawn
