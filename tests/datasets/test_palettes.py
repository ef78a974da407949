"""Palettes do not change an id, but they show where ids were numbered anew."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosbench.datasets.folder import Folder
from vosbench.datasets.problems import Problem, numbered_anew
from vosbench.images import read_palette

BLACK, RED, GREEN, BLUE, WHITE = (0, 0, 0), (128, 0, 0), (0, 128, 0), (0, 0, 128), (255, 255, 255)


@pytest.fixture
def problems(tmp_path: Path, labels, write_frames):
    """What is found in a sequence whose masks have the given palettes, each with the ids that it holds."""

    def of(*masks) -> list[Problem]:
        names = [f"{i:05d}" for i in range(len(masks))]
        write_frames(tmp_path / "JPEGImages/dog", names)
        (tmp_path / "Annotations/dog").mkdir(parents=True)
        for name, (palette, ids) in zip(names, masks, strict=True):
            picture = Image.fromarray(labels(*ids))
            if palette is not None:
                picture.putpalette(np.array(palette, np.uint8).tobytes())
            picture.save(tmp_path / f"Annotations/dog/{name}.png")
        return Folder(tmp_path).sequence_problems("dog")

    return of


USUAL = (BLACK, RED, GREEN, BLUE)
SOUND = {
    "one palette": [(USUAL, (1, 2)), (USUAL, (1,))],
    "no palette": [(None, (1, 2)), (None, (1, 2))],
    "with and without one": [(USUAL, (1, 2)), (None, (1, 2))],
    "shorter where fewer colours are used": [(USUAL, (1, 2, 3)), (USUAL[:2], (1,))],
    "different where it is not used": [(USUAL, (1, 2)), ((BLACK, RED, GREEN, WHITE), (1, 2))],
    "all black": [([BLACK] * 4, (1, 2)), ([BLACK] * 4, (1,))],
}


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
@pytest.mark.parametrize("colours", [2, 4, 16, 256])
def test_a_palette_is_that_of_the_header(tmp_path, suffix, colours):
    picture = Image.new("P", (4, 4))
    told = [(7 * i % 256, 3 * i % 256, i) for i in range(colours)]
    picture.putpalette(np.array(told, np.uint8).tobytes())
    picture.save(path := tmp_path / f"0.{suffix}")
    assert read_palette(path)[:colours] == told


def seen_by_a_run(tmp_path: Path) -> str:
    """What a run and a score warn of in the masks of the sequence."""
    doubt = numbered_anew(Folder(tmp_path).truth("dog").masks)
    return "" if doubt is None else doubt.message


@pytest.mark.parametrize("what", SOUND)
def test_sound_palettes(problems, tmp_path, what):
    assert problems(*SOUND[what]) == []
    assert seen_by_a_run(tmp_path) == ""


ODD = {
    "another colour": ([(USUAL, (1, 2)), ((BLACK, RED, WHITE), (1, 2))], "shows the id 2 in (255, 255, 255)"),
    "grey, then colours": ([([(i, i, i) for i in range(4)], (1, 2)), (USUAL, (1, 2))], "shows the id 1 in (128, 0, 0)"),
    "a white background": ([((WHITE, RED, GREEN), (1, 2))], "shows the background, 0, in (255, 255, 255)"),
    "a background that changes": ([(USUAL, (1,)), ((WHITE, RED), (1,))], "shows the id 0 in (255, 255, 255)"),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_palettes_are_warned_of(problems, tmp_path, what):
    masks, message = ODD[what]
    (found,) = problems(*masks)
    assert message in found.message
    assert found.warning
    assert seen_by_a_run(tmp_path) == ""


PERMUTED = {
    "ids change places": (
        [(USUAL, (1, 2)), ((BLACK, GREEN, RED), (1, 2))],
        "the colour (0, 128, 0) is the id 1, but 2",
    ),
    "ids without gaps": ([(USUAL, (1, 3)), ((BLACK, RED, BLUE), (1, 2))], "the colour (0, 0, 128) is the id 2, but 3"),
    "sorted by frequency": ([((RED, BLACK, GREEN), (1, 2))], "black is the id 1 of its palette"),
}


@pytest.mark.parametrize("what", PERMUTED)
def test_permuted_ids_are_errors(problems, tmp_path, what):
    masks, message = PERMUTED[what]
    (found,) = problems(*masks)
    assert message in found.message
    assert not found.warning
    assert seen_by_a_run(tmp_path) == found.message
