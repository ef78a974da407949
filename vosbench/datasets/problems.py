"""What can be wrong with the pictures of a sequence."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from vosbench.datasets.files import FRAMES, MASKS, entries, gaps
from vosbench.datasets.label_pngs import LabelPng
from vosbench.errors import SmoothedMaskError, VosbenchError, a_few
from vosbench.images import Picture, palette_chunk, read_palette, read_rgb, turned_unseen
from vosbench.video import MaskSource


@dataclass(frozen=True)
class Problem:
    """One fault of a data set on disk, in one line, and what to do about it.

    warning: it changes no result by itself, but what it is a sign of may.
    """

    path: Path
    message: str
    hint: str
    warning: bool = False

    @classmethod
    def of(cls, path: Path, error: VosbenchError, warning: bool = False) -> Self:
        """The fault that an error tells of."""
        return cls(path, error.message, error.hint, warning)


def picture_problems(frames: Mapping[str, Picture], masks: Mapping[str, MaskSource]) -> list[Problem]:
    """Every unreadable frame or mask, frame of another size, unreadable name, gap in the numbering, and unusable mask.

    `frames` and `masks` are by frame name in the order of the video; masks may be fewer than frames.
    """
    found = []
    sizes: dict[str, tuple[int, int]] = {}
    for name, path in frames.items():
        file = path if isinstance(path, Path) else path.path
        try:
            height, width, _ = read_rgb(path, strict=True).shape
        except VosbenchError as error:
            try:
                height, width, _ = read_rgb(path).shape
            except VosbenchError:
                found.append(Problem.of(file, error))
                continue
            found.append(Problem.of(file, error, warning=True))  # it may be whole
        sizes[name] = (height, width)
        first = next(iter(sizes.values()))
        if sizes[name] != first:
            message = f"frame {path} is {width}x{height} pixels, the video {first[1]}x{first[0]}"
            found.append(Problem(file, message, "all frames of a sequence must have one size"))
    coloured = []
    for name, source in masks.items():
        try:
            checked = source.check(sizes.get(name))
        except VosbenchError as error:
            found.append(Problem.of(Path(source.where), error))
            continue
        if checked.doubt:
            found.append(Problem.of(Path(source.where), checked.doubt, warning=True))
        if _is_coloured(source):
            coloured += [(path, checked.present()) for path in source.files()]
    found += palette_problems(coloured)
    if masks and (turned := next((path for path in frames.values() if turned_unseen(path)), None)):
        message = f"frame {turned} is shown turned or mirrored by its EXIF orientation, as viewers do; masks never are"
        hint = "is its mask one of the frame as it is shown? else take the orientation out of the file"
        found.append(Problem(Path(str(turned)), message, hint, warning=True))
    folder = next((path.parent for path in frames.values()), Path())
    if odd := [path.name for name, path in frames.items() if not name.isprintable()]:
        message = f"{folder} holds frames whose names cannot be read, as they are no UTF-8 or hold unseen characters: "
        hint = "rename them, and their masks alike: frames are in the order of their names"
        found.append(Problem(folder, message + a_few(odd), hint, warning=True))
    if missing := gaps(frames):
        found.append(Problem(folder, f"{folder} lacks frames {a_few(missing)} in between", "unpack the frames again"))
    return found


def smoothed(masks: Mapping[str, MaskSource]) -> VosbenchError | None:
    """Why the mask in the middle of a sequence may not be as it was drawn, if anything says so: one for all of them."""
    try:
        return [*masks.values()][len(masks) // 2].check().doubt
    except SmoothedMaskError as error:
        return error
    except VosbenchError:  # whoever loads it says that
        return None


def numbered_anew(masks: Mapping[str, MaskSource]) -> VosbenchError | None:
    """That palettes tell of ids which were numbered anew, as `palette_problems` says it. Pixels are read only where
    palettes differ, or black is no background; masks that cannot be read tell nothing.
    """
    coloured = [source for source in masks.values() if _is_coloured(source)]
    files = [path for source in coloured for path in source.files()]
    if not files:
        return None
    with suppress(OSError, ValueError, SyntaxError, VosbenchError):
        if len({palette_chunk(path) for path in files}) > 1 or read_palette(files[0])[:1] not in ([], [BLACK]):
            ids = [source.load().present() for source in coloured]
            for problem in palette_problems([*zip(files, ids, strict=True)]):
                if not problem.warning:
                    return VosbenchError(problem.message, problem.hint)
    return None


def _is_coloured(source: MaskSource) -> bool:
    return issubclass(source.reader, LabelPng) and not source.reader.binary


def palette_problems(masks: Sequence[tuple[Path, tuple[int, ...]]]) -> list[Problem]:
    """What the palettes of a sequence's masks, each with the ids in it, tell: ids do not depend on colours, but people
    and programs that go by them see others, and a colour that changes its id shows that ids were permuted.
    """
    odd: list[Problem] = []
    colour_of: dict[int, tuple[Colour, Path]] = {}
    id_of: dict[Colour, tuple[int, Path]] = {}
    for path, ids in masks:
        palette = read_palette(path)
        colours = {i: palette[i] for i in (0, *ids) if i < len(palette)}
        for i, colour in colours.items():
            if list(colours.values()).count(colour) > 1:
                continue
            if i and colour == BLACK:
                message = f"mask {path}: black is the id {i} of its palette, and the background {colours[0]}"
                return [Problem(path, message, _NUMBERED_ANEW)]
            before, where = id_of.setdefault(colour, (i, path))
            if before != i:
                message = f"mask {path}: the colour {colour} is the id {i}, but {before} in {where.name}"
                return [Problem(path, message, _NUMBERED_ANEW)]
            shown, where = colour_of.setdefault(i, (colour, path))
            if shown != colour:
                message = f"mask {path}: its palette shows the id {i} in {colour}, that of {where.name} in {shown}"
                odd.append(Problem(path, message, "ids count, not colours: are they the same objects?", True))
        if colours and colours[0] != BLACK:
            message = f"mask {path}: its palette shows the background, 0, in {colours[0]}, not in black"
            odd.append(Problem(path, message, "is what is 0 there the background?", True))
    return odd[:1]


Colour = tuple[int, int, int]
BLACK = (0, 0, 0)
_NUMBERED_ANEW = "ids were numbered anew when the file was written: keep palette and pixel values as they are"


def other_pictures(folder: Path) -> list[Problem]:
    """That a folder of masks holds pictures of formats that do not keep ids."""
    names = [path.name for path in entries(folder) if path.suffix.lower() in FRAMES - MASKS]
    message = f"{folder} holds pictures that are not read as masks: {a_few(names)}"
    return [Problem(folder, message, "masks are PNG, BMP or TIFF: JPEG and WebP blur ids", True)] if names else []
