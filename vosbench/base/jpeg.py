"""JPEGs: decoded with what is damaged told of, and their markers."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vosbench.errors import VosbenchError

try:
    import simplejpeg
except ImportError:  # a platform without a wheel of it: OpenCV gives the same pixels, and passes over damage
    simplejpeg = None

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # not a stuffed 255 of the data, nor a restart within them
END_OF_IMAGE, APP1 = 0xD9, 0xE1


def decode(data: bytes, path: Path, strict: bool) -> np.ndarray | None:
    """The pixels of a JPEG as OpenCV has them, in a third of its time and with what libjpeg complains of; None if there
    is no decoder for this kind of it.
    """
    if simplejpeg is None:
        return None
    try:
        rgb: np.ndarray = simplejpeg.decode_jpeg(data)
        return rgb
    except ValueError as error:
        reason = str(error)
    if _DAMAGED.search(reason) or (strict and "extraneous" in reason):
        what = reason.removeprefix("Corrupt JPEG data: ")
        raise VosbenchError(f"frame {path} is damaged within its data ({what})", "copy the file again")
    try:
        return simplejpeg.decode_jpeg(data, strict=False)
    except ValueError:
        return None


_DAMAGED = re.compile(  # what no program writes: a few bytes before the end mark, 0xd9, some do
    r"premature end|bad Huffman|bad arithmetic|found marker|inconsistent progression"
    r"|extraneous bytes before marker 0x(?!d9)|\d{3,} extraneous bytes",
    re.IGNORECASE,
)


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The markers of a JPEG, each with the first four bytes of its segment, to the end mark, which has none.

    That of a thumbnail, which lies within a segment, is no marker; and what follows the end mark is no matter.
    """
    position = 2
    while found := _MARKER.search(data, position):
        kind, begin = found[0][1], found.end()
        if kind == END_OF_IMAGE:
            yield kind, b""
            return
        yield kind, data[begin + 2 : begin + 6]
        position = begin + int.from_bytes(data[begin : begin + 2])  # the length of the segment
