"""Strips of frames: which frames, in which order, and the pixels of every picture."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosbench.errors import VosbenchError
from vosbench.images import read_labels, read_rgb
from vosbench.report.drawing.labels import extent
from vosbench.report.drawing.style import save
from vosbench.report.pictures.footage import Footage, open_footage
from vosbench.report.pictures.frames import disputed, most_disputed, named
from vosbench.report.pictures.overlay import overlay, resized
from vosbench.report.pictures.strip import strip
from vosbench.video import MasksInMemory


@pytest.fixture
def footage(finished_run: Path) -> Footage:
    return open_footage(finished_run / "run", "ant")


def test_every_picture_has_its_expected_pixels(footage: Footage, finished_run: Path, tmp_path: Path) -> None:
    save(strip(footage, [1, 4]), tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    found = 0
    for frame in ("00001", "00004"):
        rgb = read_rgb(finished_run / f"DAVIS/JPEGImages/480p/ant/{frame}.jpg")
        truth = read_labels(finished_run / f"DAVIS/Annotations/480p/ant/{frame}.png")
        for folder in (None, "every-k_k=2", "first-only"):
            size = 428, 570  # 1.9 inches of 300 pixels, as high as 48 is to 64
            shown = resized(rgb, size)
            labels = truth if folder is None else read_labels(finished_run / f"run/masks/{folder}/ant/{frame}.png")
            against = None if folder is None else resized(truth, size)
            expected = overlay(shown, resized(labels, size), against, width=2)
            row, column = (None, "every-k_k=2", "first-only").index(folder), ("00001", "00004").index(frame)
            top, left = 40 + row * 436, pixels.shape[1] - 2 * 578 + column * 578
            assert np.array_equal(pixels[top : top + 428, left : left + 570], expected)
            found += 1
    assert found == 6


@pytest.mark.parametrize("kind", ["pdf", "svg"])
def test_other_formats_keep_text_as_text(footage: Footage, tmp_path: Path, kind: str) -> None:
    hostile = "<img src=x onerror=$alert$>\n中"
    renamed = replace(
        footage,
        masks={hostile: footage.masks["first-only"]},
        records={hostile: footage.records["first-only"]},
    )
    path = tmp_path / f"strip.{kind}"
    save(strip(renamed, [0]), path)
    written = path.read_bytes()
    assert written[:4] == (b"%PDF" if kind == "pdf" else b"<?xm")
    if kind == "svg":
        text = written.decode()
        assert "$alert$&gt;\\n" in text
        assert "<img" not in text
        assert "\\u4e2d" in text


def test_more_frames_than_can_be_read_are_refused_and_long_names_are_cut(footage: Footage) -> None:
    long = replace(footage, frames=tuple(replace(frame, name=f"video_{frame.name * 5}") for frame in footage.frames))
    masks = {label: {f"video_{name * 5}": mask for name, mask in of.items()} for label, of in footage.masks.items()}
    drawn = strip(replace(long, masks=masks, truth={}), [0, 1, 2, 3, 4])
    boxes = sorted((extent(text) for text in drawn.texts if "…" in text.get_text()), key=lambda box: box.x0)
    assert len(boxes) == 5
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    with pytest.raises(VosbenchError, match="40 frames do not fit beside each other: 11 do"):
        strip(footage, [0] * 40)


def test_frames_are_named_or_counted(footage: Footage) -> None:
    assert named(footage, ["00003", "0", "5"]) == [3, 0, 5]
    assert named(footage, ["1", "00001", "1"]) == [1]
    with pytest.raises(VosbenchError, match="sequence ant has no frame 6") as caught:
        named(footage, ["6"])
    assert caught.value.hint == "frames are named 00000 to 00005, or counted from 0 to 5"


def test_frames_where_strategies_disagree_are_chosen(footage: Footage) -> None:
    def masks(*squares: int) -> dict[str, MasksInMemory]:
        """Of each frame a mask with a square of so many pixels each way."""
        found = {}
        for frame, side in zip(footage.frames, squares, strict=True):
            labels = np.zeros((48, 64), np.uint8)
            labels[:side, :side] = 1
            found[frame.name] = MasksInMemory.of(labels)
        return found

    same = (20,) * 6
    two = replace(footage, masks={"a": masks(*same), "b": masks(20, 20, 0, 10, 20, 8)})
    assert [disputed(two, place) > 0 for place in range(6)] == [False, False, True, True, False, True]
    assert most_disputed(two, 1) == [2]
    assert most_disputed(two, 2) == [2, 5]  # not 3, which is beside 2
    assert most_disputed(two, 9) == [0, 1, 2, 3, 4, 5]
    alike = replace(footage, masks={"a": masks(*same), "b": masks(*same)})
    assert most_disputed(alike, 2) == [2, 4]
    alone = replace(footage, masks={"a": masks(*same)}, truth=masks(20, 20, 20, 20, 0, 20))
    assert most_disputed(alone, 1) == [4]
