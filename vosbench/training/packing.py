"""Training data in one small file, for a machine that is lent for minutes only: packed here, unpacked there.

The file is a compressed tar of the folders as they were: pictures as WebP, reduced where they are large, and masks as
PNGs of the same size. What is unpacked is read like any other folder.
"""

import io
import lzma
import os
import tarfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np

from vosbench.base.atomic import check_writable, replacing
from vosbench.base.values import AtLeast, Count, checked
from vosbench.datasets.files import FRAMES, MASKS, entries, is_junk, pictures
from vosbench.errors import VosbenchError, a_few
from vosbench.images import check_size, read_labels, read_rgb

PARTNERS = {"masks": "images", "Annotations": "JPEGImages"}  # folders of masks, and those of their pictures


@checked('pack(["static/ecssd", "video/davis2016-320"], "data.tar.xz")')
def pack(
    folders: Sequence[Path],
    target: Path,
    shorter: Annotated[int, AtLeast(16, " pixels")] = 320,
    quality: Count = 70,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Pack every picture below the folders that has a mask into `target` (.tar.xz), each folder under its own name.

    Returns the size of the file in bytes.

    A picture is reduced to `shorter` pixels on its shorter side, if that is longer; `quality` is that of WebP, 1 to
    100. `progress` is told how many pictures are done, and of how many. The same folders give the same file. Formats
    are those of data sets. What cannot be read is left out with its partner, and so are a mask of another size than its
    picture and one without a picture, with one warning for all of them.
    Raises VosbenchError if nothing is left, of a folder or of all, or no mask holds an object, for a folder that is
    absent or has the name of another, two files of one name, and if the file cannot be written; then what was there
    before stays.
    """
    roots = [Path(os.path.abspath(folder)) for folder in folders]  # "." has a name too, and a link keeps its own
    names = [root.name for root in roots]
    if absent := [str(folder) for folder in folders if not folder.is_dir()]:
        raise VosbenchError(f"no folder {', '.join(absent)}", "name folders that are there")
    if len(set(names)) < len(names):
        raise VosbenchError(f"two of the folders {', '.join(names)} have one name", "one would replace the other")
    if quality > 100:
        raise VosbenchError(f"quality must be at most 100, not {quality}", "it is 70 by default")
    check_writable(target, "choose another place")
    left_out: dict[str, str] = {}  # with the reason
    count, seen = 0, False
    with replacing(target, "packed file") as part:
        with tarfile.open(part, "w:xz", format=tarfile.PAX_FORMAT, preset=1) as archive:
            by_root = [[*_pairs(folder, left_out)] for folder in roots]
            pairs = [pair for own in by_root for pair in own]
            nothing = [str(folder) for folder, own in zip(folders, by_root, strict=True) if not own]
            for number, (root, picture, mask) in enumerate(pairs, 1):
                if progress:
                    progress(number, len(pairs))
                try:
                    rgb, labels = read_rgb(picture), read_labels(mask)
                    check_size(labels.shape, rgb.shape[:2], f"{mask} of {picture}")
                except VosbenchError as error:
                    left_out[picture.relative_to(root.parent).as_posix()] = error.message
                    continue
                factor = min(1.0, shorter / min(labels.shape))
                size = tuple(round(factor * length) for length in labels.shape[::-1])
                rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
                labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
                bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
                _add(archive, picture.relative_to(root.parent), ".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
                _add(archive, mask.relative_to(root.parent), ".png", labels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
                count, seen = count + 1, seen or bool(labels.any())
        if nothing or not count:
            told = next((f": {name} is left out: {reason}" for name, reason in left_out.items()), "")
            hint = f"pictures and masks lie in {' or '.join(map('/ and '.join, PARTNERS.items()))}/"
            below = ", ".join(nothing or map(str, folders)) or "no folder"
            raise VosbenchError(f"no pictures with masks below {below}{told}", "repair the files" if told else hint)
        if not seen:
            raise VosbenchError(f"no mask of {', '.join(names)} holds an object", "look at the masks: all are empty")
    if left_out:
        names = sorted(left_out)
        text = f"{len(names)} pictures or masks are left out: {a_few(names)} ({left_out[names[0]]})"
        warnings.warn(text, stacklevel=3)
    return target.stat().st_size


@checked('unpack("data.tar.xz", "data")')
def unpack(source: Path, folder: Path) -> None:
    """The folders of a packed file, below `folder`. Raises VosbenchError, and leaves nothing, if it is none."""
    try:
        with tarfile.open(source) as archive:
            archive.getmembers()  # which reads to the end
            archive.extractall(folder, filter="data")
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise VosbenchError(f"cannot unpack {source}: {reason}", "pack the data again") from None


def _pairs(root: Path, left_out: dict[str, str]) -> Iterator[tuple[Path, Path, Path]]:
    """The folder, pictures and their masks, which have equal stems, in the order of their names."""
    for folder, below, _ in os.walk(root, followlinks=True):
        below[:] = sorted(name for name in below if not is_junk(name))
        parts = Path(folder).relative_to(root).parts
        place = next((i for i, part in enumerate(parts) if part in PARTNERS), None)
        if place is None:
            continue
        masks = pictures(Path(folder), MASKS)
        partners = pictures(root.joinpath(*parts[:place], PARTNERS[parts[place]], *parts[place + 1 :]), FRAMES)
        for path in entries(Path(folder)):
            if path.suffix.lower() in FRAMES and not (path in masks.values() and path.stem in partners):
                name = path.relative_to(root.parent).as_posix()
                left_out[name] = "no picture has its name" if path.stem in masks else "masks are PNG, BMP or TIFF"
        yield from ((root, partners[stem], mask) for stem, mask in masks.items() if stem in partners)


def _add(archive: tarfile.TarFile, name: Path, suffix: str, pixels: np.ndarray, how: list[int]) -> None:
    data = cv2.imencode(suffix, pixels, how)[1].tobytes()
    entry = tarfile.TarInfo(name.with_suffix(suffix).as_posix())
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
