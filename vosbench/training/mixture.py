"""The clips of a training in their order, from all of its sources. Clip number i is a pure function of seed and i."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vosbench.base.processes import starting
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.training.clips import GeneratedClips
from vosbench.training.config import STATIC, VIDEO, CutoutData, Data, GeneratedData, StaticData, TrainConfig
from vosbench.training.cutouts import Cutouts
from vosbench.training.static import StaticClips
from vosbench.training.video import VideoClips

Batch = tuple[Tensor, Tensor]  # RGB uint8 [B,3,3,S,S] (clip, frame, channel); labels uint8 [B,3,S,S]
NO_CLIP = 1  # tells the random numbers that order an epoch from those of a clip


class ClipSource(Protocol):
    """Where clips come from."""

    def __len__(self) -> int:
        """Items that an epoch visits."""

    def draw(self, item: int, rng: np.random.Generator, done: float) -> tuple[np.ndarray, np.ndarray]:
        """RGB uint8 [3,S,S,3] and labels uint8 [3,S,S] from an item; `done` is the share of the training behind."""


def open_source(data: Data, config: TrainConfig) -> ClipSource:
    """Raises VosbenchError for whatever is wrong with the data, as far as it shows without reading all frames."""
    if isinstance(data, GeneratedData):
        photos = Path(config.photos) if config.photos else None
        return GeneratedClips(config.size, config.objects, config.max_gap, photos, data.clips)
    if isinstance(data, StaticData):
        return StaticClips(Path(data.root), config.size, data.augment)
    if isinstance(data, CutoutData):
        sets = tuple(StaticClips(Path(root), config.size, STATIC) for root in data.roots)
        videos = tuple(
            VideoClips(open_dataset("folder", Path(root), "all"), config.size, config.objects, VIDEO, config.gaps)
            for root in data.videos
        )
        return Cutouts(
            config.size, config.objects, config.max_gap, sets, data.shares, videos, data.from_video, data.clips
        )
    dataset = open_dataset(data.kind, Path(data.root), data.split, frame_mode=data.frame_mode)
    if data.sequences:
        dataset = dataset.only(data.sequences)
    return VideoClips(dataset, config.size, config.objects, data.augment, config.gaps, data.frame_step, data.reverse)


@dataclass(frozen=True)
class Mixture(Dataset["Batch | VosbenchError"]):
    """`total` clips. Every epoch visits each item of each source `repeat` times, in an order of its own.

    With `weights`, one for each source, there are no epochs: each clip draws its source by them, and an item of it.
    A fault of a file is returned, not raised: on its way out of a worker process an exception loses its form.
    """

    sources: tuple[tuple[ClipSource, int], ...]  # with the number of repeats
    total: int
    seed: int
    weights: tuple[float, ...] = ()

    @classmethod
    def open(cls, config: TrainConfig) -> "Mixture":
        """The sources of a configuration. Raises VosbenchError as `open_source` does."""
        sources = tuple((open_source(data, config), getattr(data, "repeat", 1)) for data in config.data)
        weights = tuple(data.weight for data in config.data) if any(data.weight for data in config.data) else ()
        return cls(sources, config.steps * config.batch, config.seed, weights)

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, number: int) -> Batch | VosbenchError:
        """RGB uint8 [3,3,S,S] (frame, channel) and labels uint8 [3,S,S], ids from 1; or what is wrong."""
        source, item = self._by_weight(number) if self.weights else self._in_epoch(number)
        rng = np.random.Generator(np.random.Philox(key=[self.seed, number]))
        try:
            rgb, labels = source.draw(item, rng, number / self.total)
        except VosbenchError as error:
            return error
        return torch.from_numpy(rgb).permute(0, 3, 1, 2), torch.from_numpy(labels)

    def _in_epoch(self, number: int) -> tuple[ClipSource, int]:
        """The source of clip `number`, and the item in it."""
        lengths = tuple(len(source) * repeat for source, repeat in self.sources)
        epoch, place = divmod(number, sum(lengths))
        item = int(_order(self.seed, epoch, sum(lengths))[place])
        which = int(np.searchsorted(np.cumsum(lengths), item, side="right"))
        source = self.sources[which][0]
        return source, (item - sum(lengths[:which])) % len(source)

    def _by_weight(self, number: int) -> tuple[ClipSource, int]:
        """The same where sources have weights."""
        rng = np.random.Generator(np.random.Philox(key=[self.seed, number], counter=[0, 0, 0, NO_CLIP]))
        ends = np.cumsum(self.weights)
        source = self.sources[int(np.searchsorted(ends[:-1], rng.random() * ends[-1], side="right"))][0]
        return source, int(rng.integers(len(source)))


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, length: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, 0, NO_CLIP])).permutation(length)


@dataclass(frozen=True)
class Shares:
    """The clip numbers of one process, a list for every step from `first` to before `end`: its even part of a batch."""

    first: int
    end: int
    batch: int
    rank: int = 0
    processes: int = 1

    def __len__(self) -> int:
        return self.end - self.first

    def __iter__(self) -> Iterator[list[int]]:
        part = self.batch // self.processes
        for step in range(self.first, self.end):
            start = step * self.batch + self.rank * part
            yield list(range(start, start + part))


def batches(mixture: Mixture, shares: Shares, workers: int, pin: bool) -> Iterator[Batch]:
    """The batches of one process, drawn ahead by `workers` processes. Raises VosbenchError for a faulty file."""
    loader = DataLoader(
        mixture,
        batch_sampler=shares,
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_one_thread,
        pin_memory=pin,
    )
    with starting() if workers else nullcontext():
        drawn = iter(loader)
    try:
        for batch in drawn:
            if isinstance(batch, VosbenchError):
                raise batch
            yield batch
    finally:
        del drawn  # which ends its processes: they heed no signal, and Python would wait for them for ever


def _collate(clips: Sequence[Batch | VosbenchError]) -> Batch | VosbenchError:
    sound = []
    for clip in clips:
        if isinstance(clip, VosbenchError):
            return clip
        sound.append(clip)
    rgb, labels = zip(*sound, strict=True)
    return torch.stack(rgb), torch.stack(labels)


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)  # the workers are the parallelism
