"""What every data set offers, and the part that all layouts on disk share.

A model gets `Dataset.sequence`, the metrics get `Dataset.truth`; there is no other way from a folder to either.
"""

import copy
import hashlib
import re
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from vosbench.base.sources import source_of
from vosbench.datasets.choice import Choice
from vosbench.datasets.files import FRAMES, MASKS, content_hash, explain_no_pictures, listed, pictures
from vosbench.datasets.first_masks import First, Frames, Masks, earliest
from vosbench.datasets.label_pngs import LabelPng, binary_pngs, label_pngs
from vosbench.datasets.placed import placed
from vosbench.datasets.problems import Problem, other_pictures, picture_problems
from vosbench.errors import VosbenchError, a_few, unknown
from vosbench.video import FirstMask, FrameRef, GroundTruth, MaskSource, Sequence


class Dataset(Choice, ABC):
    """The sequences of one split of a data set on disk.

    A subclass must define `name`, `splits`, `_list_names`, `frame_folder` and `mask_folder`. It may define `read_masks`
    (masks that are no label PNGs), `_first_masks` (objects that do not start at the first mask that holds them),
    `_wanted`, `_description`, `about_objects`, `categories` and `attributes`.

    Building one reads the list of sequences, no picture. Every subclass is built as `(root, split, frame_mode)`;
    None means the first of `splits`, the first of `frame_modes`.

    frame_modes: names of the sets of pictures in which it has its videos, which differ in size or rate.
    default_protocol: the rules by which it is scored.
    fixed_splits: whether there are no others than `splits`; else `_list_names` refuses those that there are not.
    private_splits: those whose ground truth is not public, so that masks are there of first frames only.
    published_sizes: split -> how many sequences it has as published, where that is known.
    every_frame_annotated: whether a mask that is missing is an error; in splits that are not private.
    shorter_side: the inference size in pixels (None: the video's own).
    server: the name of the server that scores private splits, which wants `<server_folder><sequence>/...` in a zip.
    """

    name: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]
    fixed_splits: ClassVar[bool] = True
    frame_modes: ClassVar[tuple[str, ...]] = ("",)
    default_protocol: ClassVar[str] = "davis2017"
    private_splits: ClassVar[frozenset[str]] = frozenset()
    published_sizes: ClassVar[Mapping[str, int]] = {}
    every_frame_annotated: ClassVar[bool] = False
    shorter_side: ClassVar[int | None] = None
    trusts_masks = False  # see `open_dataset`
    numbering: ClassVar[str] = ""  # how ids differ from those that the data set gives objects itself, for captions
    server: ClassVar[str | None] = None
    server_folder: ClassVar[str] = ""

    def __init__(self, root: Path | None, split: str | None = None, frame_mode: str | None = None) -> None:
        if root is None:
            told = f"data set {self.name} needs a root folder"
            raise VosbenchError(told, f"give it as root: open_dataset({self.name!r}, FOLDER), or --root FOLDER")
        if not root.is_dir():
            hint = explain_no_pictures(root) if root.exists() else ""
            correct = "correct root (--root), or unpack the data set there"
            raise VosbenchError(f"data set root {root} is not a folder", hint or correct)
        self.root = root
        self.split = self.splits[0] if split is None else split
        self.frame_mode = self.frame_modes[0] if frame_mode is None else frame_mode
        if self.frame_mode not in self.frame_modes:
            raise unknown("frame mode", self.frame_mode, self.frame_modes)
        if self.fixed_splits and self.split not in self.splits:
            raise self._unknown_split(self.splits)
        self._names = self._split_names = self._checked_names(self._list_names())
        if not self._names:
            hint = explain_no_pictures(self.frame_folder("")) or "check root and split (--root, --split)"
            raise VosbenchError(f"{self.name} {self.split} in {root} has no sequence", hint)

    def _checked_names(self, names: object) -> tuple[str, ...]:
        """What `_list_names` gave, if it is names, each once."""
        found = tuple(names) if isinstance(names, Iterable) and not isinstance(names, str) else None
        if found is None or not all(isinstance(name, str) for name in found):
            raise VosbenchError(
                f"_list_names of the data set {self.name} gives {names!r:.60}, not the names of the sequences",
                "return a tuple of texts, such as those of the folders of videos",
            )
        if strange := [name for name in found if not {"", ".", ".."}.isdisjoint(re.split(r"[/\\]", name))]:
            told = f"the list of {self.name} names {a_few(map(repr, strange))}, which is no sequence"
            raise VosbenchError(told, "name each by its folder, as JPEGImages has it")
        if twice := [name for name, times in Counter(found).items() if times > 1]:
            hint = "give each sequence once"
            raise VosbenchError(f"_list_names of the data set {self.name} gives {a_few(twice)} more than once", hint)
        return found

    @classmethod
    def would_make(cls, root: Path | None, split: str | None = None) -> Path | None:  # noqa: ARG003
        """The folder that is absent or empty, and that building one would fill; None: building one only reads."""
        return None

    @abstractmethod
    def _list_names(self) -> tuple[str, ...]:
        """Every sequence of the split, once. Raises VosbenchError if the split or its list is absent."""

    @abstractmethod
    def frame_folder(self, name: str) -> Path:
        """Where the frames of a sequence are."""

    @abstractmethod
    def mask_folder(self, name: str) -> Path:
        """Where the masks of a sequence are."""

    @staticmethod
    def read_masks(folder: Path) -> Masks:
        """Frame name -> its masks, in the order of the video, from the folder of a sequence; {} if it holds none.

        Predictions are read so too, if they are there in this layout.
        """
        return label_pngs(folder)

    def predicted(self, folder: Path, frames: Iterable[str]) -> dict[str, MaskSource]:
        """The masks that a method predicted of a sequence in `folder`: in the data set's own layout, else label PNGs.

        One that is missing is an error when it is loaded. Raises VosbenchError as `read_masks` does.
        """
        found = placed(folder.name, self.read_masks(folder)) or label_pngs(folder)
        return {frame: found.get(frame) or LabelPng(folder / f"{frame}.png") for frame in frames}

    find_first = staticmethod(earliest)  # or `in_first_frame`, where that alone has the objects

    def _first_masks(self, name: str, frames: Frames, masks: Masks) -> First:
        """Where objects first appear. Raises VosbenchError if there are none, or a mask is unusable."""
        return self.find_first(name, self.mask_folder(name), frames, masks)

    def _wanted(self, name: str, frames: Frames) -> Collection[str]:  # noqa: ARG002
        """The frames whose masks the data set's server wants: here, all."""
        return frames

    def about_objects(self, name: str) -> Mapping[str, Any]:  # noqa: ARG002
        """What a meta file tells of the objects: `spans`, `unseen` and `listed` of `GroundTruth`, as far as it does."""
        return {}

    def _description(self, name: str) -> bytes:  # noqa: ARG002
        """What determines a result of the sequence and is in no picture."""
        return b""

    def absolute(self) -> Self:
        """The same data set, found from any working directory."""
        moved = copy.copy(self)
        moved.root = self.root.absolute()
        return moved

    def sequence(self, name: str) -> Sequence:
        """What a model may see of a sequence: its frames, and every object's mask in its first frame.

        Raises VosbenchError if the sequence is unknown or absent, or a first mask is missing or unusable.
        """
        self._require(name)
        frames, masks = self._frames(name), self._masks(name)
        if not frames:
            raise self._absent(name, self.frame_folder(name), "frames")
        self._require_masks(name, frames, masks)
        index = {frame: position for position, frame in enumerate(frames)}
        first = self._first_masks(name, frames, masks)
        refs = tuple(FrameRef(frame, path) for frame, path in frames.items())
        first_masks = tuple(FirstMask(at, first[frame], masks[frame]) for frame, at in index.items() if frame in first)
        wanted = self._wanted(name, frames)
        outputs = None if wanted is frames else tuple(place for frame, place in index.items() if frame in wanted)
        return Sequence(name, refs, first_masks, outputs, self.shorter_side)

    def truth(self, name: str) -> GroundTruth:
        """The masks to score against; needs no frames on disk.

        Raises VosbenchError if the sequence is unknown or absent, if a mask is missing where every frame has
        one, and always for a split whose ground truth is private: first masks alone are nothing to score against.
        """
        self._require(name)
        if self.is_private:
            server = "export the masks and submit them to the data set's server, or " if self.server else ""
            private = f"the ground truth of {self.name} {self.split} is private: it has no local score"
            raise VosbenchError(private, f"{server}score another split")
        frames, masks = self._frames(name), self._masks(name)
        self._require_masks(name, frames, masks)
        if self.every_frame_annotated and (lacking := [frame for frame in frames if frame not in masks]):
            told = f"sequence {name}: {self.mask_folder(name)} lacks the masks of frames {a_few(lacking)}"
            raise VosbenchError(told, "unpack the annotations again")
        return GroundTruth(name, tuple(frames or masks), masks, **self.about_objects(name))

    def categories(self, name: str) -> dict[int, str]:
        """Object id -> category of the objects of a sequence, as far as the data set tells."""
        self._require(name)
        return {}

    def attributes(self, name: str) -> tuple[str, ...]:
        """What makes a sequence hard, in the data set's own words, as far as it tells."""
        self._require(name)
        return ()

    @property
    def is_private(self) -> bool:
        """Whether the split's ground truth is on a server only."""
        return self.split in self.private_splits and not self._has_truth

    @cached_property
    def _has_truth(self) -> bool:
        """Whether a private split has all the masks that it asks for after all, as its keepers have it."""
        for name in self._split_names:
            frames, masks = self._frames(name), self._masks(name)
            asked = frames.keys() & self._wanted(name, frames)
            if len(masks) < min(2, len(frames)) or not masks.keys() >= asked:
                return False
        return True

    def fingerprint(self, name: str) -> str:
        """A hash (BLAKE2b, 24 hex digits) of everything on disk that determines a result of the sequence.

        It covers names and contents of frames and masks, and stays the same when the root folder moves.
        Raises VosbenchError if the sequence is unknown or absent.
        """
        self._require(name)
        frames, masks, folder = self._frames(name), self._masks(name), self.mask_folder(name)
        if not frames and not masks:
            raise self._absent(name, self.frame_folder(name), "frames")
        one_object = self.read_masks is binary_pngs
        begin = f"{source_of(type(self))}{name} {one_object} {self.shorter_side}\n".encode(errors="surrogateescape")
        files = [f"frame {path.name} {content_hash(path)}\n" for path in frames.values()]
        for source in masks.values():
            own = [f"{path.relative_to(folder).as_posix()} {content_hash(path)}" for path in source.files()]
            files += [f"mask {what}\n" for what in own or [source.reading()]]
        content = begin + self._description(name) + "".join(files).encode(errors="surrogateescape")
        return hashlib.blake2b(content, digest_size=12).hexdigest()

    def problems(self) -> list[Problem]:
        """Everything that is wrong with the data set on disk, not only the first; reads every picture."""
        return [problem for name in self._names for problem in self.sequence_problems(name)]

    def sequence_problems(self, name: str) -> list[Problem]:
        """Everything that is wrong with one sequence on disk."""
        self._require(name)
        try:
            frames, masks = self._frames(name), self._masks(name)
        except VosbenchError as error:  # a frame that is there twice
            return [Problem.of(self.frame_folder(name), error)]
        found = picture_problems(frames, masks) + other_pictures(self.mask_folder(name))
        told = [str(problem.path) for problem in found if not problem.warning and not problem.path.is_dir()]
        for attempt in (self.sequence, self.attributes, *(() if self.is_private else (self.truth,))):
            try:
                with warnings.catch_warnings(action="ignore"):  # of what the pictures told
                    attempt(name)
            except VosbenchError as error:
                if not any(path in error.message for path in told):  # in whatever words
                    found.append(Problem.of(self.frame_folder(name), error))
        with suppress(VosbenchError):  # told of by now
            found += self._description_problems(name, masks)
        distinct: dict[str, Problem] = {}
        for problem in found:  # loading fails for what the pictures told already, and the pictures name the file
            distinct.setdefault(problem.message, problem)
        return list(distinct.values())

    def _description_problems(self, name: str, masks: Masks) -> list[Problem]:  # noqa: ARG002
        """Where the masks contradict what the data set says of them elsewhere."""
        return []

    def _frames(self, name: str) -> Frames:
        return pictures(self.frame_folder(name), FRAMES)

    def _masks(self, name: str) -> Masks:
        return placed(name, self.read_masks(self.mask_folder(name)), self.trusts_masks)

    def _require_masks(self, name: str, frames: Frames, masks: Masks) -> None:
        """Refuse a sequence without masks, and masks of frames that are not there, where any are."""
        if not masks:
            raise self._absent(name, self.mask_folder(name), "masks", MASKS)
        if frames and (lacking := [frame for frame in masks if frame not in frames]):
            told = f"sequence {name}: {self.frame_folder(name)} lacks frames {a_few(lacking)}, which have masks"
            raise VosbenchError(told, "unpack the frames again; a mask belongs to the frame of the same name")

    def _listed(self, *paths: Path) -> list[str] | None:
        """The sequences that the first of these lists that is there names, see `listed`; None if none is."""
        found = next(filter(Path.is_file, paths), None)
        return None if found is None else listed(found, self.frame_folder(""), self.mask_folder(""))

    def _absent(self, name: str, folder: Path, what: str, wanted: frozenset[str] = FRAMES) -> VosbenchError:
        state = f"holds no {what}" if folder.is_dir() else "does not exist"
        return VosbenchError(
            f"sequence {name} of {self.name} {self.split} is absent: {folder} {state}",
            (folder.is_dir() and explain_no_pictures(folder, wanted, of_one=True))
            or ("put masks there, each object's first at least" if what == "masks" else "unpack it there")
            + ", or take it off the split's list; `vosbench check` lists all that is missing",
        )
