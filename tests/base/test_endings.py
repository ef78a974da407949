"""Sizes that files of video tell, of headers written here byte by byte."""

from pathlib import Path

import pytest

from vosbench.base.endings import doubt, told_size

EBML, SEGMENT = b"\x1a\x45\xdf\xa3\x83abc", b"\x18\x53\x80\x67"


@pytest.mark.parametrize(
    ("begin", "size"),
    [
        (EBML + SEGMENT + b"\x8a", 8 + 4 + 1 + 10),
        (EBML + SEGMENT + b"\x41\x00", 8 + 4 + 2 + 256),
        (EBML + SEGMENT + b"\x01" + (70_000).to_bytes(7), 8 + 4 + 8 + 70_000),
        (EBML + SEGMENT + b"\xff", None),  # not known, in one byte and in eight
        (EBML + SEGMENT + b"\x01" + b"\xff" * 7, None),
        (EBML + SEGMENT + b"\x01\x00", None),  # cut off within the number
        (EBML + SEGMENT + b"\x00\xff", None),  # no number
        (EBML + SEGMENT, None),
        (EBML + b"\xec\x81a", None),  # another element
        (b"RIFF", None),
        (b"", None),
    ],
)
def test_the_size_that_matroska_tells(tmp_path: Path, begin: bytes, size: int | None) -> None:
    path = tmp_path / "clip.mkv"
    path.write_bytes(begin)
    assert told_size(path) == size


LIVE = EBML + SEGMENT + b"\xff" + b"\x1f\x43\xb6\x75\xff"  # a segment and a cluster of unknown sizes
BLOCK = b"\xa3\x85block"
TAG = b"\x09" + (7).to_bytes(3) + bytes(7) + b"content" + (18).to_bytes(4)
FLV = b"FLV\x01\x05" + (9).to_bytes(4) + bytes(4)
GIF, TS, M2TS = b"GIF89a..;", b"G" + bytes(187), b"timeG" + bytes(187)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        *((GIF, None), (GIF + b"\0\0", None), (GIF[:-1], "lacks the end"), (b"no GIF", None), (b"", None)),
        *((2 * TS, None), (3 * TS + TS[:100], "within a packet")),
        *((3 * M2TS, None), (3 * M2TS + M2TS[:-1], "within a packet")),
        *((LIVE, None), (LIVE + 2 * BLOCK, None), (LIVE + BLOCK + LIVE[-5:] + BLOCK, None)),
        *((LIVE + BLOCK + BLOCK[:cut], "within an element") for cut in (1, 2, 6)),
        *((LIVE + BLOCK + b"\0" * 20, None), (EBML + SEGMENT + b"\x8a" + BLOCK[:-1], None)),
        *((FLV, None), (FLV + 2 * TAG, None), (FLV + TAG + TAG[:-4], None)),
        *((FLV + TAG + TAG[:cut], "within a tag") for cut in (1, 5, 17)),
    ],
)
def test_a_file_that_may_be_cut_off(tmp_path: Path, content: bytes, told: str | None) -> None:
    path = tmp_path / "clip"
    path.write_bytes(content)
    found = doubt(path)
    assert found is None if told is None else told in str(found)
