"""Reading and writing the two kinds of picture: RGB frames and label maps.

Label PNGs are read with Pillow, which keeps the palette index; OpenCV and scikit-image expand the palette to
colours and lose the ids. Everything that needs a picture from disk comes through here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from vosbench.base import jpeg
from vosbench.base.unfetched import read_bytes, require_fetched
from vosbench.errors import VosbenchError, a_few
from vosbench.video_file import FrameOfVideo


def _davis_palette() -> bytes:
    """The PASCAL VOC colour map (bit-reversed ids), which DAVIS and YouTube-VOS use: 256 RGB triples."""
    ids, palette = np.arange(256)[:, None], np.zeros((256, 3), int)
    for bit in range(8):
        palette |= ((ids >> (3 * bit + np.arange(3))) & 1) << (7 - bit)
    return palette.astype(np.uint8).tobytes()


PALETTE = _davis_palette()
VOID = 255  # "unknown" in DAVIS and YouTube-VOS: never an object


def size_text(shape: Sequence[int]) -> str:
    """A size as people write it, width first: (480, 854) is `854x480`."""
    return f"{shape[1]}x{shape[0]}"


def described(given: object) -> str:
    """A value of a wrong kind, in words."""
    return f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else f"of type {type(given).__name__}"


def check_frame(rgb: object, what: str) -> None:
    """Raise VosbenchError for a frame that is not RGB, uint8 [H,W,3], or has no pixel."""
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise VosbenchError(f"{what} is {described(rgb)}", "give uint8 [height,width,3], RGB")
    if not rgb.size:
        raise VosbenchError(f"{what} is {size_text(rgb.shape)}: it has no pixel", "give uint8 [height,width,3], RGB")


Picture = Path | FrameOfVideo  # where a frame is


def read_size(path: Picture) -> tuple[int, int]:
    """(height, width) of a frame in pixels as `read_rgb` has it, from its header alone.

    Raises VosbenchError if it cannot be read.
    """
    if isinstance(path, FrameOfVideo):
        return path.size
    with _opened(path, "frame", "image") as picture:
        size = picture.height, picture.width
        return size[::-1] if _orientation(picture) in _SIDEWAYS else size


def read_rgb(path: Picture, strict: bool = False) -> np.ndarray:
    """A frame as RGB, uint8 [H,W,3], turned as its EXIF orientation says, so as every viewer shows it.

    The format is that of the content, whatever the file is called. Raises VosbenchError if the file is missing,
    truncated, damaged, no image, or of more than 8 bits in a format that is not scaled to 8. `strict` refuses what may
    be damage, too: a JPEG whose data go on for some bytes after its last pixel, as some programs write them, and a
    frame of a video that its decoder had to complete.
    """
    if isinstance(path, FrameOfVideo):
        return path.load(strict)
    data = read_bytes(path, "check the data set with `vosbench check`", "frame")
    is_jpeg = data.startswith(_JPEG)
    if data and not (is_jpeg or data.startswith(_PNG) or data[8:12] == b"WEBP"):
        return _rgb_of_other_format(path)
    segments = list(jpeg.segments(data)) if is_jpeg else []
    if not data or (is_jpeg and segments[-1:] != [(jpeg.END_OF_IMAGE, b"")]):  # libjpeg would fill the rest with grey
        raise VosbenchError(f"frame {path} is truncated", "copy the file again")
    rgb = jpeg.decode(data, path, strict) if is_jpeg else None
    if rgb is None:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
        if pixels is None:
            raise VosbenchError(f"frame {path} is not a readable image", "copy the file again")
        rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    if is_jpeg and (jpeg.APP1, b"Exif") not in segments:
        return rgb
    with _opened(path, "frame", "image") as picture:
        orientation = _orientation(picture)
    down, across = _FLIPS[orientation]
    turned = rgb[::down, ::across]
    return np.ascontiguousarray(turned.transpose(1, 0, 2) if orientation in _SIDEWAYS else turned)


_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)
_AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION  # OpenCV's releases differ in which formats they turn
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width
# EXIF orientation -> steps down and across a picture as stored; the sideways ones are then turned about their diagonal.
_FLIPS = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (-1, 1), 7: (-1, -1), 8: (1, -1)}


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8, of a picture just opened; 1 (as stored) where it has none that makes sense."""
    if "exif" not in picture.info or picture.format == "TIFF":  # which Pillow turns by itself
        return 1
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # broken bytes
        return 1
    return orientation if orientation in _FLIPS else 1


def turned_unseen(path: Picture) -> bool:
    """Whether a frame is turned or mirrored by its EXIF orientation in a way that its size does not show."""
    if isinstance(path, Path):
        with suppress(*_UNREADABLE), Image.open(path) as picture:
            orientation = _orientation(picture)
            return orientation > 1 and (orientation not in _SIDEWAYS or picture.width == picture.height)
    return False


def _rgb_of_other_format(path: Path) -> np.ndarray:
    with _opened(path, "frame", "image") as picture:
        if picture.mode.startswith(("I", "F")):
            what = f"frame {path} is a {picture.format} image of more than 8 bits"
            raise VosbenchError(what, "convert the frames to 8-bit RGB")
        return np.array(picture.convert("RGB"))


@contextmanager
def _opened(path: Path, what: str, kind: str) -> Iterator[Image.Image]:
    """A picture, its header read. Raises VosbenchError, which calls it `what`, if the block cannot read it."""
    try:
        with Image.open(path) as picture:
            yield picture
    except FileNotFoundError:
        require_fetched(path)
        raise VosbenchError(f"{what} {path} does not exist", "check the folder with `vosbench check`") from None
    except _UNREADABLE as error:
        require_fetched(path)
        reason = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        raise VosbenchError(f"{what} {path} is not a readable {kind}{reason}", "copy the file again") from None


def read_labels(path: Path) -> np.ndarray:
    """A label map, uint8 [H,W], from a palette, grey or 1-bit PNG, BMP or TIFF: a pixel's value is the object's id.

    It is never turned. Raises VosbenchError if the file is missing, truncated, no image, a colour picture, of a format
    that changes values (JPEG), or of 16 bits and holds a value above 255.
    """
    with _opened(path, "mask", "PNG") as picture:
        if picture.format in _LOSSY or picture.info.get("compression") in _LOSSY_TIFF:
            what = f"mask {path} is a JPEG image, which does not keep ids: it blurs them along edges"
            raise VosbenchError(what, "write masks as PNG from the start; to convert these does not bring the ids back")
        if picture.mode in {"P", "L"}:
            return _pixels(picture) if picture.format == "PNG" else np.array(picture)
        if picture.mode == "1":
            return np.asarray(picture, dtype=np.uint8)
        if not picture.mode.startswith("I"):
            hint = "masks must be palette or 8-bit grey PNGs whose pixel values are object ids"
            raise VosbenchError(f"mask {path} is a {picture.mode} image, not a label map", hint)
        values = np.asarray(picture)
    if not 0 <= values.min(initial=0) <= values.max(initial=0) <= VOID:
        what = f"mask {path} holds the id {values.max()}, but ids go from 1 to {VOID - 1} ({VOID} is void)"
        raise VosbenchError(what, f"number the objects of each video from 1 on; a video may have {VOID - 1}")
    return values.astype(np.uint8)


def read_drawn(path: Path) -> np.ndarray:
    """`read_labels` of a mask that someone drew: an opaque RGB PNG may be black and white, or in colours of
    `PALETTE`, which stand for their ids. Raises VosbenchError as `read_labels`, and for other greys.
    """
    try:
        return read_labels(path)
    except VosbenchError:
        with suppress(*_UNREADABLE), Image.open(path) as picture:
            pixels = np.array(picture) if picture.format == "PNG" and picture.mode in ("RGB", "RGBA") else None
            if pixels is not None and (pixels[..., 3:] == VOID).all():
                colours, at = np.unique(pixels[..., :3] @ (1 << 16, 1 << 8, 1), return_inverse=True)
                known = {int.from_bytes(PALETTE[3 * i : 3 * i + 3]): i for i in range(VOID + 1)}
                grey = (colours % 0x10101 == 0).all()
                ids = [int(colour) & VOID if grey else known.get(int(colour)) for colour in colours]
                if grey and not {*ids} <= {0, VOID}:
                    told = f"mask {path} is an RGB image in grey ({a_few(map(str, ids))}), which may be ids or not"
                    hint = "paint one object white on black, or save ids as an 8-bit greyscale or palette PNG"
                    raise VosbenchError(told, hint) from None
                if None not in ids:
                    return np.array(ids, np.uint8)[at].reshape(pixels.shape[:2])
        raise


def palette_chunk(path: Path) -> bytes:
    """What is the same in pictures of the same palette, as quick as reading a file's beginning: that part of a PNG."""
    with path.open("rb") as file:
        begin = file.read(2048)
    at = begin.find(b"PLTE")
    if at < 0:
        return repr(read_palette(path)).encode()
    return begin[at : at + 4 + int.from_bytes(begin[at - 4 : at])]


def read_palette(path: Path) -> list[tuple[int, int, int]]:
    """The colours of a palette picture that is sound, by index; [] if it has none."""
    with Image.open(path) as picture:
        if picture.mode != "P":
            return []
        header = picture.palette  # getpalette would decode the pixels
        if header is not None and (header.rawmode or header.mode) == "RGB":
            values = [*bytes(header.palette)]
        else:
            values = picture.getpalette("RGB") or []
    return [(red, green, blue) for red, green, blue in zip(*[iter(values)] * 3, strict=True)]


_LOSSY = {"JPEG", "MPO", "JPEG2000", "AVIF"}
_LOSSY_TIFF = {"jpeg", "tiff_jpeg", "old_jpeg"}


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


def present_labels(labels: np.ndarray) -> np.ndarray:
    """The non-zero values of a label map, ascending.

    Without a histogram, which takes as long as decoding the PNG on some machines. Ids that are few are looked for one
    by one, at some hundredths of a millisecond each; else what there is is found where runs of equal pixels begin.
    """
    highest = int(cv2.minMaxLoc(labels)[1]) if labels.size else 0
    if highest <= _FEW:
        return np.array([i for i in range(1, highest + 1) if i == highest or (labels == i).any()], np.int64)
    pixels, seen = labels.reshape(-1), np.zeros(VOID + 1, bool)
    seen[highest] = seen[pixels[np.flatnonzero(pixels[1:] != pixels[:-1])]] = True  # a run's last pixel
    seen[pixels[-1]] = True
    return np.flatnonzero(seen[1:]) + 1


_FEW = 4  # as high an id costs as much as the other way


def check_size(found: Sequence[int], expected: Sequence[int], where: object, of: str = "frame") -> None:
    """Raise VosbenchError if the mask called `where` is not of the size (height, width) that `of` has."""
    if tuple(found) != tuple(expected):
        turned = "" if tuple(found) != tuple(expected)[::-1] else "frames are turned as their file says; "
        ways = f"{turned}resize with nearest neighbour, or choose the other resolution"
        what = f"mask {where} is {size_text(found)} pixels, its {of} {size_text(expected)}"
        raise VosbenchError(what, f"masks must have the size of their frames; {ways}")
