"""Which split, and which of its sequences, are asked for: all of them, or a choice."""

import copy
import re
from collections.abc import Iterable
from typing import ClassVar, Self

from vosbench.errors import VosbenchError, a_few, unknown


class Choice:
    """The sequences of a split that are asked for, `_names`, of all that it has, `_split_names`."""

    name: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]
    split: str
    _names: tuple[str, ...]
    _split_names: tuple[str, ...]

    def sequence_names(self) -> tuple[str, ...]:
        """The sequences, in the order of the split's list."""
        return self._names

    def split_names(self) -> tuple[str, ...]:
        """Every sequence of the split, those too that `only` has left out."""
        return self._split_names

    @property
    def is_partial(self) -> bool:
        """Whether `only` has left out sequences of the split."""
        return self._names != self._split_names

    def only(
        self,
        names: Iterable[str] | None = None,
        limit: int | None = None,
        exclude: Iterable[str] | None = None,
        shard: str | None = None,
    ) -> Self:
        """The same data set with the sequences `names` only (None: all), without those of `exclude`, of these the
        first `limit`, and of these a `shard`: `3/8` is the third and every eighth that follows. A text that is no
        sequence names several, with commas between them.

        The order stays that of the split. Of more shards than there are sequences the last are empty. Raises
        VosbenchError on an unknown name, a limit below 1, something that is no shard, and a choice of nothing.
        """
        if limit is not None and limit < 1:
            raise VosbenchError(f"a limit of {limit} sequences leaves nothing to do", "give a limit of 1 or more")
        wanted = set(self._names) if names is None else self._named(names)
        if not wanted:
            raise VosbenchError("an empty list of sequences leaves nothing to do", "name at least one sequence")
        wanted -= self._named(exclude or ())
        if not wanted:
            raise VosbenchError("all sequences are excluded, which leaves nothing to do", "exclude fewer")
        chosen = copy.copy(self)
        chosen._names = tuple(name for name in self._names if name in wanted)[:limit]
        if shard is not None:
            number, shards = _numbers(shard)
            chosen._names = chosen._names[number - 1 :: shards]
        return chosen

    def _named(self, texts: Iterable[str]) -> set[str]:
        found = {name for text in texts for name in ([text] if text in self._names else text.split(",")) if name}
        for name in sorted(found):
            self._require(name)
        return found

    def _require(self, name: str) -> None:
        if name not in self._names:
            raise unknown("sequence", name, self._names)

    def _unknown_split(self, known: Iterable[str]) -> VosbenchError:
        """That there is no such split, and those that there are."""
        return VosbenchError(f"unknown split {self.split!r} of {self.name}", f"there are: {a_few(sorted(known), 12)}")

    def _no_split(self, there: set[str], lacks: str, hint: str = "") -> VosbenchError:
        """That what the split should be made of is absent; `there` are the splits that were found."""
        if self.split not in self.splits:
            return self._unknown_split(there.union(self.splits))
        found = f"splits found there: {', '.join(sorted(there)) or 'none'}"
        return VosbenchError(f"split {self.split} of {self.name} {lacks}", hint or found)


def _numbers(shard: str) -> tuple[int, int]:
    """Which shard, counted from 1, of how many."""
    found = re.fullmatch(r"(\d+)/(\d+)", shard)
    number, shards = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= shards:
        raise VosbenchError(f"{shard!r} is no shard", "give 3/8 for the third of eight; the first is 1/8")
    return number, shards
