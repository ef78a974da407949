"""Clips from video: three frames of one sequence of a data set, and the masks of at most two of its objects."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vosbench.datasets import Dataset
from vosbench.datasets.files import FRAMES as PICTURES
from vosbench.datasets.files import pictures
from vosbench.errors import VosbenchError, a_few
from vosbench.images import VOID, read_rgb
from vosbench.training.augment import Augmentation, augment_clip
from vosbench.training.sampling import FRAMES, Gaps, longest_gap, ordered_frames, pick_objects
from vosbench.video import MaskSource

ATTEMPTS = 5  # draws of three frames and a crop until the first shows an object, as in the published STCN


@dataclass(frozen=True)
class VideoClips:
    """The annotated frames of a data set's sequences.

    gaps: the longest distance of two successive frames over the training, in video frames, of which
    `frame_step` lie from one annotated frame to the next (5 in YouTube-VOS).
    reverse: chance that a clip runs backwards.

    Raises VosbenchError for a data set without masks, or none of which holds an object. Sequences with fewer than
    three annotated frames are left out, with one warning for all of them.
    """

    dataset: Dataset
    size: int
    objects: int
    how: Augmentation
    gaps: Gaps
    frame_step: int = 1
    reverse: float = 0.5
    videos: tuple[tuple[tuple[Path, MaskSource], ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = {}
        for name in self.dataset.sequence_names():
            masks, frames = self.dataset.truth(name).masks, pictures(self.dataset.frame_folder(name), PICTURES)
            pairs[name] = tuple((path, masks[frame]) for frame, path in frames.items() if frame in masks)
        found = [annotated for annotated in pairs.values() if len(annotated) >= FRAMES]
        short = [name for name, annotated in pairs.items() if len(annotated) < FRAMES]
        title = f"{self.dataset.name} {self.dataset.split}"
        if not found:
            hint = "training needs a split whose masks are there, such as train"
            raise VosbenchError(f"no sequence of {title} in {self.dataset.root} has {FRAMES} frames with masks", hint)
        every = (mask.load() for video in found for _, mask in video)  # as a rule only the first is read
        if not any((one.as_labels() % VOID).any() for one in every):
            hint = "look at them: vosbench check --dataset NAME --root FOLDER"
            raise VosbenchError(f"no mask of {title} in {self.dataset.root} holds an object", hint)
        if short:
            left = f"{len(short)} sequences with fewer than {FRAMES} frames with masks are left out: {a_few(short)}"
            warnings.warn(f"{title}: {left}", stacklevel=2)
        object.__setattr__(self, "videos", tuple(found))

    def __len__(self) -> int:
        return len(self.videos)

    def draw(self, item: int, rng: np.random.Generator, done: float) -> tuple[np.ndarray, np.ndarray]:
        """RGB uint8 [3,S,S,3] and labels uint8 [3,S,S] (0, 1, …) from sequence `item`; `done` of the training, 0 to 1.

        Where no attempt shows an object in the first frame, the clip has none, and background is to be predicted.
        """
        video = self.videos[item]
        longest = max(1, longest_gap(self.gaps, done) // self.frame_step)
        for _ in range(ATTEMPTS):
            chosen = [video[i] for i in ordered_frames(len(video), longest, rng)]
            if rng.random() < self.reverse:
                chosen.reverse()
            images = [read_rgb(frame) for frame, _ in chosen]
            labels = [self._labels(mask, image.shape[:2]) for (_, mask), image in zip(chosen, images, strict=True)]
            rgb, warped = augment_clip(images, labels, self.how, self.size, rng)
            if warped[0].any():
                break
        return rgb, pick_objects(warped, self.objects, rng)

    @staticmethod
    def _labels(source: MaskSource, size: tuple[int, ...]) -> np.ndarray:
        """Label map, uint8 [H,W], void as background."""
        labels = source.check((size[0], size[1])).as_labels()
        return np.where(labels == VOID, 0, labels)
