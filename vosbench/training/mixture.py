"""The clips of a training in their order, from all of its sources. Clip number i is a pure function of seed and i."""

import multiprocessing
import signal
import threading
import traceback
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from vosbench.base.processes import starting, useful
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.training.clips import GeneratedClips
from vosbench.training.config import STATIC, VIDEO, CutoutData, Data, GeneratedData, StaticData, TrainConfig
from vosbench.training.cutouts import Cutouts
from vosbench.training.static import StaticClips
from vosbench.training.video import VideoClips

Batch = tuple[Tensor, Tensor]  # RGB uint8 [B,3,3,S,S] (clip, frame, channel); labels uint8 [B,3,S,S]
LONGEST = 10**7  # clips of an epoch: their order is drawn as a whole
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
    dataset = open_dataset(
        *(data.kind, Path(data.root), data.split), frame_mode=data.frame_mode, trust_masks=data.trust_masks
    )
    if data.sequences:
        dataset = dataset.only(data.sequences)
    return VideoClips(dataset, config.size, config.objects, data.augment, config.gaps, data.frame_step, data.reverse)


@dataclass(frozen=True)
class Mixture(Dataset["Batch | VosbenchError"]):
    """`total` clips. Every epoch visits each item of each source `repeat` times, in an order of its own.

    With `weights`, one for each source, there are no epochs: each clip draws its source by them, and an item of it.
    What is wrong is returned, not raised: on its way out of a worker process an exception loses its form.
    """

    sources: tuple[tuple[ClipSource, int], ...]  # with the number of repeats
    total: int
    seed: int
    weights: tuple[float, ...] = ()

    @classmethod
    def open(cls, config: TrainConfig) -> "Mixture":
        """The sources of a configuration. Raises VosbenchError as `open_source` does, and for too long an epoch."""
        sources = tuple((open_source(data, config), getattr(data, "repeat", 1)) for data in config.data)
        weights = tuple(data.weight for data in config.data) if any(data.weight for data in config.data) else ()
        lengths = [len(source) * repeat for source, repeat in sources]
        if not weights and sum(lengths) > LONGEST:
            at = lengths.index(max(lengths))
            name = "repeat" if hasattr(config.data[at], "repeat") else "clips"
            raise VosbenchError(
                f"data[{at}].{name} is {getattr(config.data[at], name)}, so that an epoch has {sum(lengths):,} clips, "
                f"more than {LONGEST:,}",
                f"lower {name}; or give every source a weight, which knows no epochs",
            )
        return cls(sources, config.steps * config.batch, config.seed, weights)

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, number: int) -> Batch | VosbenchError:
        """RGB uint8 [3,3,S,S] (frame, channel) and labels uint8 [3,S,S], ids from 1; or what is wrong."""
        try:
            source, item = self._by_weight(number) if self.weights else self._in_epoch(number)
            rng = np.random.Generator(np.random.Philox(key=[self.seed, number]))
            rgb, labels = source.draw(item, rng, number / self.total)
            return torch.from_numpy(rgb).permute(0, 3, 1, 2), torch.from_numpy(labels)
        except VosbenchError as error:
            return error
        except Exception as error:
            return _unforeseen(f"clip {number} cannot be drawn", error)

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


def shares(first: int, end: int, share: int, rank: int = 0, processes: int = 1) -> Iterator[list[int]]:
    """The clip numbers of one process, a list for every step from `first` to before `end`: its `share` of a batch."""
    for step in range(first, end):
        start = (step * processes + rank) * share
        yield list(range(start, start + share))


def batches(mixture: Mixture, numbers: Iterable[list[int]], workers: int, pin: bool) -> Generator[Batch]:
    """The batches of one process, drawn ahead by `workers` processes, but no more than batches or cores, which end with
    it. VosbenchError for a fault.
    """
    ahead = [*islice(numbers := iter(numbers), workers)]
    workers = useful(workers, len(ahead)) if workers else 0
    loader = DataLoader(
        mixture,
        batch_sampler=chain(ahead, numbers),
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_one_thread,
        pin_memory=pin,
    )
    others = multiprocessing.active_children()
    with _deaf_to_children(), starting() if workers else nullcontext():
        drawn = iter(loader)
    processes = [process for process in multiprocessing.active_children() if process not in others]
    try:
        while (batch := _next(drawn, processes)) is not None:
            if isinstance(batch, VosbenchError):
                raise batch
            yield batch
    finally:
        del drawn  # which ends its processes: they heed no signal, and Python would wait for them for ever
        for process in processes:  # one may wait for ever for what a killed one held
            process.kill()
            process.join()


def _next(drawn: Iterator[Batch | VosbenchError], processes: Sequence[BaseProcess]) -> Batch | VosbenchError | None:
    """The next batch; None at the end. What is wrong is returned: an exception would hold `drawn` by its traceback."""
    try:
        return next(drawn, None)
    except Exception as error:
        for process in processes:
            process.join(0.1)  # or one that is about to end would not have done so yet
        if not any(process.exitcode for process in processes):
            return _unforeseen("clips cannot be made a batch", error)
        return VosbenchError(
            "a process that loads clips was killed, perhaps since the memory was full",
            "give it fewer workers, or smaller clips and batches, and start again: the training goes on from its last "
            "checkpoint",
        )


def _unforeseen(what: str, error: Exception) -> VosbenchError:
    """A fault that nobody foresaw, in one line with its place in the code."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = next(iter(str(error).strip().splitlines()[-1:]), "")
    hint = "look at the data; if they are sound, this is a fault of vosbench: the place in brackets tells where"
    return VosbenchError(f"{what}: {type(error).__name__}: {said} ({Path(where.filename).name}:{where.lineno})", hint)


@contextmanager
def _deaf_to_children() -> Iterator[None]:
    """PyTorch's way to be told that a process of a loader was killed is undone, which raises wherever Python happens
    to be: within a checkpoint that is being written, say. `next` of the loader raises too, a little later.
    """
    if not hasattr(signal, "SIGCHLD") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


def _collate(clips: list[Batch | VosbenchError]) -> Batch | VosbenchError:
    faults = (clip for clip in clips if isinstance(clip, VosbenchError))
    return next(faults, None) or default_collate(clips)


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)  # the workers are the parallelism
