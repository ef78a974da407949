"""What files of video say of their own end, where FFmpeg's libraries take a file that is cut off for a whole one."""

from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_TRAILER = b";"


def told_size(path: Path) -> int | None:
    """How many bytes a Matroska or WebM file says that it has (RFC 9559: the EBML header, and a segment that holds all
    the rest); None if it is another file or does not say, as one that was recorded live. Raises OSError.
    """
    with path.open("rb") as file:
        size, at = _segment(file.read(4096))
    return None if size is None else at + size


def doubt(path: Path) -> str | None:
    """Why a file may be cut off, though its kind does not tell its size: a GIF lacks the byte that ends one, zeros
    after it apart; an MPEG transport stream ends within one of its packets, all of one size; an FLV ends within a tag,
    and a Matroska file that was recorded live within an element, each of which tells its size. Raises OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(4096)
        file.seek(max(0, size - 64))
        end = file.read().rstrip(b"\0")
        live, at = _segment(begin)
        if live is None and at and _element_runs_out(file, at, size):
            return "it ends within an element"
        if begin.startswith(b"FLV") and _tag_runs_out(file, int.from_bytes(begin[5:9]) + 4, size):
            return "it ends within a tag"
    if begin.startswith(b"GIF8") and not end.endswith(_TRAILER):
        return "it lacks the end of a GIF"
    for sync, packet in ((0, 188), (4, 192)):  # ISO/IEC 13818-1; with a time before each, as cameras write it
        if begin[sync : sync + packet + 1 : packet] == b"GG" and size % packet:
            return "it ends within a packet"
    return None


def _segment(begin: bytes) -> tuple[int | None, int]:
    """The size of a Matroska segment by the first bytes (None: unknown), and where its data begin (0: another file)."""
    if not begin.startswith(_EBML):
        return None, 0
    size, at = _number(begin, len(_EBML))
    at += size or 0
    if begin[at : at + len(_SEGMENT)] != _SEGMENT:
        return None, 0
    return _number(begin, at + len(_SEGMENT))


def _element_runs_out(file: BinaryIO, at: int, end: int) -> bool:
    """Whether one of the elements from a place on goes beyond the end of a file; one of unknown size is entered."""
    while at < end:
        file.seek(at)
        head = file.read(12)  # a name of at most four bytes, a size of at most eight
        name = 9 - head[0].bit_length()
        size, data = _number(head, name)
        if name > 4 or data > len(head) == 12:
            return False  # this is no Matroska any more
        at += data + (size or 0)
    return at > end


def _tag_runs_out(file: BinaryIO, at: int, end: int) -> bool:
    """Whether one of the tags of an FLV from a place on, each followed by its size, goes beyond the end of a file."""
    while at < end:
        file.seek(at)
        at += 11 + int.from_bytes(file.read(4)[1:]) + 4
    return at - 4 > end


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """A size as EBML writes it (RFC 8794), whose first byte tells by its zeros how many follow; None if all its bits
    are ones: unknown. And where it ends.
    """
    length = 9 - data[at].bit_length() if at < len(data) else 9
    end = at + length
    if length > 8 or end > len(data):
        return None, end
    unknown = (1 << 7 * length) - 1
    value = int.from_bytes(data[at:end]) & unknown
    return None if value == unknown else value, end
