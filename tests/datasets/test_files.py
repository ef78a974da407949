from pathlib import Path

import pytest

from vosbench.datasets.files import FRAMES, a_few, gaps, pictures
from vosbench.errors import VosbenchError


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
