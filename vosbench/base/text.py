"""Text files that people write, whatever editor or system they come from, read in one way."""

import codecs
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vosbench.base.unfetched import read_bytes, require_fetched

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is how it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path, hint: str) -> str:
    r"""The text of a file, with `\n` between lines.

    It is taken as the byte order mark says, or as UTF-16 where every other byte is zero, or as UTF-8, or, if it is
    none, as Windows-1252, which Latin-1 is a part of. No file fails to decode. Raises VosbenchError, with the `hint`,
    for a file that cannot be read, and for one whose content was not fetched.
    """
    data = read_bytes(path, hint)
    require_fetched(path, data)
    return decode(data).replace("\r\n", "\n").replace("\r", "\n")


def decode(data: bytes) -> str:
    """The text in the bytes of a file; see `read_text`."""
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    encodings = ["utf-8", "cp1252"]
    if zeros := data.count(0):  # UTF-16 without its mark, whose letters are a byte and a zero as a rule; or stray ones
        wide = "utf-16-le" if data[1::2].count(0) >= data[::2].count(0) else "utf-16-be"
        if zeros > 0.4 * len(data):
            return data.decode(wide, errors="replace")
        encodings.insert(1, wide)
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def lines(text: str, is_entry: Callable[[str], bool] = lambda _: False) -> list[str]:
    """The lines of a list that hold an entry: not the blank ones, nor those that begin with `#`, unless one `is_entry`
    all the same; without spaces and quotes around, nor what cannot be seen (zero-width spaces, the end of a DOS file).
    """
    stripped = (line.translate(_UNSEEN).strip() for line in text.split("\n"))
    return [_unquoted(line) for line in stripped if line and (line[0] != "#" or is_entry(line))]


_UNSEEN = dict.fromkeys((0, 0x1A, 0x200B, 0x200E, 0x2060, 0xFEFF))


def _unquoted(line: str) -> str:
    return line[1:-1] if len(line) > 1 and line[0] == line[-1] and line[0] in "\"'" else line


def printable(text: str) -> str:
    r"""A name or a sentence in one line that can be shown anywhere. What is no letter, digit or sign stands in escapes:
    line breaks, control characters, bytes of a name that is not UTF-8.

    >>> printable("two\nlines")
    'two\\nlines'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write_text(path: Path, text: str) -> None:
    r"""Write text as UTF-8. A name of a file that is not UTF-8 holds bytes that no text can: they become `\udc..`.

    Raises OSError.
    """
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
