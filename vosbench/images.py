"""Reading and writing the two kinds of picture: RGB frames and label maps.

Label PNGs are read with Pillow, which keeps the palette index; OpenCV and scikit-image expand the palette to
colours and lose the ids. Everything that needs a picture from disk comes through here.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from vosbench.errors import VosbenchError


def _davis_palette() -> bytes:
    """The PASCAL VOC colour map (bit-reversed ids), which DAVIS and YouTube-VOS use: 256 RGB triples."""
    palette = np.zeros((256, 3), np.uint8)
    for index in range(256):
        for bit in range(8):
            for channel in range(3):
                palette[index, channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
    return palette.tobytes()


PALETTE = _davis_palette()
VOID = 255  # "unknown" in DAVIS and YouTube-VOS: never an object


# An EXIF rotation would turn the frame but not its mask.
_AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def size_text(shape: Sequence[int]) -> str:
    """A size as people write it, width first: (480, 854) is `854x480`."""
    return f"{shape[1]}x{shape[0]}"


def read_size(path: Path) -> tuple[int, int]:
    """(height, width) of a picture in pixels, from its header alone. Raises VosbenchError if it cannot be read."""
    try:
        with Image.open(path) as picture:
            return picture.height, picture.width
    except FileNotFoundError:
        raise VosbenchError(f"picture {path} does not exist", "check the data set with `vosbench check`") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VosbenchError(f"{path} is not a readable picture ({error})", "copy the file again") from None


def read_rgb(path: Path) -> np.ndarray:
    """A frame as RGB, uint8 [H,W,3]. Raises VosbenchError if the file is missing, truncated or no image."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VosbenchError(
            f"cannot read frame {path}: {error.strerror}", "check the data set with `vosbench check`"
        ) from None
    if path.suffix.lower() in {".jpg", ".jpeg"} and b"\xff\xd9" not in data[-1024:]:
        raise VosbenchError(f"frame {path} is truncated", "copy the file again")  # libjpeg would fill it with grey
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED) if data else None
    if pixels is None:
        raise VosbenchError(f"frame {path} is not a readable image", "copy the file again")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


@cache
def keep_memory() -> None:
    """Let this process keep the memory of pictures it has dropped for those to come, up to 64 MB.

    The C library of Linux takes and returns large blocks at once, and then every page of the next picture is a page
    fault: a tenth of the time of scoring. But once a block of up to 32 MB has been returned it holds smaller ones
    back (mallopt(3), M_MMAP_THRESHOLD). This one is never written to, so it takes no memory itself.
    """
    np.empty(32_000_000, np.uint8)


_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_labels(path: Path) -> np.ndarray:
    """A label map, uint8 [H,W], from a palette, grey or 1-bit PNG: the value of a pixel is the object's id.

    Raises VosbenchError if the file is missing, truncated, no image, or a colour picture.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode == "1":
                return np.asarray(picture, dtype=np.uint8)
            if picture.mode not in {"P", "L"}:
                raise VosbenchError(
                    f"mask {path} is a {picture.mode} image, not a label map",
                    "masks must be palette or 8-bit grey PNGs whose pixel values are object ids",
                )
            return _pixels(picture)
    except FileNotFoundError:
        raise VosbenchError(f"mask {path} does not exist", "check the folder with `vosbench check`") from None
    except _UNREADABLE as error:
        raise VosbenchError(f"mask {path} is not a readable PNG ({error})", "write the file again") from None


def _pixels(picture: Image.Image) -> np.ndarray:
    """The values of an 8-bit picture, uint8 [H,W]: `np.array(picture)` without its copies, which cost a third of it.

    Pillow decodes into NumPy's memory, which it is given as the picture's.
    """
    pixels = np.zeros((picture.height, picture.width), np.uint8)  # an animated picture may fill a part only
    memory = Image.frombuffer(picture.mode, picture.size, pixels, "raw", picture.mode, 0, 1).im
    picture.im = memory
    picture.load()
    return pixels if picture.im is memory else np.array(picture)


def write_labels(path: Path, labels: np.ndarray) -> None:
    """Write a label map, uint8 [H,W], as a palette PNG in the colours of DAVIS."""
    picture = Image.fromarray(np.ascontiguousarray(labels, dtype=np.uint8))
    picture.putpalette(PALETTE)
    picture.save(path, format="PNG", compress_level=1)


def object_ids(labels: np.ndarray) -> tuple[int, ...]:
    """The ids in a label map, uint8 [H,W], ascending, without background (0) and void (255)."""
    return tuple(int(i) for i in present_labels(labels) if i != VOID)


def present_labels(labels: np.ndarray) -> np.ndarray:
    """The non-zero values of a label map, ascending. OpenCV's histogram is ten times as fast as numpy.unique."""
    histogram = cv2.calcHist([np.ascontiguousarray(labels)], [0], None, [256], [0, 256])
    return np.flatnonzero(histogram[1:]) + 1


def check_size(found: Sequence[int], expected: Sequence[int], where: object) -> None:
    """Raise VosbenchError if the mask called `where` is not of the size (height, width) of its frame."""
    if tuple(found) != tuple(expected):
        raise VosbenchError(
            f"mask {where} is {size_text(found)} pixels, its frame {size_text(expected)}",
            "masks must have the size of their frames; resize with nearest neighbour, or choose the other resolution",
        )


def check_labels(labels: np.ndarray, path: Path, *, size: tuple[int, int] | None = None, binary: bool = False) -> None:
    """Refuse a label map, uint8 [H,W], that cannot be what it is taken for; `path` is for the message.

    Raises VosbenchError if it is not of `size` (height, width), if it is anti-aliased, or, unless `binary`
    (DAVIS 2016: every non-zero label is the object), if its only label is 255.
    """
    if size is not None:
        check_size(labels.shape, size, path)
    present = present_labels(labels)
    if not binary and present.tolist() == [VOID]:
        raise VosbenchError(
            f"mask {path} is a 0/255 mask, but object ids are expected",
            "DAVIS 2017, YouTube-VOS and folders want the ids 1, 2, ... as pixel values; "
            "only DAVIS 2016 (davis2016) is binary",
        )
    if _is_anti_aliased(labels, present):
        raise VosbenchError(
            f"mask {path} is anti-aliased: {len(present)} labels above 0, most of them only along edges",
            "write masks without smoothing, resize them with nearest neighbour, and never store them as JPEG",
        )


def _is_anti_aliased(labels: np.ndarray, present: np.ndarray) -> bool:
    """Whether most non-zero labels are shades along an edge.

    The pixels of a shade are hardly ever (fewer than one in twenty) the centre of a 3x3 window that it fills;
    those of an object of any size are. Ids are small numbers and shades of a white object are not, so slivers
    of a few real objects, as predictions have them, do not count.
    """
    if len(present) < 4 or present[-1] < 32:
        return False
    window = np.ones((3, 3), np.uint8)
    flat = cv2.erode(labels, window) == cv2.dilate(labels, window)
    share = np.bincount(labels[flat], minlength=256)[present] / np.bincount(labels.ravel(), minlength=256)[present]
    solid = (share >= 0.05).sum()
    shades = len(present) - solid
    return bool(shades >= 3 and shades > 2 * solid)
