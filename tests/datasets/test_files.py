import os
from pathlib import Path

import pytest
from PIL import Image

from vosbench.datasets.files import (
    FRAMES,
    MASKS,
    entries,
    explain_no_pictures,
    gaps,
    listed,
    pictures,
    subfolders,
)
from vosbench.errors import VosbenchError, a_few


def test_frames_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10.jpg", "9.JPG", "2.png", "notes.txt", "._2.jpg"):
        (tmp_path / name).touch()
    assert list(pictures(tmp_path, FRAMES)) == ["2", "9", "10"]


def test_an_absent_folder_holds_nothing(tmp_path: Path) -> None:
    assert pictures(tmp_path / "none", FRAMES) == {}


def test_one_frame_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("00001.jpg", "00001.png"):
        (tmp_path / name).touch()
    with pytest.raises(VosbenchError, match=r"00001 is in .* twice: 00001.jpg and 00001.png"):
        pictures(tmp_path, FRAMES)


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([], []),
        ([7], []),
        ([0, 1, 2, 4, 5], ["003"]),
        ([10, 15, 20, 35, 40], ["025-030"]),
        ([0, 5, 10, 16, 21], []),  # unevenly numbered, but nothing left out
        ([0, 40, 73, 101, 150], []),  # time stamps
        ([0, 1, 2, 3, 10**9], ["004-999999999"]),
    ],
)
def test_gaps(numbers: list[int], missing: list[str]) -> None:
    assert gaps(f"{number:03d}" for number in numbers) == missing


def test_some_names() -> None:
    assert a_few("abc", most=3) == "a, b, c"
    assert a_few("abcde", most=3) == "a, b, c and 2 more"


LISTS = {
    "plain": "ant\ncafé 2\n",
    "blank lines, comments, spaces around, twice": "# the two\n\n  ant\t\n\ncafé 2  \nant\n",
    "quoted": '"ant"\n"café 2"\n',
    "folders": "JPEGImages/480p/ant\n/JPEGImages/480p/café 2/\n",
    "Windows folders": "C:\\DAVIS\\JPEGImages\\480p\\ant\\\n.\\café 2\n",
    "frames and masks": "/JPEGImages/480p/ant/00000.jpg /Annotations/480p/ant/00000.png\n"
    "/JPEGImages/480p/café 2/00000.jpg /Annotations/480p/café 2/00000.png 1\n",
    "Windows frames": "ant\\00000.JPG ant\\00000.PNG\ncafé 2\\00000.JPG café 2\\00000.PNG\n",
    "separators at the end": "ant,\ncafé 2;\n",
    "the end of a file of DOS": "ant\ncafé 2\n\x1a",
    "columns": "ant\t80 frames\ncafé 2\t91 frames\n",
}


@pytest.mark.parametrize("form", LISTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_lists_of_sequences(tmp_path: Path, form: str, encoding: str) -> None:
    for name in ("ant", "café 2"):
        (tmp_path / "frames" / name).mkdir(parents=True)
    text = LISTS[form].replace("\n", "\r\n")
    (tmp_path / "val.txt").write_bytes(text.encode(encoding))
    assert listed(tmp_path / "val.txt", tmp_path / "frames") == ["ant", "café 2"]


def test_accents_may_be_characters_of_their_own_as_on_macos(tmp_path: Path) -> None:
    (tmp_path / "caf\u00e9").mkdir()
    (tmp_path / "val.txt").write_text("cafe\u0301\n", encoding="utf-8")
    assert listed(tmp_path / "val.txt", tmp_path) == ["caf\u00e9"]


def test_a_comment_that_is_the_name_of_a_folder_is_a_sequence(tmp_path: Path) -> None:
    for name in ("#hash", "ant", "#caf\u00e9"):
        (tmp_path / name).mkdir()
    text = "#hash\n# ant\n#ant\n#frames/ant\nframes/#hash\nant\n#cafe\u0301\n#absent\n"
    (tmp_path / "val.txt").write_text(text, encoding="utf-8")
    assert listed(tmp_path / "val.txt", tmp_path) == ["#hash", "ant", "#caf\u00e9"]
    assert listed(tmp_path / "val.txt") == ["#hash", "ant"]  # by its path


def test_a_list_finds_folders_whose_names_are_no_utf_8(tmp_path: Path) -> None:
    os.mkdir(bytes(tmp_path) + b"/caf\xe9")
    for written in (b"caf\xe9\n", "café\n".encode()):
        (tmp_path / "val.txt").write_bytes(written)
        assert listed(tmp_path / "val.txt", tmp_path) == ["caf\udce9"]


JUNK = ["Thumbs.db", "thumbs.db", "desktop.ini", "@eaDir", "__MACOSX", ".DS_Store", "._00000.jpg", ".ipynb_checkpoints"]
JUNK += ["#recycle", "$RECYCLE.BIN", "lost+found", "00003.jpg.part", "Icon\r"]
JUNK += [
    "00000.jpg:Zone.Identifier",
    "@Recycle",
    "@__thumb",
    "ant@SynoEAStream",
    "~$list.xlsx",
    "00000.jpg~",
    "FOUND.000",
]


def test_what_systems_leave_behind_counts_as_nothing(tmp_path: Path) -> None:
    for name in JUNK:
        (tmp_path / name).mkdir()
    for name in ("ant", "thumbs", "#1 sequence", "desktop"):
        (tmp_path / name).mkdir()
    (tmp_path / "00000.JPG").touch()
    assert subfolders(tmp_path) == ["#1 sequence", "ant", "desktop", "thumbs"]
    assert list(pictures(tmp_path, FRAMES)) == ["00000"]
    assert entries(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("clip.MP4", "ffmpeg -i clip.MP4"), ("a.tar.gz", "unpack it"), ("0.heic", ".heic files; frames are JPEG")],
)
def test_what_there_is_instead_of_pictures(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / name).touch()
    assert expected in explain_no_pictures(tmp_path)
    assert expected in explain_no_pictures(tmp_path / name)


def test_a_video_among_frames_becomes_frames_there_and_a_still_is_none(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    assert f"ffmpeg -i {tmp_path / 'clip.mp4'} -q:v 2 -start_number 0 {tmp_path}/%05d.jpg" in explain_no_pictures(
        tmp_path, of_one=True
    )
    assert explain_no_pictures(tmp_path, MASKS).startswith("it holds .mp4 files; masks are PNG, BMP or TIFF")
    (tmp_path / "clip.mp4").unlink()
    still, other = (Image.new("L", (8, 8), value) for value in (0, 9))
    still.save(tmp_path / "00000.gif")
    assert explain_no_pictures(tmp_path).startswith("it holds .gif files; frames are JPEG")
    still.save(tmp_path / "00000.gif", save_all=True, append_images=[other])
    assert explain_no_pictures(tmp_path).startswith("00000.gif is a video")


def test_jpegs_are_no_masks(tmp_path: Path) -> None:
    (tmp_path / "00000.JPG").touch()
    assert explain_no_pictures(tmp_path) == ""
    assert "holds .jpg files; masks are PNG, BMP or TIFF" in explain_no_pictures(tmp_path, MASKS)
