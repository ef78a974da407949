"""The stage clock: what each part of a frame costs.

On a GPU the stages are marked by events and read once a frame, after the mask has reached the host, so that
measuring adds no wait. All times are seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import torch

# Those of STCN's own figure: resize and argmax (`output`) included, decoding, upload and PNG excluded.
STAGES = ("encode_key", "read", "decode", "aggregate", "policy", "encode_value", "write", "output")


@dataclass(frozen=True)
class FrameTiming:
    """What a frame cost: seconds of each stage; tokens and bytes in the bank after it; objects followed.

    `stages` is empty in a session that is not timed.
    `tokens_per_frame` is what one frame of this video adds when it is written whole.
    """

    stages: dict[str, float]
    tokens: int
    tokens_per_frame: int
    memory_bytes: int
    objects: int

    @property
    def seconds(self) -> float:
        """All stages of the model; no file access."""
        return sum(self.stages.values())


class StageClock:
    """Adds up the time of named stages, if it is `timed`; `take` returns and clears them."""

    def __init__(self, device: torch.device, timed: bool = True) -> None:
        self._timed = timed
        self._cuda = device.type == "cuda"
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._events: list[tuple[int, str, torch.cuda.Event, torch.cuda.Event]] = []
        self._open: list[str] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block as a part of stage `name`; a stage inside another is no part of the outer one."""
        if not self._timed:
            yield
            return
        outer = self._open[-1] if self._open else None
        self._open.append(name)
        try:
            if self._cuda:
                begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                begin.record()
                yield
                end.record()
                self._events.append((1, name, begin, end))
                if outer is not None:
                    self._events.append((-1, outer, begin, end))
            else:
                started = perf_counter()
                yield
                seconds = perf_counter() - started
                self._seconds[name] += seconds
                if outer is not None:
                    self._seconds[outer] -= seconds
        finally:
            self._open.pop()

    def take(self) -> dict[str, float]:
        """Seconds of every stage since the last call, none if it is not timed; waits for the device."""
        if not self._timed:
            return {}
        if self._events:
            self._events[-1][-1].synchronize()
            for sign, name, begin, end in self._events:
                self._seconds[name] += sign * begin.elapsed_time(end) / 1000
            self._events.clear()
        seconds, self._seconds = self._seconds, dict.fromkeys(STAGES, 0.0)
        return seconds
