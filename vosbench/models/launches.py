"""What a network launches while it is checked: whether it is the same from frame to frame, as graphs need it."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from torch import Tensor

from vosbench.models.graphs import owner_of
from vosbench.models.tensors import each, looks


class Launches:
    """Notes what is launched in which frame; `frame` counts those of all videos, and `video` the videos."""

    def __init__(self) -> None:
        self.video = self.frame = 0
        self._seen: dict[Any, dict[Any, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        self._alive: list[Any] = []  # so that nothing comes to lie where another was

    def note(self, function: Callable[..., Any], inputs: Any) -> None:
        """Raises TypeError for constants that cannot be told from others."""
        owner, name = owner_of(function)
        self._alive.append((function, owner))
        what = getattr(function, "__qualname__", type(function).__qualname__)
        shapes = looks(each(Tensor.detach, [one for one in inputs if isinstance(one, Tensor)]))
        where = self._seen[what, shapes][id(owner), name, looks(inputs)]
        if (self.video, self.frame) not in where:
            where.append((self.video, self.frame))

    def fleeting(self) -> str | None:
        """What is another one in each frame, though tensors are of the same shapes: its name."""
        for (what, _), calls in self._seen.items():
            once = all(len({video for video, _ in where}) == len(where) for where in calls.values())
            if len(calls) > 2 and once:
                return str(what)
        return None
