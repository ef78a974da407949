"""Progress of long work: a bar on a terminal, a line per finished part elsewhere."""

import sys
import time
from typing import Self

from tqdm import tqdm

from vosbench.base.text import printable
from vosbench.base.words import count, duration

EVERY = 30  # seconds between two lines of counted work


def time_left(seconds: float, done: int, total: int) -> str:
    """`, about 3 min left`, if the rest goes on as what was done; nothing if all is done, or nothing yet."""
    return f", about {duration(seconds / done * (total - done))} left" if 0 < done < total else ""


def tell(line: str) -> None:
    """A line on what is not as it should be, and stops nothing."""
    print(f"vosbench: {printable(line)}", file=sys.stderr)


class _Progress:
    """A bar, shown on a terminal until the end of the work."""

    def __init__(self, unit: str, total: int | None = None) -> None:
        self.unit, self.started = unit, time.monotonic()
        self.bar = tqdm(total=total, unit=unit, leave=False, disable=not sys.stderr.isatty(), file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def say(self, what: str, done: int, total: int) -> None:
        """A line of a log: what was done, how long it took, and how much longer it takes if all goes on like this."""
        seconds = time.monotonic() - self.started
        left = time_left(seconds, done, total)
        print(f"{printable(what)}, {duration(seconds)} since the start{left}", file=sys.stderr, flush=True)


class RunProgress(_Progress):
    """Follows a run: called with strategy, sequence, frames done and frames in all."""

    def __init__(self, parts: int) -> None:
        super().__init__("seq", parts)
        self.parts, self.done = parts, 0

    def __call__(self, strategy: str, sequence: str, frame: int, frames: int) -> None:
        if not self.bar.disable:
            self.bar.set_postfix_str(printable(f"{strategy} {sequence} frame {frame}/{frames}"), refresh=frame % 5 == 0)
        if frame == frames:
            self.done += 1
            self.bar.update()
            if self.bar.disable:
                what = f"[{self.done}/{self.parts}] {strategy} on {sequence}, {count(frames, 'frame')}"
                self.say(what, self.done, self.parts)


class CountProgress(_Progress):
    """Follows counted work: called with how many are done and how many there are."""

    def __init__(self, unit: str) -> None:
        super().__init__(unit)
        self.said = self.started

    def __call__(self, done: int, total: int) -> None:
        self.bar.total = total
        self.bar.update(done - self.bar.n)
        if self.bar.disable and done < total and time.monotonic() - self.said > EVERY:
            self.said = time.monotonic()
            self.say(f"{done} of {count(total, self.unit)}", done, total)
