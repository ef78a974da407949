"""Folders as people have them: what is sound goes through every verb, and check tells of the rest before a run."""

import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from spoiling import relabel

from vosbench.images import read_labels, write_labels

JUNK = (
    "Thumbs.db",
    "desktop.ini",
    ".DS_Store",
    "._00000.png",
    "@eaDir/00000.jpg",
    "__MACOSX/x",
    ".ipynb_checkpoints/x",
)


def in_capitals(root: Path) -> None:
    for path in [path for path in root.rglob("*.*") if path.suffix in {".png", ".jpg"}]:
        path.rename(path.with_suffix(path.suffix.upper()))


def littered(root: Path) -> None:
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        for name in JUNK:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"")


def as_bitmaps(root: Path) -> None:
    for path in root.rglob("*.jpg"):
        Image.open(path).save(path.with_suffix(".bmp"))
        path.unlink()
    for path in (root / "Annotations").rglob("*.png"):
        Image.open(path).save(path.with_suffix(".tif"))
        path.unlink()


def with_more_after_the_end(root: Path) -> None:
    for path in root.rglob("*.jpg"):
        path.write_bytes(path.read_bytes() + bytes(3000))


def of_windows(root: Path) -> None:
    (root / "ImageSets/2017/val.txt").write_bytes("# mine\r\nJPEGImages\\480p\\ant\r\n\r\nbee\r\n".encode("utf-16"))


UNTIDY = {f.__name__: f for f in (in_capitals, littered, as_bitmaps, with_more_after_the_end, of_windows)}


@pytest.mark.usefixtures("scored_in_a_thread")
@pytest.mark.parametrize("how", UNTIDY)
def test_what_is_sound_goes_through_every_verb(vosbench, small_davis, tmp_path, monkeypatch, how):
    monkeypatch.chdir(tmp_path)
    masks = shutil.copytree(small_davis / "Annotations/480p", tmp_path / "masks")
    for path in [*(masks / "ant").iterdir(), *(masks / "bee").iterdir()]:
        relabel(path, lambda labels: np.roll(labels, 1, 1))  # not the truth itself
    shutil.rmtree(masks / "cat")
    if how in ("in_capitals", "littered"):
        UNTIDY[how](masks)
    UNTIDY[how](small_davis)
    data = ("--dataset", "davis2017", "--root", small_davis)
    assert vosbench("check", *data).err.endswith("2 sequences, sound\n")
    assert vosbench("check", masks, *data).err.endswith("2 sequences, sound\n")
    scored = vosbench("score", masks, *data, "--no-cache", "--jobs", 1)
    assert (scored.status, scored.err) == (0, "")
    assert vosbench("run", *data, "-p", "first-only", "--no-controls", "--threads", 1, "--out", "run").status == 0
    lists = small_davis / "ImageSets/2017"
    (lists / "val.txt").rename(lists / "test-challenge.txt")
    assert vosbench("export", masks, *data, "--split", "test-challenge", "--out", "a.zip").status == 0
    with zipfile.ZipFile("a.zip") as packed:
        assert sorted(packed.namelist()) == [f"{name}/{t:05d}.png" for name in ("ant", "bee") for t in range(6)]


def say(vosbench, root: Path, *options: object) -> tuple[int, str, str]:
    outcome = vosbench("check", "--dataset", "davis2017", "--root", root, *options)
    return outcome.status, outcome.out, outcome.err


def renumber(root: Path, old: int, new: int, name: str = "bee") -> None:
    for path in (root / "Annotations/480p" / name).iterdir():
        relabel(path, lambda labels: np.where(labels == old, new, labels))


@pytest.mark.parametrize(("old", "new", "nowhere"), [(1, 3, "1, 2"), (1, 2, "1"), (1, 75, "1, 2, 3, 4 and 70 more")])
def test_ids_with_gaps_are_told_under_the_rule_of_davis(vosbench, small_davis, old, new, nowhere):
    renumber(small_davis, old, new)
    status, out, _ = say(vosbench, small_davis)
    assert status == 2
    assert f"by the protocol davis2017 its objects are 1 to {new}, of which no mask holds {nowhere}: an object" in out
    assert "scores 1" in out
    assert say(vosbench, small_davis, "--protocol", "vos-benchmark")[0] == 0
    assert vosbench("check", "--dataset", "folder", "--root", small_davis, "--sequences", "bee").status == 0


def test_an_object_that_is_nowhere_is_not_said_to_score_0(vosbench, small_davis, tmp_path):
    renumber(small_davis, 1, 3)
    masks = shutil.copytree(small_davis / "Annotations/480p", tmp_path / "masks")
    for path in (masks / "bee").iterdir():
        relabel(path, lambda labels: np.roll(labels, 1, 1))
    outcome = vosbench("check", masks, "--dataset", "davis2017", "--root", small_davis, "--sequences", "bee")
    assert "scores 0" not in outcome.out


def blurred(root: Path) -> None:
    for path in (root / "Annotations/480p/ant").iterdir():
        small = read_labels(path)[::2, ::2]
        write_labels(path, cv2.resize(small, (64, 48), interpolation=cv2.INTER_LINEAR))


def jpeg_masks(root: Path) -> None:
    for path in (root / "Annotations/480p/ant").iterdir():
        Image.open(path).convert("L").save(path.with_suffix(".jpg"))
        path.unlink()


def jpegs_called_png(root: Path) -> None:
    for path in (root / "Annotations/480p/ant").iterdir():
        Image.open(path).convert("L").save(path, "JPEG")


def many_objects(root: Path) -> None:
    for path in (root / "Annotations/480p/ant").iterdir():
        Image.fromarray(read_labels(path).astype(np.uint16) * 200).save(path)


def turned(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in (root / "JPEGImages/480p/ant").iterdir():
        Image.open(path).save(path, exif=exif)


def a_video(root: Path) -> None:
    shutil.rmtree(root / "JPEGImages/480p/ant")
    (root / "JPEGImages/480p/ant").mkdir()
    (root / "JPEGImages/480p/ant/ant.mp4").write_bytes(b"")


TOLD = {
    blurred: ("is anti-aliased", "nearest neighbour"),
    jpeg_masks: ("ant holds no masks", "it holds .jpg files; masks are PNG, BMP or TIFF"),
    jpegs_called_png: ("is a JPEG image, which does not keep ids", "write masks as PNG"),
    many_objects: ("holds the id 400, but ids go from 1 to 254", "number the objects of each video from 1 on"),
    turned: ("is 64x48 pixels, its frame 48x64", "turned as their file says"),
    a_video: ("ant holds no frames", "480p/ant/ant.mp4 -q:v 2 -start_number 0 "),
}


@pytest.mark.parametrize("spoil", TOLD, ids=lambda f: f.__name__)
def test_check_tells_what_would_stop_a_run_or_spoil_a_score(vosbench, small_davis, spoil):
    spoil(small_davis)
    status, out, _ = say(vosbench, small_davis)
    assert status == 2
    message, hint = TOLD[spoil]
    assert message in out
    assert hint in out
    assert "/bee" not in out  # which is sound


@pytest.mark.parametrize("name", ["clip.mp4", "clip.MOV", "frames.zip"])
def test_a_file_is_no_data_set(refused, tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    assert ("unpack it" if "zip" in name else f"ffmpeg -i {name}") in refused(
        "run", "--dataset", "folder", "--root", tmp_path / name
    )
    assert name in refused("check", "--dataset", "folder", "--root", tmp_path)


def test_odd_palettes_are_a_warning(vosbench, small_davis, read_json, tmp_path):
    path = small_davis / "Annotations/480p/bee/00003.png"
    picture = Image.fromarray(read_labels(path))
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.save(path)
    status, out, err = say(vosbench, small_davis, "--json", tmp_path / "found.json")
    assert status == 0
    assert out.startswith("warning: mask ")
    assert err.endswith("2 sequences, sound, 1 warning\n")
    (problem,) = read_json(tmp_path / "found.json")["problems"]
    assert problem["warning"] is True


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_a_frame_that_is_turned_in_its_own_size_is_a_warning(vosbench, small_davis, orientation):
    """Masks that were drawn over the pixels as they are stored fit by their size, and by nothing else."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for path in (small_davis / "JPEGImages/480p/ant").iterdir():
        Image.open(path).save(path, exif=exif)
    status, out, err = say(vosbench, small_davis)
    assert status == 0
    assert out.count("is shown turned or mirrored by its EXIF orientation") == 1
    assert err.endswith("2 sequences, sound, 1 warning\n")


@pytest.mark.usefixtures("scored_in_a_thread")
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_video_that_is_shown_turned_has_the_masks_of_what_is_shown(vosbench, small_davis, tmp_path, orientation):
    """The same video, its frames stored turned with a tag that says so, gives the same masks as without."""

    def masks(root: Path, out: Path) -> dict[str, bytes]:
        data = ("--dataset", "davis2017", "--root", root, "--sequences", "bee")
        asked = ("run", *data, "-p", "every-k:k=2", "--no-controls", "--threads", 1, "--out", out)
        assert vosbench(*asked).status == 0
        return {path.name: path.read_bytes() for path in (out / "masks").rglob("*.png")}

    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = shutil.copytree(small_davis, tmp_path / "turned")
    for path in (small_davis / "JPEGImages/480p/bee").iterdir():
        picture = Image.open(path).convert("RGB")
        picture.save(path, "PNG")
        picture.transpose(back).save(turned / path.relative_to(small_davis), "PNG", exif=exif)
    found = masks(turned, tmp_path / "a")
    assert len(found) == 6
    assert found == masks(small_davis, tmp_path / "b")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8\xff\xe0half", b"version https://git-lfs.github.com/spec/v1\n", b"<html>"]
)
@pytest.mark.parametrize("kind", ["JPEGImages/480p/ant/00000.jpg", "Annotations/480p/ant/00000.png"])
def test_a_broken_picture_is_told_of_once(vosbench, small_davis, kind, content):
    (small_davis / kind).write_bytes(content)
    status, out, err = say(vosbench, small_davis)
    assert (status, sum(kind in line for line in out.splitlines())) == (2, 1)
    assert err.endswith("2 sequences, 1 problem\n")
    assert ("hint: git lfs pull" in out) == (b"lfs" in content)
