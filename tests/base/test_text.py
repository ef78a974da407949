import codecs

import pytest

from vosbench.base.settings import read_toml
from vosbench.base.text import decode, lines, read_text, write_text

TEXT = "café\nvideo 2\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("latin-1"),
        TEXT.encode("cp1252"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r\n").encode("utf-16"),
        TEXT.replace("\n", "\r").encode(),
    ],
)
def test_every_encoding_gives_the_same_text(tmp_path, data):
    (tmp_path / "list.txt").write_bytes(data)
    assert read_text(tmp_path / "list.txt", "") == TEXT


def test_what_is_no_text_at_all_fails_nowhere():
    for data in (b"", b"\0", b"\x81\x8d\xff", b"\xff\xfe\x00", bytes(range(256))):
        assert isinstance(decode(data), str)


def test_entries_of_a_list():
    text = "# my videos\n\n  ant \n'bee 2'\n\"c'at\"\n#dog\n\t\n'\n"
    assert lines(text) == ["ant", "bee 2", "c'at", "'"]


@pytest.mark.parametrize("end", [b"\0\n", b"\0\r\n", b"\x1a", b"\n\0", "\u200b\n".encode()])
@pytest.mark.parametrize("name", ["e", "ant", "bee4", "caf\u00e9"])
def test_what_cannot_be_seen_is_no_part_of_a_name(name, end):
    assert lines(decode(name.encode() + end)) == [name]


def test_utf_16_of_names_without_zeros_is_read():
    assert lines(decode("\u6e2c\u8a66\n\u732b\u72ac\n".encode("utf-16-le"))) == ["\u6e2c\u8a66", "\u732b\u72ac"]


def test_a_name_that_is_no_utf_8_is_written(tmp_path):
    write_text(tmp_path / "out.csv", "caf\udce9,ok\n")
    assert (tmp_path / "out.csv").read_bytes() == b"caf\\udce9,ok\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_toml_is_read_so_too(tmp_path, encoding):
    (tmp_path / "night.toml").write_bytes('# Größe\r\nroot = "Vidéos"\r\n'.encode(encoding))
    assert read_toml(tmp_path / "night.toml", "threads = 1") == {"root": "Vidéos"}
