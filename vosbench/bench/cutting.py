"""How a run is cut into units to be shared out: each is a sequence under a group of strategies."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from vosbench.bench.plan import Task


@dataclass
class Unit:
    """Tasks of one sequence; `blamed` counts how often Dask gave it up, since workers died that it was assigned to, and
    `starts` how often it had begun by then.
    """

    tasks: list[Task]
    blamed: int = 0
    starts: int = 0

    @property
    def timed(self) -> bool:
        """Whether it needs its machine alone."""
        return any(task.timed for task in self.tasks)

    @property
    def cost(self) -> int:
        """How long it takes, roughly: as long for the frame as for each object in it. First of all come those that are
        timed, for which others may have to wait.
        """
        video = self.tasks[0].video
        pictures = len(video.frames) * (1 + len(video.object_ids)) if video else 0
        return pictures * len(self.tasks) + 10**9 * self.timed


def cut(tasks: Iterable[Task], workers: int) -> list[Unit]:
    """All tasks of a sequence are one unit, in which strategies go through the video together.

    Where there are fewer units than workers, the largest are halved; not so if they are timed, one strategy after the
    other. The most costly unit is the first.
    """
    units = [Unit(list(group)) for _, group in groupby(tasks, lambda task: task.name)]
    while len(units) < workers:
        largest = max((u for u in units if len(u.tasks) > 1 and not u.timed), key=lambda unit: unit.cost, default=None)
        if largest is None:
            break
        half = len(largest.tasks) // 2
        units.append(Unit(largest.tasks[half:]))
        largest.tasks = largest.tasks[:half]
    return sorted(units, key=lambda unit: unit.cost, reverse=True)
