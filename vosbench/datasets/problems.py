"""What can be wrong with the pictures of a sequence."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from vosbench.datasets.files import a_few, gaps
from vosbench.errors import VosbenchError
from vosbench.images import read_rgb
from vosbench.video import MaskSource


@dataclass(frozen=True)
class Problem:
    """One fault of a data set on disk, in one line, and what to do about it."""

    path: Path
    message: str
    hint: str

    @classmethod
    def of(cls, path: Path, error: VosbenchError) -> Self:
        """The fault that an error tells of."""
        return cls(path, error.message, error.hint)


def picture_problems(frames: Mapping[str, Path], masks: Mapping[str, MaskSource]) -> list[Problem]:
    """Every unreadable frame or mask, frame of another size, gap in the numbering, and unusable mask.

    `frames` and `masks` are by frame name in the order of the video; masks may be fewer than frames.
    """
    found = []
    sizes: dict[str, tuple[int, int]] = {}
    for name, path in frames.items():
        try:
            height, width, _ = read_rgb(path).shape
        except VosbenchError as error:
            found.append(Problem.of(path, error))
            continue
        sizes[name] = (height, width)
        first = next(iter(sizes.values()))
        if sizes[name] != first:
            message = f"frame {path} is {width}x{height} pixels, the video {first[1]}x{first[0]}"
            found.append(Problem(path, message, "all frames of a sequence must have one size"))
    for name, source in masks.items():
        try:
            source.check(sizes.get(name))
        except VosbenchError as error:
            found.append(Problem.of(Path(source.where), error))
    missing = gaps(frames)
    if missing:
        folder = next(iter(frames.values())).parent
        found.append(Problem(folder, f"{folder} lacks frames {a_few(missing)} in between", "unpack the frames again"))
    return found
