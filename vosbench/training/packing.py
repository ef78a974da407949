"""Training data in one small file, for a machine that is lent for minutes only: packed here, unpacked there.

The file is a compressed tar of the folders as they were: pictures as WebP, reduced where they are large, and masks as
PNGs of the same size. What is unpacked is read like any other folder.
"""

import io
import lzma
import tarfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from vosbench.datasets.files import a_few
from vosbench.errors import VosbenchError
from vosbench.images import read_labels, read_rgb

PARTNERS = {"images": "masks", "JPEGImages": "Annotations"}  # folders of pictures, and those of their masks


def pack(folders: Sequence[Path], target: Path, shorter: int = 320, quality: int = 70) -> int:
    """Pack every picture below the folders that has a mask into `target` (.tar.xz), each folder under its own name.

    Returns the size of the file in bytes.

    A picture is reduced to `shorter` pixels on its shorter side, if that is longer; `quality` is that of WebP. The same
    folders give the same file. Pictures that cannot be read are left out with their masks, with one warning for all of
    them. Raises VosbenchError if none is found, for a folder that is absent or has the name of another, and if the file
    cannot be written.
    """
    names = [folder.name for folder in folders]
    if absent := [str(folder) for folder in folders if not folder.is_dir()]:
        raise VosbenchError(f"no folder {', '.join(absent)}", "name folders that are there")
    if len(set(names)) < len(names):
        raise VosbenchError(f"two of the folders {', '.join(names)} have one name", "one would replace the other")
    bad, count = [], 0
    try:
        with tarfile.open(target, "w:xz", format=tarfile.PAX_FORMAT, preset=1) as archive:
            for root, picture, mask in ((folder, *pair) for folder in folders for pair in _pairs(folder)):
                try:
                    rgb, labels = read_rgb(picture), read_labels(mask)
                except VosbenchError:
                    bad.append(picture.relative_to(root.parent).as_posix())
                    continue
                factor = min(1.0, shorter / min(labels.shape))
                size = tuple(round(factor * length) for length in labels.shape[::-1])
                rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
                labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
                bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
                _add(archive, picture.relative_to(root.parent), ".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
                _add(archive, mask.relative_to(root.parent), ".png", labels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
                count += 1
    except OSError as error:
        raise VosbenchError(f"cannot write {target}: {error.strerror}", "choose another place") from None
    if not count:
        target.unlink()
        raise VosbenchError(
            f"no pictures with masks below {', '.join(map(str, folders))}", f"they lie in {' or '.join(PARTNERS)}"
        )
    if bad:
        warnings.warn(f"{len(bad)} pictures cannot be read and are left out: {a_few(sorted(bad))}", stacklevel=2)
    return target.stat().st_size


def unpack(source: Path, folder: Path) -> None:
    """The folders of a packed file, below `folder`. Raises VosbenchError if it is no such file."""
    try:
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError) as error:
        raise VosbenchError(f"cannot unpack {source}: {error}", "pack the data again") from None


def _pairs(root: Path) -> Iterator[tuple[Path, Path]]:
    """Pictures and their masks, in the order of their names."""
    for picture in sorted(root.rglob("*")):
        parts = picture.relative_to(root).parts
        place = next((i for i, part in enumerate(parts) if part in PARTNERS), None)
        if place is None or not picture.is_file():
            continue
        mask = root.joinpath(*parts[:place], PARTNERS[parts[place]], *parts[place + 1 :]).with_suffix(".png")
        if mask.is_file():
            yield picture, mask


def _add(archive: tarfile.TarFile, name: Path, suffix: str, pixels: np.ndarray, how: list[int]) -> None:
    data = cv2.imencode(suffix, pixels, how)[1].tobytes()
    entry = tarfile.TarInfo(name.with_suffix(suffix).as_posix())
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
