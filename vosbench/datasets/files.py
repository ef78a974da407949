"""What a folder holds: pictures in the order of the video, sequences, lists of them; and what there is no use for."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePosixPath

from PIL import Image

from vosbench.base.text import decode, lines, read_text
from vosbench.base.unfetched import require_fetched
from vosbench.errors import VosbenchError, a_few
from vosbench.video_file import VIDEOS, FrameOfVideo

MASKS = frozenset({".png", ".bmp", ".tif", ".tiff"})  # formats that keep every value
FRAMES = MASKS | {".jpg", ".jpeg", ".jpe", ".jfif", ".webp"}
ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".xz", ".7z", ".rar"})

# What systems leave behind: macOS (and every hidden file), Windows, network storage, editors and unfinished copies.
_JUNK = re.compile(
    r"\..*|__MACOSX|Icon\r|Network Trash Folder|Temporary Items|Thumbs\.db|ehthumbs.*\.db|_?desktop\.ini|Picasa\.ini"
    r"|\$RECYCLE\.BIN|System Volume Information|FOUND\.\d{3}|~\$.*|.*\.lnk|.*:(Zone\.Identifier|encryptable)|_gsdata_"
    r"|@eaDir|@tmp|@Recycle|@Recently-Snapshot|@__thumb|.*@Syno\w+|#recycle|#snapshot|lost\+found"
    r"|.*~|.*\.(part|crdownload|tmp|bak|sw[op]|ffs_db|ffs_lock)",
    re.IGNORECASE,
)
_PATH_OF_PICTURE = re.compile(rf"\S.*?(?:{'|'.join(map(re.escape, sorted(FRAMES)))})(?=\s|$)", re.IGNORECASE)


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is what a system left behind, and nothing of a data set."""
    return _JUNK.fullmatch(name) is not None


def entries(folder: Path) -> list[Path]:
    """What a folder holds, but no junk, in the order of names; nothing if there is no such folder."""
    if not folder.is_dir():
        return []
    return [folder / name for name in sorted(os.listdir(folder)) if not is_junk(name)]


def subfolders(folder: Path) -> list[str]:
    """The names of the folders in a folder, in order, but no junk; nothing if there is no such folder."""
    return [path.name for path in entries(folder) if path.is_dir()]


def listed(path: Path, *folders: Path) -> list[str]:
    """The sequences that a text file names, one a line and each once: by its name, the path of its folder, or those of
    a frame and its mask. A name in other bytes than on disk is found in the `folders`, and one that begins with `#`, as
    comments do. VosbenchError as `read_text`.
    """
    text = read_text(path, "make the list readable")
    odd = "#" in text or not text.isascii()
    there = {name for folder in folders for name in subfolders(folder)} if odd else set()
    alike = {_comparable(name): name for name in there}

    def is_entry(line: str) -> bool:
        name = _sequence(line)
        return name.startswith("#") and _comparable(name) in alike

    names = dict.fromkeys(map(_sequence, lines(text, is_entry)))
    return [name if name in there else alike.get(_comparable(name), name) for name in names]


def _sequence(line: str) -> str:
    entry = line.partition("\t")[0].rstrip(" ,;").replace("\\", "/")
    picture = _PATH_OF_PICTURE.match(entry)
    if picture and "/" in picture[0]:
        return PurePosixPath(picture[0]).parent.name
    return PurePosixPath(entry).name


def _comparable(name: str) -> str:
    """A name whatever its encoding on disk, and whether its accents are characters of their own, as on macOS."""
    return unicodedata.normalize("NFC", decode(name.encode(errors="surrogateescape")))


def explain_no_pictures(folder: Path, wanted: frozenset[str] = FRAMES, of_one: bool = False) -> str:
    """What to do about a folder without the pictures that are wanted there, by what it holds instead; "" if nothing.

    of_one: it is the folder of one sequence, where frames of a video would go.
    """
    found = entries(folder) if folder.is_dir() else [folder]
    for path in found:
        if wanted == FRAMES and _is_video(path):
            frames = folder if of_one else f"JPEGImages/{path.stem}"
            make = "" if of_one else f"mkdir -p {frames} && "
            make += f"ffmpeg -i {path if of_one else path.name} -q:v 2 -start_number 0 {frames}/%05d.jpg"
            return f"{path.name} is a video: make frames of it, e.g. {make}"
        if path.suffix.lower() in ARCHIVES:
            return f"{path.name} is an archive: unpack it"
    others = sorted({path.suffix.lower() for path in found} - wanted - {""})
    kinds = "frames are JPEG, PNG, WebP, BMP or TIFF"
    if wanted == MASKS:
        kinds = "masks are PNG, BMP or TIFF, since JPEG and WebP do not keep ids"
    return f"it holds {a_few(others)} files; {kinds}" if others else ""


def _is_video(path: Path) -> bool:
    """By its ending; a GIF if it moves."""
    if path.suffix.lower() != ".gif":
        return path.suffix.lower() in VIDEOS
    try:
        with Image.open(path) as picture:
            return getattr(picture, "n_frames", 1) > 1
    except (OSError, ValueError, SyntaxError):
        return True


def natural_order(name: str) -> tuple[tuple[int, str], ...]:
    """A sort key under which frame 2 comes before frame 10, padded with zeros or not."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part)


def pictures(folder: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    """Frame name (file stem) -> path of every picture in `folder`, in the order of the video; {} if it is absent.

    Raises VosbenchError if two files are the same frame (`00001.jpg` and `00001.png`).
    """
    found: dict[str, Path] = {}
    wanted = (path for path in entries(folder) if path.suffix.lower() in suffixes)
    for path in sorted(wanted, key=lambda path: (natural_order(path.stem), path.name)):
        if path.stem in found:
            told = f"frame {path.stem} is in {folder} twice: {found[path.stem].name} and {path.name}"
            raise VosbenchError(told, "keep one file per frame")
        found[path.stem] = path
    return found


def gaps(names: Iterable[str]) -> list[str]:
    """The holes in the numbering of a video, each a frame name or `first-last`, judged by its usual step.

    A video in which no step makes up half of all has none: its frames are not numbered evenly.

    >>> gaps(["00000", "00005", "00010", "00020", "00025", "00045"])
    ['00015', '00030-00040']
    """
    numbered = [name for name in names if name.isdecimal()]
    pairs = [(before, int(before), int(after)) for before, after in pairwise(numbered)]
    if not pairs:
        return []
    usual, times = Counter(after - before for _, before, after in pairs).most_common(1)[0]
    if usual < 1 or 2 * times < len(pairs):
        return []
    holes = []
    for name, before, after in pairs:
        if missing := range(before + usual, after - usual + 1, usual):
            ends = dict.fromkeys(f"{number:0{len(name)}d}" for number in (missing[0], missing[-1]))
            holes.append("-".join(ends))
    return holes


def content_hash(path: Path | FrameOfVideo) -> str:
    """A hash of the bytes of a file, or of a video and a frame's index. Raises VosbenchError if it cannot be read."""
    if isinstance(path, FrameOfVideo):
        return f"{_video_hash(path.path, path.path.stat().st_size, path.path.stat().st_mtime_ns)} {path.index}"
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError as error:
        require_fetched(path)
        raise VosbenchError(f"cannot read {path}: {error.strerror}", "copy the file again") from None


@lru_cache(16)
def _video_hash(path: Path, *_: int) -> str:
    """Kept as long as the file has this size and time, since each of its frames asks for it."""
    return content_hash(path)
