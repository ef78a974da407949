"""Meta files, in JSON `{videos: {<video>: ...}}`: what they say of each video, and where the masks contradict them."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from vosbench.base.text import read_text
from vosbench.datasets.files import a_few
from vosbench.datasets.problems import Problem
from vosbench.errors import VosbenchError
from vosbench.video import MaskSource

T = TypeVar("T")


class MetaFile(Generic[T]):
    """What a meta file says of each video, read when it is asked for: a faulty entry spoils no other.

    read: makes of the entry of a video what it says. It may raise ValueError, KeyError, TypeError or AttributeError.
    form: what an entry looks like, for a hint.

    Building one raises VosbenchError for a file that is absent, no JSON, or has no videos.
    """

    def __init__(self, path: Path, read: Callable[[Any], T], form: str) -> None:
        self.path, self._read = path, read
        self._hint = f"get the data set's {path.name} again: {{videos: {{<video>: {form}}}}}"
        try:
            videos = json.loads(read_text(path))["videos"]
        except FileNotFoundError:
            raise VosbenchError(f"{path} does not exist", self._hint) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._broken("is no meta file", error) from None
        if not isinstance(videos, dict):
            raise self._broken("is no meta file", TypeError("videos is no object"))
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
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._broken(f"has a faulty entry for the video {name}", error) from None

    def _broken(self, what: str, error: Exception) -> VosbenchError:
        return VosbenchError(f"{self.path} {what} ({type(error).__name__}: {error})", self._hint)


def contradictions(
    sequence: str, meta: str, folder: Path, starts: Mapping[int, str | None], masks: Mapping[str, MaskSource]
) -> list[Problem]:
    """Where the masks of a sequence, in `folder`, contradict the file called `meta`.

    starts: object id -> the frame in which it first appears by that file (None: it does not say).
    """
    found = []
    held: dict[str, tuple[int, ...]] = {}
    for frame, source in masks.items():
        try:
            held[frame] = source.load().object_ids()
        except VosbenchError:
            continue  # told of as a picture already
    for object_id, start in sorted(starts.items()):
        if start is None or (start in held and object_id in held[start]) or (start in masks and start not in held):
            continue
        message = f"sequence {sequence}: {meta} starts object {object_id} at {start}, whose mask does not hold it"
        hint = "the earliest mask that holds the object is taken instead"
        found.append(Problem(folder / f"{start}.png", message, hint))
    unlisted = {i for ids in held.values() for i in ids}.difference(starts)
    if unlisted:
        message = f"sequence {sequence}: the masks hold ids {a_few(map(str, sorted(unlisted)))} that {meta} lacks"
        found.append(Problem(folder, message, f"they are left out; is {meta} of another release?"))
    return found


def nowhere(sequence: str, folder: Path, meta: str) -> VosbenchError:
    """That no mask of a sequence shows an object of its meta file."""
    return VosbenchError(
        f"sequence {sequence}: no mask in {folder} holds an object of {meta}", "unpack the annotations again"
    )
