"""What lies in the place of a file whose content was not fetched is told by whoever reads the file, in one way."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from vosbench.base.text import read_text
from vosbench.datasets.files import content_hash
from vosbench.errors import VosbenchError
from vosbench.images import read_drawn, read_labels, read_rgb, read_size
from vosbench.models.checkpoint import read_checkpoint
from vosbench.video_file import open_video

READERS = (read_rgb, read_size, read_labels, read_drawn, read_checkpoint, partial(read_text, hint=""), open_video)


def lfs(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")


def annex(path: Path) -> None:
    path.write_text("/annex/objects/SHA256E-s12345--4d7a.png\n")


def annexed_link(path: Path) -> None:
    path.symlink_to("../.git/annex/objects/Xk/9q/SHA256E-s12345--4d7a/SHA256E-s12345--4d7a.png")


def link(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere/00000.png")


@pytest.mark.parametrize(
    ("leave", "said", "hint"),
    [
        (lfs, "00000.png is a Git LFS pointer, not the file itself", "git lfs pull"),
        (annex, "00000.png is of git-annex, and its content is not here", "git annex get 00000.png"),
        (annexed_link, "00000.png is of git-annex, and its content is not here", "git annex get 00000.png"),
        (link, r"00000.png is a link to .*elsewhere/00000.png, which is not there", "copy the file itself"),
    ],
)
def test_every_reader_says_what_lies_there(tmp_path: Path, leave: Callable[[Path], None], said: str, hint: str) -> None:
    path = tmp_path / "00000.png"
    leave(path)
    for read in (*READERS, *([content_hash] if path.is_symlink() else [])):
        with pytest.raises(VosbenchError, match=said) as caught:
            read(path)
        assert hint in caught.value.hint
        assert "\n" not in caught.value.message


def test_a_file_that_is_there_is_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("bee\n")
    (tmp_path / "link.txt").symlink_to("list.txt")
    assert read_text(tmp_path / "link.txt", "") == "bee\n"
    with pytest.raises(VosbenchError, match=r"cannot read .*none.txt: No such file") as caught:
        read_text(tmp_path / "none.txt", "check the path")
    assert caught.value.hint == "check the path"
