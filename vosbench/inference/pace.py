"""How fast is the machine at the moment? A fixed piece of work, timed after every frame on the clock of the frames.

Other programs slow frames and reference alike, so that their ratio can be compared between runs of different hours.
On a CPU both are measured in CPU time of the thread that runs the model, which does not count while it has to wait.
"""

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter, thread_time
from typing import TypeVar

import torch
from torch.nn.functional import conv2d

T = TypeVar("T")
_WARMUP = 10


class Pace:
    """Milliseconds of each frame, `cpu_ms` (empty on a GPU), and of the reference after it, `reference_ms`.

    `seconds` is the time on the clock that the reference took in all. The reference is a 3x3 convolution of 64
    channels, 24x36, in float32, and as many random numbers as four such images hold: arithmetic at full width and
    code that is not, which other programs do not slow alike. A frame has its share of both.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._random = torch.Generator(device).manual_seed(0)
        self._numbers = torch.rand(4, 64, 24, 36, device=device, generator=self._random)
        self._weight = torch.rand(64, 64, 3, 3, device=device, generator=self._random)
        self._clock: Callable[[], float] = perf_counter if self._cuda else thread_time
        self.cpu_ms: list[float] = []
        self.reference_ms: list[float] = []
        self.seconds = 0.0
        for _ in range(_WARMUP):
            self._reference()

    def beside(self, frames: Iterable[T]) -> Iterator[T]:
        """`frames` as they come, each measured from when it is asked for to when it is there."""
        started = thread_time()
        for frame in frames:
            if not self._cuda:
                self.cpu_ms.append(1000 * (thread_time() - started))
            began = perf_counter()
            self.reference_ms.append(1000 * self._reference())
            self.seconds += perf_counter() - began
            yield frame
            started = thread_time()

    @torch.inference_mode()
    def _reference(self) -> float:
        if self._cuda:
            torch.cuda.synchronize()
        started = self._clock()
        conv2d(self._numbers[:1], self._weight, padding=1)
        self._numbers.uniform_(generator=self._random)
        if self._cuda:
            torch.cuda.synchronize()
        return self._clock() - started
