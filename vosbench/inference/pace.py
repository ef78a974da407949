"""How fast is the machine at the moment? A fixed piece of work, timed after every frame on the clock of the frames.

Other programs slow frames and reference alike, so that their ratio can be compared between runs of different hours.
On a CPU both are measured in CPU time of the thread that runs the model, which does not count while it has to wait.
"""

from collections.abc import Iterable, Iterator
from time import perf_counter, thread_time
from typing import TypeVar

import torch
from torch.nn.functional import conv2d

T = TypeVar("T")
_WARMUP = 10
SIZES = {"cpu": (24, 36), "cuda": (480, 864)}  # of the image of the reference


class Pace:
    """Milliseconds of each frame, `cpu_ms` (empty on a GPU), and of the reference after it, `reference_ms`.

    `seconds` is the time on the clock that the reference took in all. The reference is a 3x3 convolution of 64
    channels, 24x36 on a CPU, 480x864 on a GPU, which would only be launched otherwise, in float32, and as many random
    numbers as four such images hold: arithmetic at full width and code that is not, which other programs do not slow
    alike. A frame has its share of both. On a GPU events mark it, so that nothing waits; they are read in the end.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._random = torch.Generator(device).manual_seed(0)
        self._numbers = torch.rand(4, 64, *SIZES[device.type], device=device, generator=self._random)
        self._weight = torch.rand(64, 64, 3, 3, device=device, generator=self._random)
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self.cpu_ms: list[float] = []
        self.reference_ms: list[float] = []
        self.seconds = 0.0
        for _ in range(_WARMUP):
            self._reference()

    def beside(self, frames: Iterable[T]) -> Iterator[T]:
        """`frames` as they come, each measured from when it is asked for to when it is there."""
        started = thread_time()
        for frame in frames:
            if self._cuda:
                self._mark()
            else:
                self.cpu_ms.append(1000 * (thread_time() - started))
                self._measure()
            yield frame
            started = thread_time()
        if self._events:
            self._events[-1][1].synchronize()
            self.reference_ms = [begin.elapsed_time(end) for begin, end in self._events]
            self.seconds = sum(self.reference_ms) / 1000

    def _measure(self) -> None:
        began, started = perf_counter(), thread_time()
        self._reference()
        self.reference_ms.append(1000 * (thread_time() - started))
        self.seconds += perf_counter() - began

    def _mark(self) -> None:
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        self._reference()
        end.record()
        self._events.append((begin, end))

    @torch.inference_mode()
    def _reference(self) -> None:
        conv2d(self._numbers[:1], self._weight, padding=1)
        self._numbers.uniform_(generator=self._random)
