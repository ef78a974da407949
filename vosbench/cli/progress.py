"""Progress of long work: a bar on a terminal, a line per finished part elsewhere."""

import sys
import time
from typing import Self

from tqdm import tqdm

from vosbench.base.text import printable
from vosbench.base.words import count, duration

EVERY = 30  # seconds between two lines of counted work


def time_left(seconds: float, done: float, total: int) -> str:
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

    def say(self, what: str, left: str) -> None:
        """A line of a log: what was done, how long it took, and how much longer it takes."""
        seconds = time.monotonic() - self.started
        print(f"{printable(what)}, {duration(seconds)} since the start{left}", file=sys.stderr, flush=True)


class RunProgress(_Progress):
    """Follows a run: called with strategy, sequence, frames done and frames in all.

    The time left is guessed from the first frame on: the start of processes tells nothing of it.
    """

    def __init__(self, parts: int) -> None:
        super().__init__("seq", parts)
        self.parts, self.done, self.before = parts, 0, 0
        self.first: float | None = None
        self.in_hand = dict[tuple[str, str], float]()  # the share of it that is done

    def begin(self, left: int) -> None:
        """So many parts are left to do; the others were there before."""
        self.done = self.before = self.bar.n = self.bar.initial = self.parts - left

    def __call__(self, strategy: str, sequence: str, frame: int, frames: int) -> None:
        if self.first is None:
            self.first = time.monotonic() if frame < frames else self.started
        if not self.bar.disable:
            self.bar.set_postfix_str(printable(f"{strategy} {sequence} frame {frame}/{frames}"), refresh=frame % 5 == 0)
        if frame < frames:
            self.in_hand[strategy, sequence] = frame / frames
        else:  # of no frames, too: where nothing could be replayed
            self.in_hand.pop((strategy, sequence), None)
            self.done += 1
            self.bar.update()
            if self.bar.disable:
                what = f"[{self.done}/{self.parts}] {strategy} on {sequence}, {count(frames, 'frame')}"
                self.say(what, self._time_left(time.monotonic() - self.first))

    def _time_left(self, seconds: float) -> str:
        """Nothing after the first while others are in hand, of which there may be more than is known."""
        done = self.done - self.before
        if done == 1 and self.in_hand:
            return ""
        return time_left(seconds, done + sum(self.in_hand.values()), self.parts - self.before)


class CountProgress(_Progress):
    """Follows counted work: called with how many are done and how many there are."""

    def __init__(self, unit: str) -> None:
        super().__init__(unit)
        self.said = self.started

    def __call__(self, done: int, total: int) -> None:
        self.bar.total = total
        self.bar.update(done - self.bar.n)
        now = time.monotonic()
        if self.bar.disable and done < total and now - self.said > EVERY:
            self.said = now
            self.say(f"{done} of {count(total, self.unit)}", time_left(now - self.started, done, total))
