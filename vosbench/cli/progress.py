"""Progress of long work: a bar on a terminal, a line per finished part elsewhere."""

import sys
import time
from typing import Self

from tqdm import tqdm

from vosbench.cli.options import is_terminal


class _Progress:
    """A bar, shown on a terminal until the end of the work."""

    def __init__(self, unit: str, total: int | None = None) -> None:
        self.bar = tqdm(total=total, unit=unit, leave=False, disable=not is_terminal(), file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()


class RunProgress(_Progress):
    """Follows a run: called with strategy, sequence, frames done and frames in all."""

    def __init__(self, parts: int) -> None:
        super().__init__("seq", parts)
        self.parts, self.done, self.started = parts, 0, time.monotonic()

    def __call__(self, strategy: str, sequence: str, frame: int, frames: int) -> None:
        if is_terminal():
            self.bar.set_postfix_str(f"{strategy} {sequence} frame {frame}/{frames}", refresh=frame % 5 == 0)
        if frame == frames:
            self.done += 1
            self.bar.update()
            if not is_terminal():
                since = f"{time.monotonic() - self.started:.0f} s since the start"
                line = f"[{self.done}/{self.parts}] {strategy} on {sequence}, {frames} frames, {since}"
                print(line, file=sys.stderr, flush=True)


class CountProgress(_Progress):
    """Follows counted work: called with how many are done and how many there are."""

    def __call__(self, done: int, total: int) -> None:
        self.bar.total = total
        self.bar.update(done - self.bar.n)
