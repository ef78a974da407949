"""Meta files, in JSON `{videos: {<video>: ...}}`: what they say of each video, and whose objects they name."""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from vosbench.base.text import read_text
from vosbench.datasets.first_masks import Appearances, First, Frames, Masks
from vosbench.datasets.problems import Problem
from vosbench.datasets.split_folders import SplitFolders
from vosbench.errors import VosbenchError, a_few
from vosbench.images import VOID

T = TypeVar("T")


class MetaFile(Generic[T]):
    """What a meta file says of each video, read when it is asked for: a faulty entry spoils no other.

    read: makes of the entry of a video what it says. It may raise ValueError, KeyError, TypeError or AttributeError,
        which tell nothing to who gets the data set, or VosbenchError, whose message says what is wrong.
    form: what an entry looks like, for a hint.

    Building one raises VosbenchError for a file that is absent, no JSON, or has no videos.
    """

    def __init__(self, path: Path, read: Callable[[Any], T], form: str) -> None:
        self.path, self._read = path, read
        self._hint = f"get the data set's {path.name} again: {{videos: {{<video>: {form}}}}}"
        try:
            content = json.loads(read_text(path, self._hint))
        except ValueError as error:
            where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise VosbenchError(f"{path} is no meta file: it is no JSON{where}", self._hint) from None
        videos = content.get("videos") if isinstance(content, dict) else None
        if not isinstance(videos, dict):
            raise VosbenchError(f"{path} is no meta file: it has no videos by their names", self._hint)
        self._videos: dict[str, Any] = videos

    def __iter__(self) -> Iterator[str]:
        """The names of the videos, in the order of the file."""
        return iter(self._videos)

    def __getitem__(self, name: str) -> T:
        """What it says of a video. Raises VosbenchError if that is nothing, or nothing of that form."""
        if name not in self._videos:
            raise VosbenchError(f"{self.path} does not have the video {name}", self._hint)
        try:
            return self._read(self._videos[name])
        except VosbenchError as error:
            what = error.message
        except KeyError as error:
            what = f"it lacks {error.args[0]}"
        except (ValueError, TypeError, AttributeError):
            what = "it is of another form"
        given = json.dumps(self._videos[name])
        given = given if len(given) < _SHOWN else f"{given[:_SHOWN]}…"
        raise VosbenchError(f"{self.path} has a faulty entry for the video {name}, {given}: {what}", self._hint)


_SHOWN = 80  # characters of a faulty entry


def whole_number(value: Any, what: str) -> int:
    """The whole number that a value of a meta file says, as a number or a text: `what`, in words. Raises VosbenchError
    for what is none, such as 1.5, which would be cut.
    """
    if not isinstance(value, bool) and (not isinstance(value, float) or value.is_integer()):
        with suppress(ValueError, TypeError):
            return int(value)
    raise VosbenchError(f"{value!r} is no {what}")


def object_number(key: Any, most: int = VOID - 1) -> int:
    """The object id, up to `most`, that a value of a meta file says. Raises VosbenchError for what is none."""
    what = f"object id, from 1 to {most}"
    number = whole_number(key, what)
    if 0 < number <= most:
        return number
    raise VosbenchError(f"{key!r} is no {what}")


def elements(value: Any, what: str) -> list[Any]:
    """The elements of a list, or the keys of an object, that are `what`. Raises VosbenchError for anything else, such
    as a text, which would be taken letter by letter.
    """
    if isinstance(value, list | dict):
        return list(value)
    raise VosbenchError(f"its {what} are no list")


class MetaFolders(SplitFolders):
    """Objects are those of the meta file. One starts in the frame that it names, or, where the mask of that frame does
    not hold the object, in the earliest mask that does.

    every_object_shown: whether one that no mask holds is an error.
    """

    every_object_shown: ClassVar[bool] = False
    _meta: Any  # a MetaFile; None where the split has none, and the masks alone tell of objects

    @abstractmethod
    def _starts(self, name: str, masks: Masks) -> dict[int, str | None]:
        """Object id -> the frame in which it starts by the meta file (None: it does not say)."""

    def _first_masks(self, name: str, frames: Frames, masks: Masks) -> First:
        if self._meta is None:
            return super()._first_masks(name, frames, masks)
        starts = self._starts(name, masks)
        first = Appearances(frames, masks).starting(starts)
        lacking = set(starts).difference(*first.values())
        if not first or (lacking and self.every_object_shown):
            which = f"object {min(lacking)}" if lacking and self.every_object_shown else "an object"
            told = f"sequence {name}: no mask in {self.mask_folder(name)} holds {which} of {self._meta.path.name}"
            raise VosbenchError(told, "unpack the annotations again")
        return first

    def _description_problems(self, name: str, masks: Masks) -> list[Problem]:
        if self._meta is None:
            return []
        found: list[Problem] = []
        held: First = {}
        for frame, source in masks.items():
            with suppress(VosbenchError):  # told of as a picture already
                held[frame] = source.load().object_ids()
        if not held:  # that no mask is there, or none can be read, is told of already
            return []
        shown = {i for ids in held.values() for i in ids}
        folder, meta, starts = self.mask_folder(name), self._meta.path.name, self._starts(name, masks)
        for object_id, start in sorted(starts.items()):
            if start is None or (start in masks and object_id in held.get(start, (object_id,))):
                continue
            if self.every_object_shown and object_id not in shown:  # the reason why the sequence cannot be read
                continue
            message = f"sequence {name}: {meta} starts object {object_id} at {start}, whose mask does not hold it"
            hint = f"no mask holds it, so it is not followed; is {meta} of another release?"
            if object_id in shown:
                hint = "the earliest mask that holds the object is taken instead"
            found.append(Problem(folder / f"{start}.png", message, hint))
        absent = sorted(i for i, start in starts.items() if start is None and i not in {*shown, VOID})
        if absent and not self.is_private and not self.every_object_shown:
            message = f"sequence {name}: no mask holds object {a_few(map(str, absent))} of {meta}"
            hint = f"it is not followed, but scored where the protocol goes by {meta}: 1 if nothing is predicted"
            found.append(Problem(folder, message, hint, warning=True))
        if unlisted := shown.difference(starts):
            message = f"sequence {name}: the masks hold ids {a_few(map(str, sorted(unlisted)))} that {meta} lacks"
            found.append(Problem(folder, message, f"they are left out; is {meta} of another release?"))
        return found
