"""What is predicted for a frame: from joint probabilities to a label map, which reaches the host while a GPU goes on.

Joint probabilities are float32 [N,H',W'], of the network's size, background first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from weakref import ReferenceType

import numpy as np
import torch
from torch import Tensor

from vosbench.errors import NotANumberError
from vosbench.inference.timing import FrameTiming
from vosbench.memory.bank import MemoryBank
from vosbench.models.geometry import Geometry, at_once


def by_rows(act: Callable[..., Tensor], *planes: Tensor) -> Tensor:
    """`act(*planes)`, [1+O,H',W'] of planes [...,H',W'] of O objects in all, of which it sees each pixel by itself.

    It gets some rows at a time where objects are many, so that what it takes beside its result is no more of many.
    """
    objects, (height, width) = sum(map(len, planes)), planes[0].shape[1:]
    rows = at_once(objects * width)
    if rows >= height:
        return act(*planes)
    every = planes[0].new_empty(1 + objects, height, width)
    for start in range(0, height, rows):
        every[:, start : start + rows] = act(*(part[:, start : start + rows] for part in planes))
    return every


def most_probable(joint: Tensor, geometry: Geometry) -> tuple[Tensor, Tensor]:
    """Of each pixel of the video the first of the most probable planes, int64 [H,W], and whether all are numbers.

    Few planes at once are of the video's size, however many there are.
    """
    best, index, defined = None, None, []
    size = at_once(geometry.original[0] * geometry.original[1])
    for start in range(0, len(joint), size):
        found = geometry.restore(joint[start : start + size]).max(0)  # argmax is ten times as slow on a CPU
        defined.append(found.values.sum().isfinite())  # NaN wherever any of the probabilities is
        if best is None or index is None:
            best, index = found
        else:
            index = torch.where(found.values > best, found.indices + start, index)
            best = torch.maximum(best, found.values)
    assert index is not None
    return index, torch.stack(defined).all()


class LateMask:
    """A label map, uint8 [H,W], that is on its way; `where` it belongs is for messages."""

    def __init__(self, labels: Tensor, defined: Tensor, where: str) -> None:
        self._size, self._where = labels.shape, where
        together = torch.cat([labels.flatten(), defined[None].to(torch.uint8)])  # so as to wait once
        self._values = together.to("cpu", non_blocking=True)
        self._arrived: torch.cuda.Event | None = None
        if together.device.type == "cuda":
            self._arrived = torch.cuda.Event(blocking=True)
            self._arrived.record()

    def read(self) -> np.ndarray:
        """The map, when it has arrived; from any thread. Raises NotANumberError if there was none to be made."""
        if self._arrived is not None:
            self._arrived.synchronize()
        values = self._values.numpy()
        if not values[-1]:
            raise NotANumberError(f"the network predicts NaN in {self._where}")
        return values[:-1].reshape(self._size)


@dataclass(frozen=True)
class Prediction:
    """What is predicted for one frame.

    `late` is the mask, which a GPU may still be making; `joint` [1+n,H',W'], on the model's device, are background and
    the objects followed, in order of appearance, `places` their places among all O+1. `bank()` is the memory after the
    frame, whose tokens lie in the picture as `geometry` says: the next step changes it, and None is left of it when the
    video has ended, whoever keeps what was predicted.
    """

    frame_index: int
    late: LateMask
    timing: FrameTiming
    joint: Tensor
    places: tuple[int, ...]
    objects: int
    bank: ReferenceType[MemoryBank]
    geometry: Geometry

    @property
    def mask(self) -> np.ndarray:
        """uint8 [H,W], with the data set's own ids. Raises NotANumberError where the network predicts NaN."""
        return self.late.read()

    @property
    @torch.inference_mode()
    def prob(self) -> Tensor:
        """Probabilities, float32 [O+1,H,W] on the model's device: background, then the objects in ascending order of
        id (0 for those that are known to appear later). Computed whenever it is asked for.
        """
        every = self.joint.new_zeros(1 + self.objects, *self.geometry.original)
        for place, plane in zip(self.places, self.joint, strict=True):
            every[place] = self.geometry.restore(plane[None])[0]
        return every
